"""A queue of the version before the desk: its letters and matters are there after the next night."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.desk.services.store import Store
from tests.desk.conftest import Desk

BEFORE = "0003"


@pytest.fixture
def older(queue: str) -> Path:
    """Two matters, one of them put into the other, and an event, in tables of that version."""
    from django.core.management import call_command

    path = Path(queue.removeprefix("sqlite:///"))
    with Store.open(queue) as store:
        desk = Desk(store, store.start_run(["letters.csv"], "m1"))
        desk.add("S1", matter="M-S1")
        desk.add("S2", matter="M-S1")
        call_command("migrate", "desk", BEFORE, verbosity=0)
    with closing(sqlite3.connect(path)) as connection:
        names = "matter_id, united_into_id, letters, writers, level, risk, lately, growth, by_person, title, issue, places, signals"
        connection.execute(
            f"INSERT INTO desk_matter ({names}) SELECT 'M-old', 'M-S1', 0, 0, 0, 0, 0, 0, 0, title, issue, places, signals FROM desk_matter"
        )
        connection.commit()
        assert "rank" not in [row[1] for row in connection.execute("PRAGMA table_info(desk_matter)")]
        assert "model_version" in connection.execute("SELECT detail FROM desk_event LIMIT 1").fetchone()[0]
    return path


def test_letters_and_matters_of_the_version_before_come_to_the_desk(older: Path, queue: str) -> None:
    from pipeline.desk.models import Event, Matter, User
    from pipeline.desk.services.events import seal, verify
    from pipeline.desk.services.search import found

    with Store.open(queue) as store:
        store.refresh_desk()
        store.refresh_desk()
        clerk = User.objects.create(username="wang", name="王敏", role="clerk")
        matters = Matter.objects.for_user(clerk)
        assert [(one.pk, one.unit, one.due_clock, one.fresh, one.live, one.rank > 40) for one in matters] == [
            ("M-S1", "农业农村局", "register", 2, True, True)
        ]
        assert not Matter.objects.get(pk="M-old").live
        assert [one.pk for one in found(matters, "玉米种子")] == ["M-S1"]
        assert Event.objects.first().after["model_version"] == "m1"
        seal()
        assert verify().fault == ""
