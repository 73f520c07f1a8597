"""The Django settings module of the desk. The database is the queue of pipeline.settings."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from datetime import timedelta
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


def secret_key(environ: Mapping[str, str] = os.environ) -> str:
    """The key that signs sessions: ZHIWEI_SECRET_KEY, else the file that ZHIWEI_SECRET_FILE names (default var/secret-key, made at first start).

    Empty where there is none: the nightly run needs no key, and Django refuses to serve a page without one.
    """
    if environ.get("ZHIWEI_SECRET_KEY"):
        return environ["ZHIWEI_SECRET_KEY"]
    file = Path(environ.get("ZHIWEI_SECRET_FILE") or SECRET_FILE)
    return file.read_text(encoding="ascii").strip() if file.is_file() else ""


def _hosts(environ: Mapping[str, str] = os.environ) -> list[str]:
    return [host.strip() for host in environ.get("ZHIWEI_HOSTS", "127.0.0.1,localhost").split(",") if host.strip()]


SECRET_FILE = Path("var", "secret-key")
HTTPS = os.environ.get("ZHIWEI_HTTPS", "") == "1"
"""Set behind an HTTPS proxy: cookies are then sent over HTTPS only. On loopback there is no HTTPS."""

INSTALLED_APPS = [
    "pipeline.desk",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "pipeline.desk.middleware.content_security",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "pipeline.desk.middleware.idle_and_password",
    "pipeline.desk.middleware.seal_after_writing",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "pipeline.desk.context.frame",
            ],
            "builtins": ["django.templatetags.static", "pipeline.desk.templatetags.desk"],
        },
    }
]
ROOT_URLCONF = "pipeline.desk.urls"
WSGI_APPLICATION = "pipeline.desk.wsgi.application"
DATABASES = {"default": database(load_settings().queue)}
DEBUG = False
ALLOWED_HOSTS = _hosts()
SECRET_KEY = secret_key()

AUTH_USER_MODEL = "desk.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "pipeline.desk.login.PasswordBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "login", "queue", "login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]  # an office's people come from one address
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else somebody could keep a colleague out for ever
AXES_LOCKOUT_TEMPLATE = "desk/locked.html"

SESSION_COOKIE_AGE = 30 * 60
"""Seconds without a request after which a person must log in again."""
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "pipeline.desk.views.errors.csrf_failure"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
UPLOAD_MOST_BYTES = 10 * 1024 * 1024

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
LANGUAGE_CODE = "zh-hans"
USE_I18N = True
LOGGING = {  # paths and status only: no query string, no form, so no word of a letter
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"()": "pipeline.desk.logs.Plain", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "axes": {"handlers": ["console"], "level": "ERROR", "propagate": False},
    },
}

CLAIM_MINUTES = 15
"""Minutes without a save or a look after which a claimed matter is free again."""
