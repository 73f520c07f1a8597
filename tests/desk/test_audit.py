"""Audit: who read, did and took out what; the chain; ids only."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from tests.desk.conftest import Clients, Desk, queries_of

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def worked(filled: Desk) -> Desk:
    """A day's work: a step, a correction, an original that was read, a search; sealed."""
    from pipeline.desk.models import QueueItem
    from pipeline.desk.services import access, corrections, events, steps

    clerk, supervisor = filled.person("clerk", name="陈晓"), filled.person("supervisor", name="林科")
    steps.take_step(filled.matter("M-S1"), clerk, "accept")
    corrections.correct(QueueItem.objects.get(pk="S1"), filled.matter("M-S1"), clerk, "level", 3, "text")
    access.original(QueueItem.objects.get(pk="S1").letter, clerk, "联系来信人核实地址", "192.168.1.23")
    access.note_access("search", supervisor, "192.168.1.24", detail={"words": "工地 工资", "found": 1})
    access.note_access("export", supervisor, None, matter=filled.matter("M-W1"), purpose="周会", detail={"rows": 3})
    events.seal()
    return filled


def page(clients: Clients, query: str = "") -> str:
    answer = clients("auditor").get(f"/audit/{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_readings_are_listed_with_who_why_and_from_where(worked: Desk, clients: Clients) -> None:
    shown = page(clients)
    for word in ("陈晓", "查看原件", "联系来信人核实地址", "192.168.1.23", "S1", "检索词 工地 工资", "M-W1", "周会"):
        assert word in shown


def test_events_are_told_in_words_and_by_id_only(worked: Desk, clients: Clients) -> None:
    shown = page(clients, "?what=events")
    for word in ("受理", "待分拣 → 已受理", "更正", "M-S1", "来信入队", "系统"):
        assert word in shown
    for query in ("", "?what=events", "?what=logins"):
        assert not any(word in page(clients, query) for word in ("出苗", "张三", "工地拖欠"))


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("?person={clerk}", "查看原件</span>", "检索</span>"),
        ("?kind=search", "检索</span>", "查看原件</span>"),
        ("?matter=S1", "查看原件</span>", "检索</span>"),
        ("?matter=M-W1", "导出</span>", "查看原件</span>"),
        ("?what=events&kind=accept", "受理</span>", "来信入队</span>"),
        ("?what=events&matter=M-S1", "受理</span>", "人员</span>"),
        ("?since=2100-01-01", "没有符合条件的记录", "查看原件</span>"),
        ("?until=2020-01-01", "没有符合条件的记录", "查看原件</span>"),
        ("?since=2020-01-01&until=2100-01-01", "查看原件</span>", "没有符合条件的记录"),
    ],
)
def test_filters_narrow_the_list(worked: Desk, clients: Clients, query: str, there: str, gone: str) -> None:
    from pipeline.desk.models import User

    shown = page(clients, query.format(clerk=User.objects.get(name="陈晓").pk))
    assert there in shown
    assert gone not in shown


@pytest.mark.parametrize("query", ["?since=yesterday", "?person=abc", "?what=letters", "?person=99999"])
def test_a_broken_filter_is_told_and_left_out(worked: Desk, clients: Clients, query: str) -> None:
    shown = page(clients, query)
    assert "填得不对" in shown
    assert "查看原件" in shown


def test_logins_and_lockouts_are_listed(worked: Desk, clients: Clients, client: Client) -> None:
    from tests.desk.test_login import log_in, person

    user = person(worked, "clerk", username="chenxiao2")
    log_in(client, user.username)
    client.post("/logout/")
    for _ in range(5):
        log_in(client, "intruder", "wrong")
    shown = page(clients, "?what=logins")
    for word in ("chenxiao2", "intruder", "锁定中", "连续 5 次不对", "127.0.0.1"):
        assert word in shown


def test_the_chain_is_whole_until_somebody_meddles(worked: Desk, clients: Clients) -> None:
    from django.db import connection

    from pipeline.desk.models import Event, Seal

    head = Seal.objects.order_by("-pk")[0].digest
    assert head in page(clients), "to be written down"
    checked = clients("auditor").post("/audit/check/", follow=True).content.decode()
    assert "事件链完整" in checked
    event = Event.objects.get(kind="accept")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER desk_event_no_update{' ON desk_event' if connection.vendor == 'postgresql' else ''}")
        cursor.execute("UPDATE desk_event SET kind = 'decline' WHERE id = %s", [event.pk])
    checked = clients("auditor").post("/audit/check/", follow=True).content.decode()
    assert f"事件 {event.pk}" in checked
    assert "事件链完整" not in checked


def test_the_list_is_taken_out_only_with_a_purpose_and_that_is_kept_too(worked: Desk, clients: Clients) -> None:
    from openpyxl import load_workbook

    from pipeline.desk.models import Access

    auditor = clients("auditor")
    assert auditor.post("/audit/export/", {"what": "access"}).status_code == 422
    assert not Access.objects.filter(detail__list="查阅记录").exists()
    answer = auditor.post("/audit/export/", {"what": "access", "kind": "original", "purpose": "季度审计"})
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows(values_only=True))
    assert len(rows) == 2
    assert "陈晓" in rows[1]
    assert "联系来信人核实地址" in rows[1]
    kept = Access.objects.get(detail__list="查阅记录")
    assert (kept.kind, kept.purpose, kept.detail["rows"], kept.by.role) == ("export", "季度审计", 1, "auditor")


@pytest.mark.parametrize("what", ["access", "events", "logins"])
def test_every_list_can_be_taken_out(worked: Desk, clients: Clients, what: str) -> None:
    answer = clients("auditor").post("/audit/export/", {"what": what, "purpose": "季度审计"})
    assert answer.status_code == 200
    assert answer.content.startswith(b"PK")


@pytest.mark.parametrize("address", ["/audit/", "/audit/?what=events"])
def test_a_page_takes_as_many_queries_for_many_records(worked: Desk, clients: Clients, address: str) -> None:
    from pipeline.desk.models import User
    from pipeline.desk.services.access import note_access
    from pipeline.desk.services.events import record

    few = queries_of(clients("auditor"), address)
    for user in User.objects.all():
        for _ in range(20):
            note_access("search", user, None, detail={"found": 1})
            record("noted", by=user, matter="M-S1")
    assert queries_of(clients("auditor"), address) == few


def test_a_long_list_has_pages(worked: Desk, clients: Clients) -> None:
    from pipeline.desk.models import User
    from pipeline.desk.services.access import note_access

    for number in range(60):
        note_access("search", User.objects.get(name="陈晓"), None, detail={"words": f"第{number}词"})
    assert "第59词" in page(clients)
    assert "第0词" not in page(clients)
    assert "第0词" in page(clients, "?page=2")


def test_every_kind_of_event_has_a_name() -> None:
    from pipeline.desk.services.records import KINDS
    from pipeline.desk.services.timeline import TOLD
    from pipeline.desk.workflow import STEPS

    assert (set(TOLD) | set(STEPS)) <= set(KINDS)
