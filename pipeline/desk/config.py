"""The Django settings module of the desk. The database is the queue of pipeline.settings."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pipeline.errors import QueueError
from pipeline.settings import load_settings

_FORM = "expected sqlite:///relative/path.db, sqlite:////absolute/path.db or postgresql://user:password@host:5432/database"
BUSY_SECONDS = 30
"""How long a statement waits while another process (the desk, a backup) writes."""

# WAL: staff read while the nightly run writes. FULL: a commit survives a power cut, which the decisions that staff make in the same file
# need; the run itself commits once a chunk, so it costs nothing to speak of. Django switches foreign keys on by itself.
SQLITE_OPENING = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"


def database(url: str) -> dict[str, Any]:
    """A queue URL as an entry of Django's DATABASES.

    Raises:
        QueueError: the URL has another form, or psycopg is not installed for PostgreSQL. The message never shows a password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is no number
    except ValueError as exc:
        raise QueueError(f"queue URL cannot be read ({exc}); {_FORM}.") from None
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path), parts.netloc)
    if parts.scheme in ("postgresql", "postgres"):
        return _postgresql(parts)
    raise QueueError(f"queue URL of unknown kind {parts.scheme!r}; {_FORM}, or none.")


def _sqlite(path: str, netloc: str) -> dict[str, Any]:
    if netloc or len(path) < 2 or path.endswith("/"):
        raise QueueError(f"queue URL names no SQLite file; {_FORM} (three slashes before a relative path, four before an absolute one).")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(Path(path[1:]).absolute()),
        "OPTIONS": {"timeout": BUSY_SECONDS, "transaction_mode": "IMMEDIATE", "init_command": SQLITE_OPENING},
    }


def _postgresql(parts: SplitResult) -> dict[str, Any]:
    name = unquote(parts.path).strip("/")
    if not name:
        raise QueueError(f"queue URL names no database; {_FORM}.")
    if importlib.util.find_spec("psycopg") is None:
        raise QueueError("queue on PostgreSQL: psycopg is not installed; run: pip install 'psycopg[binary]', or use a sqlite:/// queue.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": {"connect_timeout": 10, **dict(parse_qsl(parts.query))},
    }


INSTALLED_APPS = ["pipeline.desk"]
DATABASES = {"default": database(load_settings().queue)}
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
LANGUAGE_CODE = "zh-hans"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
