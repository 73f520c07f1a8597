"""The database URL, and the tables' history."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from pipeline.desk.config import database
from pipeline.errors import QueueError


@pytest.mark.django_db
def test_the_migrations_say_all_that_the_models_say() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_sqlite_relative_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert database("sqlite:///var/zhiwei.db")["NAME"] == str(tmp_path / "var" / "zhiwei.db")
    assert database("sqlite:////srv/z%20w.db")["NAME"] == "/srv/z w.db"


def test_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    found = database("postgresql://clerk:p%40ss@db.local:5433/zhiwei?sslmode=require")
    assert [found[key] for key in ("NAME", "HOST", "PORT", "USER", "PASSWORD")] == ["zhiwei", "db.local", "5433", "clerk", "p@ss"]
    assert found["OPTIONS"]["sslmode"] == "require"


def test_postgresql_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(QueueError, match="psycopg is not installed"):
        database("postgresql://h/d")


@pytest.mark.parametrize(
    "url",
    [
        "zhiwei.db",
        "mysql://h/d",
        "sqlite://zhiwei.db",
        "sqlite:///",
        "sqlite:///var/",
        "postgresql://h:port/d",
        "postgresql://clerk:secret@h",
    ],
)
def test_other_urls_are_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(QueueError, match="expected sqlite:///") as caught:
        database(url)
    assert "secret" not in str(caught.value)
