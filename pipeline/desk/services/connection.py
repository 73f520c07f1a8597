"""Reaching the queue's database: the URL, the run lock, the tables' version, errors in words a person can act on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import Error, OperationalError, connection, connections

from pipeline.errors import QueueError

ADVISORY_LOCK = 0x5A68_6977_6569
"""The key of the run lock on PostgreSQL: "Zhiwei". Such locks are counted per database."""
LOCK_POLL = 0.2


def connect(url: str) -> Path | None:
    """Point Django's default connection of this thread at `url`; returns the file of an SQLite queue."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipeline.desk.config")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
    from pipeline.desk.config import database

    wanted = database(url)
    connections["default"].close()
    connections.settings = connections.configure_settings({"default": wanted})
    del connections["default"]
    if not wanted["ENGINE"].endswith("sqlite3"):
        return None
    path = Path(wanted["NAME"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise QueueError(f"queue {path}: its folder cannot be made ({exc.strerror}); choose another place with --queue.") from exc
    return path


@contextmanager
def file_lock(database: Path, wait: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(f"{database}.lock", timeout=wait, poll_interval=LOCK_POLL)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(str(database)) from None
    except OSError as exc:
        raise QueueError(f"queue {database}: its folder cannot be written ({exc.strerror}); choose another place with --queue.") from exc
    try:
        yield
    finally:
        lock.release()


@contextmanager
def session_lock(wait: float) -> Iterator[None]:
    """PostgreSQL frees the lock when the session ends; closing the connection is enough."""
    deadline = time.monotonic() + wait
    with translated("take the run lock"):
        while not _try_advisory_lock():
            if time.monotonic() >= deadline:
                connection.close()
                raise _busy(str(connection.settings_dict["NAME"]))
            time.sleep(LOCK_POLL)
    yield


def _try_advisory_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        return bool(cursor.fetchone()[0])


def _busy(name: str) -> QueueError:
    return QueueError(f"queue {name}: another run is working on it; wait until it has finished, then start again (nothing is lost).")


def migrate() -> None:
    """Bring the tables to this version; refuses tables that a newer Zhiwei has made."""
    from django.core.management import call_command
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    applied = loader.applied_migrations
    unknown = sorted(name for app, name in applied if app == "desk" and ("desk", name) not in loader.disk_migrations)
    if unknown:
        name = connection.settings_dict["NAME"]
        raise QueueError(f"queue {name}: made by a newer Zhiwei (step {unknown[-1]}); install that version here too.")
    if loader.disk_migrations.keys() - applied.keys():
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Database errors as QueueError. A driver's message may quote the row at fault, so only those about the database itself are shown."""
    try:
        yield
    except Error as exc:
        name = connection.settings_dict["NAME"]
        said = str(exc).strip().splitlines()
        what = said[0] if said and isinstance(exc, OperationalError) else type(exc).__name__
        raise QueueError(
            f"queue {name}: could not {doing} ({what}); check that the database is reachable, not locked by another program, and that "
            "the disk is not full, then start again: what was committed stays."
        ) from None
