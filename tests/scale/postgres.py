"""A throw-away PostgreSQL server: a folder of its own, a free port of this machine, a password drawn anew; gone when it is closed.

`python -m tests.scale.postgres` starts one, prints its queue URL and keeps it until Ctrl-C.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PLACES = ("/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin", "/usr/local/bin", "/usr/bin")
OWNER = "postgres"
START_SECONDS = 60
SETTINGS = {
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",  # as for an SSD
    "max_connections": "120",
}
"""What a small office server would be given; the rest is PostgreSQL's own, fsync and synchronous commits included."""


@contextmanager
def server() -> Iterator[str]:
    """A running server; yields the queue URL of its database. Raises FileNotFoundError without PostgreSQL, RuntimeError when it does not start."""
    binaries, asker = _binaries(), _asker()
    folder = Path(tempfile.mkdtemp(prefix="zhiwei-postgres-"))
    try:
        if asker:
            shutil.chown(folder, OWNER)
        password = secrets.token_hex(16)
        _make(binaries, folder, password, asker)
        port = _free_port()
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-h", "127.0.0.1", "-p", str(port), *settings]
        with open(folder / "log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **asker) as running:
            try:
                _wait(binaries, folder, port, running, asker)
                yield f"postgresql://zhiwei:{password}@127.0.0.1:{port}/postgres"
            finally:
                running.send_signal(signal.SIGINT)  # fast shutdown: sessions are ended, what is committed is written
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    for place in map(Path, PLACES):
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise FileNotFoundError(f"PostgreSQL's initdb and postgres are in none of {', '.join(PLACES)}; install postgresql.")


def _asker() -> dict[str, Any]:
    """Under whom the server runs: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    person = pwd.getpwnam(OWNER)
    return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}


def _make(binaries: Path, folder: Path, password: str, asker: dict[str, Any]) -> None:
    """The password is told in a file of the folder that only its owner can read, and not kept."""
    told = folder / "password"
    told.touch(mode=0o600)
    told.write_text(f"{password}\n", encoding="ascii")
    if asker:
        shutil.chown(told, OWNER)
    command = [
        str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "zhiwei", f"--pwfile={told}", "--auth=scram-sha-256", "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **asker)
    told.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(binaries: Path, folder: Path, port: int, running: subprocess.Popen[bytes], asker: dict[str, Any]) -> None:
    command = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(command, check=False, cwd=folder, **asker).returncode:
        if running.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL did not start:\n" + (folder / "log").read_text(encoding="utf-8", errors="replace"))
        time.sleep(0.1)


def main() -> None:
    """Serve until interrupted."""
    with server() as url:
        for stop in (signal.SIGTERM, signal.SIGINT):  # the latter is ignored in what a shell started with &
            signal.signal(stop, signal.default_int_handler)
        print(url, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopped")


if __name__ == "__main__":
    main()
