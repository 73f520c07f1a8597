"""The store: saved once, whole chunks, nothing personal where it does not belong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.desk.services.store import Entry, Known, Store
from pipeline.errors import QueueError
from pipeline.intake.letter import SHANGHAI, Letter, RedactedLetter
from pipeline.matters.places import Where
from pipeline.scoring.score import Score
from pipeline.triage.policy import Priority, Reason
from pipeline.triage.routing import Route

SECRET = "13800138000"


def entry(letter_id: str = "A1", *, value: float = 50.0, version: str = "m1", content: str = "c1", due: date = date(2026, 3, 17)) -> Entry:
    draw = np.random.default_rng(len(letter_id))
    embedding = draw.normal(size=384).astype(np.float32)
    return Entry(
        letter=Letter(
            letter_id=letter_id,
            title=f"{SECRET}来信",
            body=f"电话{SECRET}",
            received_at=datetime(2026, 3, 2, 9, tzinfo=SHANGHAI),
            place_hint=f"柳河村{SECRET}",
            extra={"备注": SECRET},
        ),
        content=content,
        redacted=RedactedLetter(letter_id=letter_id, text="［手机］来信\n电话［手机］"),
        place=Where(None, "柳河村［手机］", ()),
        route=Route("农业农村局", "属事", 9, "种子化肥"),
        score=Score(
            letter_id=letter_id,
            issue=draw.random(16).astype(np.float32),
            signals=draw.random(8).astype(np.float32),
            risk=0.123456789,
            level=2,
            embedding=embedding,
            abstain=False,
            model_version=version,
        ),
        priority=Priority(value, (Reason("风险较高", 0.75), Reason("人身安全", 0.25))),
        due_on=due,
    )


@pytest.fixture
def store(queue: str) -> Iterator[Store]:
    with Store.open(queue) as opened:
        yield opened


def saved(store: Store, *entries: Entry) -> int:
    run = store.start_run(["letters.csv"], entries[0].score.model_version)
    store.save_chunk(run, entries)
    return run


def test_what_is_saved_comes_back_unchanged(store: Store) -> None:
    given = entry()
    saved(store, given)
    back = store.rows(["A1", "unknown"])["A1"]
    assert (back.title, back.place, back.due_on, back.priority) == ("［手机］来信", "柳河村［手机］", given.due_on, given.priority)
    assert (back.unit, back.matter_id) == ("农业农村局", "")
    assert back.received_at == given.letter.received_at
    assert (back.score.risk, back.score.level, back.score.model_version) == (given.score.risk, 2, "m1")
    for name in ("issue", "signals", "embedding"):
        np.testing.assert_array_equal(getattr(back.score, name), getattr(given.score, name))


def test_known_by_id_content_and_model(store: Store) -> None:
    saved(store, entry())
    assert store.known(["A1", "B2"], "m1") == {"A1": Known("c1", True)}
    assert store.known(["A1"], "m2") == {"A1": Known("c1", False)}


def test_a_newer_model_rescores_and_leaves_what_people_decided(store: Store) -> None:
    from pipeline.desk.models import Event, QueueItem, Score

    saved(store, entry(), entry("B2", value=90))
    QueueItem.objects.filter(pk="A1").update(human_priority=99)
    saved(store, entry(value=10, version="m2", content="other", due=date(2030, 1, 1)))
    item = QueueItem.objects.get(pk="A1")
    assert (item.priority, item.human_priority, item.due_on) == (10, 99, date(2026, 3, 17))
    assert item.score.model_version == "m2"
    assert list(Score.objects.filter(letter="A1").values_list("model_version", flat=True)) == ["m1", "m2"]
    assert list(Event.objects.filter(letter="A1").values_list("kind", flat=True)) == ["queued", "rescored"]
    assert [row.letter_id for row in store.top(5)] == ["A1", "B2"]


def test_going_back_to_an_earlier_model_uses_its_score_again(store: Store) -> None:
    from pipeline.desk.models import QueueItem, Score

    for version, value in (("m1", 50), ("m2", 10), ("m1", 50)):
        saved(store, entry(version=version, value=value))
    assert Score.objects.count() == 2
    assert QueueItem.objects.get().score.model_version == "m1"


def test_the_queue_is_in_order_of_priority_then_due_date(store: Store) -> None:
    saved(store, entry("A1", value=20), entry("B2", value=70), entry("C3", value=70, due=date(2026, 3, 1)))
    assert [row.letter_id for row in store.top(2)] == ["C3", "B2"]


def test_the_order_comes_from_the_partial_index(store: Store) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    saved(store, *(entry(f"N{n}") for n in range(20)))
    with CaptureQueriesContext(connection) as queries:
        store.top(3)
    with connection.cursor() as cursor:
        plan = " ".join(str(row) for row in cursor.execute("EXPLAIN QUERY PLAN " + queries[0]["sql"]).fetchall())
    assert "desk_open_by_priority" in plan
    assert "TEMP B-TREE" not in plan


def test_a_chunk_is_saved_whole_or_not_at_all(store: Store) -> None:
    from pipeline.desk.models import Letter, Run

    run = store.start_run([], "m1")
    bad = replace(entry("B2"), due_on=None)  # type: ignore[arg-type]
    with pytest.raises(QueueError, match="could not save letters"):
        store.save_chunk(run, [entry(), bad])
    assert Letter.objects.count() == 0
    store.finish_run(run, {"new": 0}, done=False)
    assert Run.objects.get().status == "stopped"


def test_clear_text_stands_only_in_the_table_of_originals(store: Store, queue: str) -> None:
    from django.db import connection

    saved(store, entry())
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        holding = [table for table in tables if any(SECRET in str(row) for row in cursor.execute(f'SELECT * FROM "{table}"').fetchall())]
    assert holding == ["desk_original"]


def test_an_error_shows_nothing_of_the_letter(store: Store) -> None:
    run = store.start_run([], "m1")
    with pytest.raises(QueueError) as caught:
        store.save_chunk(run, [entry(), entry()])
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_events_refuse_changes_and_deletion(store: Store) -> None:
    from pipeline.desk.models import AppendOnlyError, Event

    saved(store, entry())
    event = Event.objects.get()
    for change in (event.save, event.delete, Event.objects.all().delete, lambda: Event.objects.update(kind="rescored")):
        with pytest.raises(AppendOnlyError):
            change()
    with pytest.raises(AppendOnlyError):
        Event.objects.bulk_update([event], ["kind"])
    with pytest.raises(AppendOnlyError):
        Event._base_manager.filter(pk=event.pk).delete()
    assert Event.objects.get().kind == "queued"


def test_a_letter_with_events_cannot_be_deleted(store: Store) -> None:
    from django.db.models import ProtectedError

    from pipeline.desk.models import Letter

    saved(store, entry())
    with pytest.raises(ProtectedError):
        Letter.objects.all().delete()


def test_a_run_that_was_killed_is_marked_at_the_next_start(store: Store) -> None:
    from pipeline.desk.models import Run

    first = store.start_run(["a.csv"], "m1")
    second = store.start_run(["a.csv"], "m1")
    store.finish_run(second, {"new": 3}, done=True)
    assert list(Run.objects.order_by("pk").values_list("pk", "status")) == [(first, "stopped"), (second, "done")]


def test_a_second_run_on_the_same_queue_is_refused(store: Store, queue: str) -> None:
    with pytest.raises(QueueError, match="another run is working on it"):
        Store.open(queue)


def test_sqlite_is_opened_for_readers_beside_a_writer_and_for_durable_commits(store: Store) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        found = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]
    assert found == ["wal", 2, 1, 30_000]


def test_a_full_disk_is_said_clearly(store: Store) -> None:
    from django.db import connection

    run = store.start_run([], "m1")
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(QueueError, match=r"could not save letters \(database or disk is full\)"):
        store.save_chunk(run, [entry(f"N{n}") for n in range(200)])


def test_a_database_that_another_program_holds(store: Store, queue: str) -> None:
    from django.db import connection

    other = sqlite3.connect(queue.removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(QueueError, match="database is locked"):
        store.start_run([], "m1")
    other.close()


def test_a_queue_of_a_newer_version_is_refused(queue: str) -> None:
    with Store.open(queue):
        from django.db.migrations.recorder import MigrationRecorder

        MigrationRecorder.Migration.objects.create(app="desk", name="9999_later")
    with pytest.raises(QueueError, match="made by a newer Zhiwei"):
        Store.open(queue)
    with pytest.raises(QueueError, match="made by a newer Zhiwei"):  # and the lock is free again
        Store.open(queue)


def test_a_file_that_is_no_database(queue: str, tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_text("no database" * 100, encoding="utf-8")
    with pytest.raises(QueueError, match="could not open"):
        Store.open(queue)


def test_a_folder_that_cannot_be_made(queue: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(QueueError, match="its folder cannot be made"):
        Store.open(f"sqlite:///{tmp_path}/file/queue.db")
