"""Retention: what has been kept long enough loses its clear text, and only that."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.desk.services import retention
from tests.desk.conftest import SECRET, TODAY, Clients, Desk

if TYPE_CHECKING:
    pass

DAYS = 730
LONG_AGO = TODAY - timedelta(days=DAYS + 1)


def close(matter_id: str, on: date, status: str = "closed") -> None:
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk=matter_id).update(status=status, live=False, closed_on=on)


def clear_text(letter_id: str) -> str:
    from pipeline.desk.models import Original

    found = Original.objects.get(pk=letter_id)
    return f"{found.title}{found.body}{found.place_hint}{found.extra}"


def erased() -> set[str]:
    from pipeline.desk.models import Erasure

    return set(Erasure.objects.values_list("letter", flat=True))


def test_only_matters_closed_for_longer_than_the_rule_are_erased(filled: Desk) -> None:
    from pipeline.desk.models import Letter, Original

    Original.objects.filter(pk="S1").update(place_hint="柳河镇张三家", extra={"contact": SECRET})
    before = {pk: (text, content) for pk, text, content in Letter.objects.values_list("pk", "text", "content_sha256")}
    close("M-S1", LONG_AGO)
    close("M-F1", LONG_AGO + timedelta(days=1))
    close("M-L1", LONG_AGO, "declined")
    assert retention.planned(DAYS) == retention.Planned(4, 2)
    assert retention.erase(DAYS) == 4
    assert erased() == {"S1", "S2", "S3", "L1"}
    assert SECRET not in clear_text("S1")
    assert "张三" not in clear_text("S1")
    assert SECRET in clear_text("F1"), "closed a day less"
    assert SECRET in clear_text("W1"), "not closed at all"
    assert {pk: (text, content) for pk, text, content in Letter.objects.values_list("pk", "text", "content_sha256")} == before
    assert Letter.objects.get(pk="S1").writer_ref.startswith("erased-")
    assert Letter.objects.get(pk="W1").writer_ref == "W1"
    kept = Original.objects.get(pk="S1")
    assert f"{kept.title}\n{kept.body}" == before["S1"][0]


def test_a_live_matter_is_never_erased_however_long_ago_it_was_closed_before(filled: Desk) -> None:
    from pipeline.desk.models import Matter

    close("M-S1", LONG_AGO)
    Matter.objects.filter(pk="M-S1").update(live=True, status="handling")
    assert retention.erase(DAYS) == 0
    assert SECRET in clear_text("S1")


def test_it_can_be_stopped_and_begun_again_and_does_nothing_twice(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.desk.models import Event

    close("M-S1", LONG_AGO)
    close("M-F1", LONG_AGO)
    monkeypatch.setattr(retention, "BATCH", 2)
    record = retention.record

    def stops(*args: Any, **kwargs: Any) -> Any:
        if Event.objects.filter(kind="retention").count() == 1:
            raise KeyboardInterrupt
        return record(*args, **kwargs)

    monkeypatch.setattr(retention, "record", stops)
    with pytest.raises(KeyboardInterrupt):
        retention.erase(DAYS)
    assert len(erased()) == 2, "the second batch was taken back whole"
    assert sum(SECRET in clear_text(pk) for pk in ("S1", "S2", "S3", "F1", "F2")) == 3
    monkeypatch.setattr(retention, "record", record)
    assert retention.erase(DAYS) == 3
    assert retention.erase(DAYS) == 0
    assert sum(event.after["letters"] for event in Event.objects.filter(kind="retention")) == 5


def test_a_letter_that_came_after_an_erasure_is_erased_when_its_time_comes(filled: Desk) -> None:
    close("M-F1", LONG_AGO)
    retention.erase(DAYS)
    filled.add("F3", matter="M-F1")
    close("M-F1", LONG_AGO)
    assert retention.erase(DAYS) == 1
    assert erased() == {"F1", "F2", "F3"}


def test_the_nightly_run_still_knows_an_erased_letter(filled: Desk) -> None:
    close("M-S1", LONG_AGO)
    before = filled.store.known(["S1"], "m1")
    retention.erase(DAYS)
    assert filled.store.known(["S1"], "m1") == before


def test_the_button_erases_and_says_what_is_left(filled: Desk, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.desk.models import Event

    close("M-S1", LONG_AGO)
    admin = clients("admin")
    assert "3 封来信" in admin.get("/admin/office/").content.decode()
    monkeypatch.setattr("pipeline.desk.views.admin.ERASE_AT_ONCE", 2)
    page = admin.post("/admin/retention/", follow=True).content.decode()
    assert "已清除 2 封" in page
    assert "还有 1 封" in page
    assert "还有" not in admin.post("/admin/retention/", follow=True).content.decode()
    assert [event.by.role for event in Event.objects.filter(kind="retention")] == ["admin", "admin"]


def test_the_command_says_first_and_then_erases(queue: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    from pipeline.desk.__main__ import main
    from pipeline.desk.services.connection import connect
    from pipeline.desk.services.store import Store

    monkeypatch.setenv("ZHIWEI_TODAY", TODAY.isoformat())
    connect(queue)
    store = Store(nullcontext())
    Desk(store, store.start_run(["letters.csv"], "m1")).add("S1")
    close("M-S1", LONG_AGO)
    assert main(["retention", "--dry-run", "--queue", queue]) == 0
    assert "将清除 1 封" in capsys.readouterr().out
    assert SECRET in clear_text("S1")
    assert main(["--queue", queue, "retention"]) == 0
    assert "已清除 1 封" in capsys.readouterr().out
    file = Path(queue.removeprefix("sqlite:///"))
    left = b"".join(path.read_bytes() for path in file.parent.glob("queue.db*"))
    assert SECRET.encode() not in left, "not in the file's free pages nor in its log"


def test_the_days_are_a_setting(filled: Desk, clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zhiwei.toml").write_text("retention_days = 10\n", encoding="utf-8")
    monkeypatch.setenv("ZHIWEI_SETTINGS", str(tmp_path / "zhiwei.toml"))
    close("M-S1", TODAY - timedelta(days=11))
    page = clients("admin").get("/admin/office/").content.decode()
    assert "10 天" in page
    assert "3 封来信" in page
