"""The desk's command line: a real process that is started, used and stopped; people from the terminal."""

from __future__ import annotations

import http.cookiejar
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "柳河镇-Petition-2026"


def environment(folder: Path, **more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "ZHIWEI_QUEUE": f"sqlite:///{folder}/q.db", **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.desk", *arguments]


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(folder, **more), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )  # fmt: skip


class Browser:
    """A plain HTTP client with cookies; does not follow where it is sent."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.jar = http.cookiejar.CookieJar()
        no_redirect = type("NoRedirect", (urllib.request.HTTPRedirectHandler,), {"redirect_request": lambda *_: None})
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), no_redirect())

    def ask(self, path: str, data: Mapping[str, str] | bytes | None = None, **headers: str) -> tuple[int, Mapping[str, str], str]:
        body = urllib.parse.urlencode(data).encode() if isinstance(data, Mapping) else data
        request = urllib.request.Request(self.base + path, body, {"Referer": self.base + path, **headers})
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, dict(exc.headers), exc.read().decode()

    def announce(self, length: int) -> bytes:
        """The first words of the answer to a body of this length of which nothing was sent yet."""
        with socket.create_connection(("127.0.0.1", int(self.base.rpartition(":")[2])), timeout=20) as connection:
            connection.sendall(f"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n".encode())
            return connection.recv(12)

    def token(self, path: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.ask(path)[2])
        assert found
        return found[1]

    def wait(self, process: subprocess.Popen[str]) -> None:
        for _ in range(300):
            assert process.poll() is None, process.communicate()
            try:
                if self.ask("/login/")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the desk does not answer")


Started = Callable[..., tuple[Browser, "subprocess.Popen[str]"]]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **more: str) -> tuple[Browser, subprocess.Popen[str]]:
        port = free_port()
        process = subprocess.Popen(
            command("start", "--bind", f"127.0.0.1:{port}", "--workers", "1", *arguments), cwd=tmp_path, env=environment(tmp_path, **more),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        processes.append(process)
        browser = Browser(port)
        browser.wait(process)
        return browser, process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_desk_starts_serves_and_stops(tmp_path: Path, started: Started) -> None:
    browser, process = started(ZHIWEI_ADMIN="guanli", ZHIWEI_ADMIN_PASSWORD=PASSWORD)
    given = {"csrfmiddlewaretoken": browser.token("/login/"), "username": "guanli", "password": PASSWORD}
    status, headers, _ = browser.ask("/login/", given)
    assert (status, headers["Location"]) == (302, "/admin/")
    assert browser.ask("/admin/")[1]["Location"] == "/password/", "a password that stood in a variable must be changed"
    status, headers, _ = browser.ask("/static/desk/desk.css")
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/css")
    assert browser.announce(20_000_000) == b"HTTP/1.1 413"
    key = tmp_path / "var" / "secret-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text(encoding="ascii").strip()) >= 50
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"分拣台已启动：{browser.base}/" in out
    assert "guanli" not in err, "no form and no query in the log"


def test_the_key_stays_so_that_nobody_is_logged_out_by_a_restart(tmp_path: Path, started: Started) -> None:
    admin = {"ZHIWEI_ADMIN": "guanli", "ZHIWEI_ADMIN_PASSWORD": PASSWORD}
    _, process = started(**admin)
    key = (tmp_path / "var" / "secret-key").read_text(encoding="ascii")
    process.terminate()
    process.wait(20)
    browser, _ = started()  # there is an administrator now: no variables are needed
    assert (tmp_path / "var" / "secret-key").read_text(encoding="ascii") == key
    assert browser.ask("/login/")[0] == 200


def test_behind_the_proxy_the_readers_own_address_is_kept(tmp_path: Path, started: Started) -> None:
    import sqlite3

    for https, expected in (("1", "192.168.7.7"), ("", "127.0.0.1")):
        proxy = {"X-Real-IP": "192.168.7.7", "X-Forwarded-Proto": "https" if https else "http"}
        browser, process = started(ZHIWEI_ADMIN="guanli", ZHIWEI_ADMIN_PASSWORD=PASSWORD, ZHIWEI_HTTPS=https)
        page = browser.ask("/login/", **proxy)[2]
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        cookie = next(cookie.value for cookie in browser.jar if cookie.name == "csrftoken")
        assert token
        given = {"csrfmiddlewaretoken": token[1], "username": f"who{https}", "password": "wrong"}
        referer = browser.base.replace("http:", "https:") + "/login/" if https else browser.base + "/login/"
        assert browser.ask("/login/", given, **proxy, Referer=referer, Cookie=f"csrftoken={cookie}")[0] == 200
        with sqlite3.connect(tmp_path / "q.db") as connection:
            (address,) = connection.execute("SELECT ip_address FROM axes_accessattempt WHERE username = ?", [f"who{https}"]).fetchone()
        connection.close()
        assert address == expected
        process.terminate()
        process.wait(20)


def test_without_a_terminal_and_variables_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, "start", "--bind", f"127.0.0.1:{free_port()}")
    assert done.returncode == 2
    assert "ZHIWEI_ADMIN" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_weak_first_password_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "start", "--bind", f"127.0.0.1:{free_port()}", ZHIWEI_ADMIN="guanli", ZHIWEI_ADMIN_PASSWORD="12345")
    assert done.returncode == 2
    assert "至少要 10 个字符" in done.stderr


def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(tmp_path, "start", "--bind", f"127.0.0.1:{taken.getsockname()[1]}", ZHIWEI_ADMIN="g", ZHIWEI_ADMIN_PASSWORD=PASSWORD)
    assert done.returncode == 2
    assert "换一个端口" in done.stderr
    assert run(tmp_path, "start", "--bind", "nowhere").returncode == 2


def test_at_the_terminal_it_asks_until_it_fits(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command("start", "--bind", f"127.0.0.1:{free_port()}", "--workers", "1"), cwd=tmp_path, env=environment(tmp_path), stdin=slave, stdout=slave,
        stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    said = ""

    def until(words: str) -> None:
        nonlocal said
        deadline = time.monotonic() + 30
        while words not in said:
            assert time.monotonic() < deadline, said
            said += os.read(master, 4096).decode(errors="replace")
        said = said[said.index(words) + len(words) :]

    try:
        for password, answer in (("12345", "密码不合要求"), (PASSWORD, "分拣台已启动")):
            until("用户名：")
            os.write(master, b"guanli\n")
            until("密码（不显示）：")
            os.write(master, password.encode() + b"\n")
            until("再输一遍：")
            os.write(master, password.encode() + b"\n")
            until(answer)
        assert PASSWORD not in said
    finally:
        process.terminate()
        process.wait(20)
        os.close(master)


def test_the_sample_has_a_person_a_role_and_a_new_password_each_time(tmp_path: Path, started: Started) -> None:
    passwords = []
    for _ in range(2):
        browser, process = started("--sample")
        process.terminate()
        out, _ = process.communicate(timeout=20)
        assert "demo-clerk（分拣员）" in out
        found = re.search(r"密码都是 (\S+) ", out)
        assert found
        passwords.append(found[1])
    assert passwords[0] != passwords[1]
    browser, _ = started()
    given = {"csrfmiddlewaretoken": browser.token("/login/"), "username": "demo-clerk", "password": passwords[1]}
    assert browser.ask("/login/", given)[1]["Location"] == "/"


def test_people_are_made_and_given_passwords_from_the_command_line(tmp_path: Path) -> None:
    done = run(tmp_path, "adduser", "zhouhe", "--name", "周禾", "--role", "handler", "--unit", "农业农村局")
    assert done.returncode == 0, done.stderr
    first = re.search(r"一次性密码：(\S+)", done.stdout)
    again = re.search(r"一次性密码：(\S+)", run(tmp_path, "passwd", "zhouhe").stdout)
    assert first
    assert again
    assert first[1] != again[1]
    assert run(tmp_path, "adduser", "zhouhe", "--name", "周禾", "--role", "clerk").returncode == 2
    assert "没有用户名为 nobody 的账号" in run(tmp_path, "passwd", "nobody").stderr
    assert "承办人员必须选单位" in run(tmp_path, "adduser", "h", "--name", "某", "--role", "handler").stderr
    done = run(tmp_path, "verify")
    assert done.returncode == 0
    assert "已封存 2 条，待封存 0 条" in done.stdout


def test_verify_fails_on_a_chain_that_was_meddled_with(tmp_path: Path) -> None:
    import sqlite3

    run(tmp_path, "adduser", "zhouhe", "--name", "周禾", "--role", "clerk")
    with sqlite3.connect(tmp_path / "q.db") as connection:
        connection.execute("DROP TRIGGER desk_event_no_update")
        connection.execute("UPDATE desk_event SET kind = 'person_changed'")
    connection.close()
    done = run(tmp_path, "verify")
    assert done.returncode == 1
    assert "不一致" in done.stdout
