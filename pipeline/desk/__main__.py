"""The desk from the command line: start it, make people, check the events, erase what has been kept long enough.

python -m pipeline.desk start|adduser|passwd|verify|retention
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from pipeline.desk.roles import Role
from pipeline.errors import SettingsError, ZhiweiError
from pipeline.settings import load_settings


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.desk", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--queue", metavar="URL", default=argparse.SUPPRESS, help="default: the setting (sqlite:///var/zhiwei.db)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, told: str) -> argparse.ArgumentParser:
        one = actions.add_parser(name, help=told, description=told)
        one.add_argument("--queue", metavar="URL", default=argparse.SUPPRESS, help="default: the setting (sqlite:///var/zhiwei.db)")
        return one

    start = action("start", "serve the desk; the first time it makes the tables, a key and the first administrator")
    start.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT", help="default: %(default)s")
    start.add_argument("--workers", type=int, default=2, metavar="N", help="processes (default: %(default)s)")
    start.add_argument("--threads", type=int, default=4, metavar="N", help="threads of each (default: %(default)s)")
    start.add_argument("--sample", action="store_true", help="the letters are the invented ones: make one invented person a role")
    added = action("adduser", "make a person and print a one-time password")
    added.add_argument("username")
    added.add_argument("--name", required=True, help="as it is shown")
    added.add_argument("--role", required=True, choices=Role.values)
    added.add_argument("--unit", default="", help="whose matters a handler works on")
    action("passwd", "give a person a new one-time password and unlock them").add_argument("username")
    action("verify", "check the chain of events (exit status 1 when it is broken)")
    erase = action("retention", "erase the clear text and the contact of matters closed for longer than the setting retention_days")
    erase.add_argument("--dry-run", action="store_true", help="say how many, erase nothing")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    told = make_parser().parse_args(argv)
    acts: dict[str, Callable[[argparse.Namespace], int]] = {
        "adduser": _adduser, "passwd": _passwd, "verify": _verify, "retention": _retention
    }  # fmt: skip
    try:
        queue = getattr(told, "queue", None) or load_settings().queue
        if told.action == "start":
            return _start(told, queue)
        _open(queue)
        return acts[told.action](told)
    except ZhiweiError as exc:
        print(exc, file=sys.stderr)
        return 2


def _open(queue: str) -> None:
    os.environ["ZHIWEI_QUEUE"] = queue
    from pipeline.desk.services.connection import connect, migrate

    connect(queue)
    migrate()


def _start(told: argparse.Namespace, queue: str) -> int:
    from pipeline.desk.start import Serving, start

    start(Serving(queue=queue, bind=told.bind, workers=told.workers, threads=told.threads, sample=told.sample))
    return 0


def _adduser(told: argparse.Namespace) -> int:
    from pipeline.desk.services.events import seal
    from pipeline.desk.services.people import make

    person, password = make(told.username, told.name, told.role, told.unit)
    seal(everywhere=True)
    print(f"已建账号 {person.username}（{person.name}）。一次性密码：{password} ，第一次登录时要改。")
    return 0


def _passwd(told: argparse.Namespace) -> int:
    from pipeline.desk.models import User
    from pipeline.desk.services.events import seal
    from pipeline.desk.services.people import reset_password

    person = User.objects.filter(username=told.username).first()
    if person is None:
        raise SettingsError(f"没有用户名为 {told.username} 的账号。")
    password = reset_password(person, by=None)
    seal(everywhere=True)
    print(f"{person.username}（{person.name}）的一次性密码：{password} ，登录后要改。")
    return 0


def _verify(told: argparse.Namespace) -> int:
    from pipeline.desk.services.events import verify

    found = verify()
    print(f"已封存 {found.sealed} 条，待封存 {found.unsealed} 条。最后一枚封印：{found.head or '无'}")
    print(found.fault or "事件链完整，没有改动、删除或插入。")
    return 1 if found.fault else 0


def _retention(told: argparse.Namespace) -> int:
    from pipeline.desk.services.retention import erase, planned

    days = load_settings().retention_days
    if told.dry_run:
        due = planned(days)
        print(f"保留期限 {days} 天：将清除 {due.letters} 封来信（{due.matters} 个事项）的原文和来信人标识。没有清除任何内容。")
        return 0
    print(f"保留期限 {days} 天：已清除 {erase(days)} 封来信的原文和来信人标识。")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
