"""Events are kept, sealed in a chain, and nobody can change them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.desk.services.store import Store
from tests.desk.conftest import Desk


def test_the_chain_holds_and_goes_on(filled: Desk) -> None:
    from pipeline.desk.services.events import record, seal, verify

    assert verify().unsealed > 0
    count = seal()
    first = verify()
    assert (first.sealed, first.unsealed, first.fault) == (count, 0, "")
    record("noted", matter="M-S1")
    assert seal() == 1
    assert verify().head != first.head
    assert seal() == 0


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE desk_event SET kind = 'forward'",
        "UPDATE desk_event SET by_id = (SELECT max(id) FROM desk_user) WHERE id > 1",
        "DELETE FROM desk_event WHERE id = (SELECT max(id) FROM desk_event)",
        "DELETE FROM desk_seal",
        "UPDATE desk_access SET purpose = ''",
        "DELETE FROM desk_access",
    ],
)
def test_the_database_itself_refuses_changes(filled: Desk, attack: str) -> None:
    from django.db import DatabaseError, connection, transaction

    from pipeline.desk.services.access import note_access
    from pipeline.desk.services.events import seal

    note_access("search", filled.person("clerk"), "127.0.0.1")
    seal()
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE desk_event SET kind = 'forward' WHERE id = 3",
        'UPDATE desk_event SET before = \'{"unit": "x"}\' WHERE id = 3',
        "UPDATE desk_event SET at = '2020-01-01 00:00:00' WHERE id = 3",
        "DELETE FROM desk_seal WHERE event_id = 3",
    ],
)
def test_whoever_takes_the_guards_away_is_found(queue: str, attack: str) -> None:
    from django.db import connection

    from pipeline.desk.models import Matter
    from pipeline.desk.services.events import record, seal, verify

    with Store.open(queue):
        Matter.objects.create(matter_id="M-1")
        for kind in ("claimed", "routed", "noted", "released"):
            record(kind, matter="M-1", after={"unit": "水利局"})
        seal()
        assert verify().fault == ""
        with connection.cursor() as cursor:
            for table in ("desk_event", "desk_seal"):
                for act in ("update", "delete"):
                    cursor.execute(f"DROP TRIGGER {table}_no_{act}")
            cursor.execute(attack)
        found = verify()
    assert "被改动、删除或插入" in found.fault
    assert found.sealed == 2


def test_an_event_that_was_never_sealed_is_told_after_a_day(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.utils import timezone

    from pipeline.desk.services.events import verify

    now = timezone.now()
    assert verify().fault == ""
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=25))
    assert "没有封存" in verify().fault


def test_the_orm_refuses_changes_of_every_table_that_only_grows() -> None:
    from pipeline.desk.models import Access, AppendOnlyError, Correction, Erasure, Event, FlagAct, Seal

    for table in (Access, Correction, Erasure, Event, FlagAct, Seal):
        for act in (lambda table=table: table.objects.update(pk=1), lambda table=table: table.objects.all().delete(), table(pk=1).delete):
            with pytest.raises(AppendOnlyError):
                act()


def test_no_event_holds_a_word_of_a_letter(filled: Desk) -> None:
    from pipeline.desk.models import Event
    from pipeline.desk.services import steps

    clerk = filled.person("clerk")
    steps.take_step(filled.matter("M-W1"), clerk, "accept")
    steps.note(filled.matter("M-W1"), clerk, "step", "已去工地")
    told = " ".join(str((event.before, event.after)) for event in Event.objects.all())
    assert not any(word in told for word in ("拖欠", "农民工", "种子", "林蛙", "已去工地"))


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        ("UPDATE desk_access SET purpose = '工作需要'", "与登记时不一致"),
        ("DELETE FROM desk_access", "不见了"),
        (
            "INSERT INTO desk_access SELECT id + 1, at, kind, purpose, address, detail, by_id, letter_id, matter_id FROM desk_access",
            "与登记时不一致",
        ),
    ],
)
def test_the_chain_guards_the_register_of_readings_too(queue: str, attack: str, sentence: str) -> None:
    from django.db import connection

    from pipeline.desk.models import User
    from pipeline.desk.services.access import note_access
    from pipeline.desk.services.events import seal, verify

    with Store.open(queue):
        note_access(
            "export", User.objects.create(username="wang", name="王敏", role="clerk"), "127.0.0.1", purpose="例会", detail={"letters": 3}
        )
        seal()
        assert verify().fault == ""
        with connection.cursor() as cursor:
            for act in ("update", "delete"):
                cursor.execute(f"DROP TRIGGER desk_access_no_{act}")
            cursor.execute(attack)
        assert sentence in verify().fault
