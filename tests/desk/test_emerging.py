"""The board of what is starting: who sees it, what a card tells, what judging leaves behind."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import pytest

from pipeline.matters.tendency.trend import Trend
from tests.desk.conftest import Clients, Desk, queries_of

if TYPE_CHECKING:
    from pipeline.desk.models import Flag

SEED = Trend(
    kind="matter", key="matter:M-S1", matter_id="M-S1", title="玉米种子不出苗", place="柳河镇", since=date(2026, 4, 8), on=date(2026, 4, 12), seen=2,
    writers=2, expected=1.1, p=0.01, q=0.2, words=("种子", "出苗"), letters=(("S1", "丰禾玉米种子不出苗"), ("S2", "玉米种子出苗率低")),
    like="以往还没有事项到过2人来信。", text="“玉米种子不出苗”：2人来信2封。",
)  # fmt: skip
WORD = Trend(
    kind="word", key="word:丰禾", matter_id="", title="新词“丰禾”", place="", since=date(2026, 4, 14), on=date(2026, 4, 18), seen=4, writers=3,
    expected=0.01, p=0.001, q=0.01, letters=(("S3", "种子不发芽"),), text="新词“丰禾”：3人来信4封。",
)  # fmt: skip


def add(desk: Desk, trend: Trend) -> Flag:
    from pipeline.desk.models import Flag

    told = asdict(trend) | {"since": trend.since.isoformat(), "on": trend.on.isoformat(), "letters": [list(one) for one in trend.letters]}
    return Flag.objects.create(run_id=desk.run, on=trend.on, kind=trend.kind, key=trend.key, matter_id=trend.matter_id or None, told=told)


@pytest.fixture
def flag(filled: Desk) -> Flag:
    return add(filled, SEED)


def test_a_card_tells_how_many_against_how_many_and_how_it_went_on(filled: Desk, clients: Clients, flag: Flag) -> None:
    page = clients("clerk").get("/emerging/").content.decode()
    assert "2 人来信 2 封，往常约 1.1 人" in page
    assert "此后又来 1 封" in page  # S3 came on 18 April, after the night of the flag
    assert 'href="/letter/S1/"' in page
    assert 'href="/matter/M-S1/"' in page
    (option,) = re.findall(r'<script id="picture-\d+" type="application/json">(.*?)</script>', page)
    days, so_far = (one["data"] for one in json.loads(option)["series"])
    assert days == [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]  # 8 to 18 April
    assert so_far[-1] == 3


def test_newest_night_first_and_a_tendency_without_a_matter_shows_both_numbers(filled: Desk, clients: Clients, flag: Flag) -> None:
    add(filled, WORD)
    page = clients("analyst").get("/emerging/").content.decode()
    assert page.index("新词“丰禾”") < page.index("玉米种子不出苗")
    assert "不到 0.1 人" in page


def test_filters_and_broken_values(filled: Desk, clients: Clients, flag: Flag) -> None:
    add(filled, WORD)
    clerk = clients("clerk")
    assert "玉米种子不出苗" not in clerk.get("/emerging/?kind=word").content.decode()
    assert "新词“丰禾”" not in clerk.get("/emerging/?kind=matter").content.decode()
    assert "玉米种子不出苗" not in clerk.get("/emerging/?days=7").content.decode()  # 12 April is nine days ago
    assert "这里没有苗头" in clerk.get("/emerging/?state=dismissed").content.decode()
    assert "玉米种子不出苗" in clerk.get("/emerging/?state=nonsense&kind=%00&days=x&page=-3").content.decode()


def test_an_analyst_sees_but_does_not_judge(clients: Clients, flag: Flag) -> None:
    assert 'name="reason"' not in clients("analyst").get("/emerging/").content.decode()
    assert clients("analyst").post(f"/emerging/{flag.pk}/act/", {"state": "watched"}).status_code == 403
    flag.refresh_from_db()
    assert flag.state == "new"


def test_judging_is_kept_with_who_and_why(clients: Clients, flag: Flag) -> None:
    from pipeline.desk.models import Event

    clerk = clients("clerk")
    answer = clerk.post(
        f"/emerging/{flag.pk}/act/", {"state": "acknowledged", "reason": "四个村都有", "seen": "0", "next": "/emerging/?days=0"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/emerging/?days=0")
    page = clerk.get("/emerging/").content.decode()
    assert "四个村都有" in page
    assert "已记为“已确认”" in page
    event = Event.objects.get(kind="judged")
    assert (event.matter_id, event.before["state"], event.after["state"]) == ("M-S1", "new", "acknowledged")


def test_dismissing_needs_a_reason(clients: Clients, flag: Flag) -> None:
    from pipeline.desk.models import FlagAct

    answer = clients("clerk").post(
        f"/emerging/{flag.pk}/act/", {"state": "dismissed", "reason": "  ", "seen": "0"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 422
    assert "理由" in answer.content.decode()
    assert not FlagAct.objects.exists()
    assert (
        clients("clerk").post(f"/emerging/{flag.pk}/act/", {"state": "dismissed", "reason": "同一户的三封信", "seen": "0"}).status_code
        == 302
    )


@pytest.mark.parametrize("given", [{"state": "new"}, {"state": ""}, {}, {"state": "watched", "seen": "٣"}])
def test_a_broken_form_is_no_error_of_the_server(clients: Clients, flag: Flag, given: dict[str, str]) -> None:
    answer = clients("clerk").post(f"/emerging/{flag.pk}/act/", given, headers={"HX-Request": "true"})
    assert answer.status_code in (302, 422)


def test_who_comes_second_sees_both_and_loses_nothing(clients: Clients, flag: Flag) -> None:
    clients("supervisor").post(f"/emerging/{flag.pk}/act/", {"state": "acknowledged", "reason": "已核实", "seen": "0"})
    answer = clients("clerk").post(f"/emerging/{flag.pk}/act/", {"state": "dismissed", "reason": "我看是重复件", "seen": "0"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "您的修改" in page
    assert "现在的内容" in page
    assert 'value="我看是重复件"' in page
    assert "已核实" in page
    flag.refresh_from_db()
    assert flag.state == "acknowledged"


def test_a_united_matter_is_told_where_it_went(filled: Desk, clients: Clients, flag: Flag) -> None:
    from pipeline.desk.models import Link, Matter

    for gone, kept in (("M-S1", "M-F1"), ("M-F1", "M-W1")):  # put together twice
        Link.objects.filter(matter=gone).update(matter=kept)
        Matter.objects.filter(pk=gone).update(united_into=kept, letters=0, live=False)
    page = clients("clerk").get("/emerging/").content.decode()
    assert 'href="/matter/M-W1/"' in page
    assert 'href="/matter/M-S1/"' not in page


def test_who_has_not_the_matter_in_scope_sees_no_flag_of_it(filled: Desk, flag: Flag) -> None:
    from pipeline.desk.services.emerging import visible

    other = filled.person("handler", unit="住建局")  # cannot open the board; the scope holds all the same
    word = add(filled, WORD)
    assert list(visible(other)[0]) == [word]


def test_queries_do_not_grow_with_the_cards(filled: Desk, clients: Clients, flag: Flag) -> None:
    few = queries_of(clients("clerk"), "/emerging/")
    for _ in range(6):
        add(filled, SEED)
        add(filled, WORD)
    assert queries_of(clients("clerk"), "/emerging/") <= few
