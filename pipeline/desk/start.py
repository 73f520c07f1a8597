"""Starting the desk: the key, the tables, the first administrator, then gunicorn in place of this process."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.desk.roles import Role
from pipeline.errors import SettingsError, ZhiweiError

SECRET_FILE = Path("var", "secret-key")  # as pipeline.desk.config, which reads it when it is imported and so must come later
ADMIN, ADMIN_PASSWORD = "ZHIWEI_ADMIN", "ZHIWEI_ADMIN_PASSWORD"
SAMPLE_PEOPLE = (
    ("demo-clerk", "陈晓（演示）", "clerk", "信访局"),
    ("demo-supervisor", "林科（演示）", "supervisor", "信访局"),
    ("demo-handler", "周禾（演示）", "handler", "农业农村局"),
    ("demo-analyst", "吴析（演示）", "analyst", "信访局"),
    ("demo-auditor", "郑审（演示）", "auditor", "信访局"),
    ("demo-admin", "王管（演示）", "admin", "信访局"),
)
"""Invented people for the sample letters: user name, name, role, unit."""
LOOPBACK = frozenset({"127.0.0.1", "::1"})
FORM_BYTES = 64 * 1024
"""What a form may add to the file that it brings."""
WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How the desk is served. `sample`: the letters are the invented ones, so people are invented too."""

    queue: str
    bind: str = "127.0.0.1:8000"
    workers: int = 2
    threads: int = 4
    sample: bool = False


def start(serving: Serving) -> None:
    """Make ready and serve; does not come back: gunicorn takes the place of this process.

    Raises:
        ZhiweiError: the address is taken, the queue cannot be used, or there is no administrator and nobody to ask for one.
    """
    _check_free(serving.bind)
    os.environ["ZHIWEI_QUEUE"] = serving.queue
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipeline.desk.config")
    ensure_secret()
    from pipeline.desk.services.connection import connect, migrate

    connect(serving.queue)
    migrate()
    if serving.sample:
        _sample_people()
    _ensure_admin()
    if serving.bind.rpartition(":")[0].strip("[]") not in LOOPBACK and os.environ.get("ZHIWEI_HTTPS") != "1":
        print("注意：别的机器也能连到这个地址，而密码和来信没有加密传送。请只监听 127.0.0.1，由 nginx 提供 HTTPS（见 docs/desk.md）。")
    print(f"分拣台已启动：http://{serving.bind}/ ，按 Ctrl+C 停止。", flush=True)
    os.execv(sys.executable, _command(serving))


def _command(serving: Serving) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", "pipeline.desk.start:served()", "--bind", serving.bind, "--workers", str(serving.workers),
        "--worker-class", "gthread", "--threads", str(serving.threads), "--log-level", "warning", "--no-control-socket",
    ]  # fmt: skip


def _check_free(bind: str) -> None:
    """gunicorn tries for seconds and then fails in many lines; a taken address is told here in one."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise SettingsError(f"--bind {bind}：应为“地址:端口”，例如 127.0.0.1:8000。")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as exc:
            raise SettingsError(f"{bind} 不能使用（{exc.strerror or exc}）：可能分拣台已在运行，或用 --bind 换一个端口。") from exc


def ensure_secret() -> None:
    """Make the key that signs sessions when neither the environment nor the file has one; only its owner can read it."""
    if os.environ.get("ZHIWEI_SECRET_KEY"):
        return
    file = Path(os.environ.get("ZHIWEI_SECRET_FILE") or SECRET_FILE)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as exc:
        raise SettingsError(f"{file}：密钥文件建不了（{exc.strerror}）；请检查目录权限，或设 ZHIWEI_SECRET_FILE。") from exc
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(48) + "\n")


def _ensure_admin() -> None:
    from pipeline.desk.models import User
    from pipeline.desk.services.people import make

    if User.objects.filter(role=Role.ADMIN, is_active=True).exists():
        return
    username, password = os.environ.get(ADMIN, ""), os.environ.get(ADMIN_PASSWORD, "")
    if username and password:
        make(username, username, Role.ADMIN, password=password)
        return
    if not sys.stdin.isatty():
        raise SettingsError(f"还没有管理员：请在终端里启动，按提示设第一位管理员；或设环境变量 {ADMIN} 和 {ADMIN_PASSWORD} 后再启动。")
    _ask(lambda name, secret: make(name, name, Role.ADMIN, password=secret))


def _ask(act: Callable[[str, str], object]) -> None:
    """Ask at the terminal until it fits."""
    print("第一次启动，请设管理员（第一次登录时要改密码）。")
    while True:
        username = input("用户名：").strip()
        password = getpass.getpass("密码（不显示）：")
        if password != getpass.getpass("再输一遍："):
            print("两次输入不一样，请重来。")
            continue
        try:
            act(username, password)
        except ZhiweiError as exc:
            print(exc)
            continue
        return


def _sample_people() -> None:
    """One person a role, with one password drawn anew at each start and told only here: none is ever fixed."""
    from pipeline.desk.models import User
    from pipeline.desk.services.people import one_time_password

    password = one_time_password()
    for username, name, role, unit in SAMPLE_PEOPLE:
        person = User.objects.filter(username=username).first() or User(username=username)
        person.name, person.role, person.unit, person.is_active, person.must_change = name, role, unit, True, False
        person.set_password(password)
        person.save()
    names = "、".join(f"{username}（{Role(role).label}）" for username, _, role, _ in SAMPLE_PEOPLE)
    print(f"演示账号：{names}\n密码都是 {password} ，每次启动都换新的。")


def served() -> WSGI:
    """The WSGI application: too large a body is refused before it is read, and behind the HTTPS proxy the address is the reader's own."""
    from django.conf import settings

    from pipeline.desk.wsgi import application

    most = settings.UPLOAD_MOST_BYTES + FORM_BYTES
    proxied = settings.HTTPS

    def guarded(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > most:
            start_response("413 Content Too Large", [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")])
            return ["提交的内容太大。".encode()]
        if proxied and environ.get("REMOTE_ADDR") in LOOPBACK and environ.get("HTTP_X_REAL_IP"):
            environ["REMOTE_ADDR"] = environ["HTTP_X_REAL_IP"].strip()  # nginx sets it anew, whatever the browser sent
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    return guarded
