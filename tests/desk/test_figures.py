"""The figures: counted by hand on a few letters, shown to whom, and what stands behind each number."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.desk.conftest import TODAY, Clients, Desk, queries_of

if TYPE_CHECKING:
    from pipeline.desk.models import User
    from pipeline.desk.services.figures import Tally


def tallies(user: User, by: str = "unit", first: date = date(2026, 2, 1), last: date = date(2026, 4, 30)) -> dict[str, dict[str, Tally]]:
    """Groups by name, the total under 合计."""
    from pipeline.desk.services.figures import Period, figures

    groups, total = figures(user, Period(first, last), by, TODAY)
    return {group.name: group.tallies for group in (*groups, total)}


def pair(tally: Tally) -> tuple[int, int]:
    return tally.good, tally.all


def conclude(matter_id: str, started: date, ended: date | None, *, extended: int = 0, pauses: list[list[str]] | None = None) -> None:
    from pipeline.desk.models import Clock

    Clock.objects.create(matter_id=matter_id, rule="conclude", started_on=started, ended_on=ended, extended=extended, pauses=pauses or [])


def stand(matter_id: str, **fields: object) -> None:
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk=matter_id).update(**fields)


def register(letter: str, day: date) -> None:
    from pipeline.desk.models import QueueItem

    QueueItem.objects.filter(pk=letter).update(status="registered", registered_on=day)


def test_registering_counts_the_registered_and_the_overdue(filled: Desk) -> None:
    """W1 is due on 18 April (three days ago); S1 on 23, S2 on 25, all others later."""
    clerk = filled.person("clerk")
    assert {name: pair(told["register"]) for name, told in tallies(clerk).items()} == {"人社局": (0, 1), "合计": (0, 1)}
    register("S1", date(2026, 4, 23))
    register("S2", date(2026, 4, 26))
    assert pair(tallies(clerk)["农业农村局"]["register"]) == (1, 2)


def test_what_is_due_today_is_not_yet_late(filled: Desk) -> None:
    filled.add("D1", day=date(2026, 4, 6), unit="水利局")
    assert "水利局" not in tallies(filled.person("clerk"))


def test_nothing_of_nothing_is_a_dash(clients: Clients) -> None:
    from pipeline.desk.services.figures import Tally

    assert (Tally().share, Tally().said) == (None, "—")
    page = clients("clerk").get("/figures/").content.decode()
    stats = page[page.index('class="stats"') : page.index('<details class="card"')]
    assert stats.count("—") == 3  # nothing concluded, settled or asked yet
    assert "0/1 封" in stats


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_all_and_none_are_said_only_when_they_are_true(good: int, more: int) -> None:
    from pipeline.desk.services.figures import Tally

    said = Tally(good, 0, good + more).said
    assert (said == "—") == (good + more == 0)
    assert (said == "100%") == (more == 0 and good > 0)
    assert (said == "0%") == (good == 0 and more > 0)
    assert said not in ("100.0%", "0.0%")


def test_concluding_heeds_extension_and_pauses_and_counts_once_in_the_month_it_was_decided(filled: Desk) -> None:
    conclude("M-S1", date(2026, 2, 1), date(2026, 4, 2))  # 60 days: due 2 April
    conclude("M-F1", date(2026, 2, 1), date(2026, 4, 3))  # a day late: decided on 2 April
    conclude("M-W1", date(2026, 2, 1), date(2026, 4, 20), extended=10, pauses=[["material", "2026-03-01", "2026-03-11"]])  # due 22 April
    conclude("M-L1", date(2026, 1, 10), None)  # due 11 March, still open
    clerk = filled.person("clerk")
    assert {name: pair(told["conclude"]) for name, told in tallies(clerk).items()} == {
        "农业农村局": (1, 2), "人社局": (1, 1), "住建局": (0, 1), "合计": (2, 4),
    }  # fmt: skip
    assert {name: pair(told["conclude"]) for name, told in tallies(clerk, "month").items() if told["conclude"].all} == {
        "2026年3月": (0, 1), "2026年4月": (2, 3), "合计": (2, 4),
    }  # fmt: skip
    assert pair(tallies(clerk, first=date(2026, 3, 1), last=date(2026, 3, 31))["合计"]["conclude"]) == (0, 1)


def test_what_still_runs_or_was_declined_or_united_is_left_out_of_concluding(filled: Desk) -> None:
    conclude("M-S1", date(2026, 4, 1), None)
    conclude("M-L1", date(2026, 2, 1), date(2026, 4, 1))
    stand("M-L1", status="declined", live=False)
    conclude("M-F1", date(2026, 2, 1), date(2026, 4, 1))
    stand("M-F1", united_into="M-S1")
    assert pair(tallies(filled.person("clerk"))["合计"]["conclude"]) == (0, 0)


def test_settled_and_satisfied(filled: Desk) -> None:
    day = date(2026, 4, 10)
    for name, outcome, satisfaction in (("M-S1", "settled", "good"), ("M-F1", "partly", "fair"), ("M-W1", "unsettled", "poor")):
        conclude(name, date(2026, 3, 1), day)
        stand(name, status="answered", outcome=outcome, satisfaction=satisfaction)
    conclude("M-L1", date(2026, 3, 1), day)
    stand("M-L1", status="handling", outcome="settled", satisfaction="good")  # taken up again and not answered since
    total = tallies(filled.person("clerk"))["合计"]
    assert (pair(total["settled"]), total["settled"].part) == ((1, 3), 1)
    assert (pair(total["satisfied"]), total["satisfied"].part) == ((2, 3), 1)
    stand("M-S1", satisfaction="")
    assert pair(tallies(filled.person("clerk"))["合计"]["satisfied"]) == (1, 2)


def test_the_last_answer_says_the_month(filled: Desk) -> None:
    conclude("M-S1", date(2026, 1, 1), date(2026, 2, 10))
    conclude("M-S1", date(2026, 3, 1), date(2026, 4, 10))
    stand("M-S1", status="closed", outcome="settled")
    months = tallies(filled.person("clerk"), "month")
    assert (pair(months["2026年4月"]["settled"]), pair(months["2026年2月"]["settled"])) == ((1, 1), (0, 0))
    assert pair(months["合计"]["conclude"]) == (2, 2)


@pytest.mark.parametrize(
    ("area", "town"),
    [
        ("吉林省/白山市/云杉县/柳河镇", "柳河镇"), ("吉林省/白山市/云杉县/柳河镇/前甸村", "柳河镇"), ("吉林省/白山市/云杉县", "云杉县（乡镇不详）"),
        ("吉林省/白山市/云杉县/三合村", "云杉县（乡镇不详）"), ("吉林省/白山市/云杉县/东山街道/锦绣家园", "东山街道"), ("柳河镇", "柳河镇"), ("县医院", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_place_is_told_by_its_township(area: str, town: str) -> None:
    from pipeline.desk.services.figures import township

    assert township(area) == town


@pytest.mark.parametrize(
    ("by", "names"), [("unit", {"人社局"}), ("issue", {"劳动和社会保障"}), ("place", {"白桦镇"}), ("month", {"2026年4月"})]
)
def test_groups(filled: Desk, by: str, names: set[str]) -> None:
    assert set(tallies(filled.person("clerk"), by)) == {*names, "合计"}


def test_a_persons_issue_goes_before_the_models(filled: Desk) -> None:
    stand("M-W1", human_issue="政法")
    assert set(tallies(filled.person("clerk"), "issue")) == {"政法", "合计"}


def test_a_handler_counts_what_was_handed_to_the_unit(filled: Desk) -> None:
    handler = filled.person("handler", unit="人社局")
    assert set(tallies(handler)) == {"合计"}
    stand("M-W1", handed=True)
    assert pair(tallies(handler)["合计"]["register"]) == (0, 1)
    assert pair(tallies(filled.person("handler"))["合计"]["register"]) == (0, 0)


def test_the_auditor_sees_numbers_and_nothing_behind_them(clients: Clients) -> None:
    page = clients("auditor").get("/figures/").content.decode()
    assert "0/1 封" in page
    assert "/figures/letters/" not in page
    assert "台账" not in page
    assert clients("auditor").get("/figures/letters/?rate=register").status_code == 403


@pytest.mark.parametrize("query", ["", "rate=x", "rate=register&by=x", "rate=register&result=part", "rate=%00"])
def test_a_number_that_is_not_there(clients: Clients, query: str) -> None:
    assert clients("clerk").get(f"/figures/letters/?{query}").status_code == 404


@pytest.mark.parametrize(
    "query", ["from=x&until=2026-13", "from=0000-01", "from=2026-05&until=2026-01", "by=nobody", "from=٢٠٢٦-٠١", "from=9999-12"]
)
def test_broken_months_are_passed_over(clients: Clients, query: str) -> None:
    assert clients("clerk").get(f"/figures/?{query}").status_code == 200


def test_the_definitions_are_a_click_away(clients: Clients) -> None:
    page = clients("clerk").get("/figures/").content.decode()
    for words in ("第二十二条", "第三十四条", "“满意”或“基本满意”", "分子", "分母", "不计"):
        assert words in page


def test_behind_a_number_stand_just_the_letters_that_were_counted(filled: Desk, clients: Clients) -> None:
    register("S1", date(2026, 4, 20))
    page = clients("clerk").get("/figures/letters/?rate=register&by=unit&value=农业农村局&result=good").content.decode()
    assert 'href="/letter/S1/"' in page
    assert "S2" not in page
    late = clients("clerk").get("/figures/letters/?rate=register&result=bad").content.decode()
    assert 'href="/letter/W1/"' in late
    assert "应于2026年4月18日前登记，还没有登记" in late
    assert "13800138000" not in late


@pytest.mark.parametrize("by", ["unit", "issue", "place", "month"])
def test_every_number_is_as_long_as_its_list(filled: Desk, by: str) -> None:
    from pipeline.desk.services.cases import Asked, cases
    from pipeline.desk.services.figures import Period, figures

    for letter, day in (("S1", 20), ("S2", 20), ("F1", 21), ("L1", 21)):
        register(letter, date(2026, 4, day))
    for name, ended, outcome in (("M-S1", date(2026, 4, 2), "settled"), ("M-F1", date(2026, 4, 9), "partly")):
        conclude(name, date(2026, 2, 1), ended)
        stand(name, status="answered", outcome=outcome, satisfaction="fair")
    stand("M-L1", area="")
    clerk, period = filled.person("clerk"), Period(date(2026, 1, 1), date(2026, 4, 30))
    groups, _ = figures(clerk, period, by, TODAY)
    for group in groups:
        for rate, tally in group.tallies.items():
            asked = {result: Asked(rate=rate, period=period, by=by, value=group.value, result=result) for result in ("", "good")}
            assert len(cases(clerk, asked[""], TODAY)) == tally.all, (group, rate)
            assert len(cases(clerk, asked["good"], TODAY)) == tally.good, (group, rate)


def test_a_handler_of_another_unit_finds_nothing_behind_a_number(filled: Desk) -> None:
    other = filled.client(filled.person("handler", unit="住建局"))
    page = other.get("/figures/letters/?rate=register&by=unit&value=人社局").content.decode()
    assert "W1" not in page
    assert "这里没有" in page


def test_lists_of_matters(filled: Desk, clients: Clients) -> None:
    conclude("M-S1", date(2026, 2, 1), date(2026, 4, 5))
    stand("M-S1", status="answered", outcome="partly", satisfaction="poor")
    clerk = clients("clerk")
    assert "逾期 3 天" in clerk.get("/figures/letters/?rate=conclude&result=bad").content.decode()
    assert "部分化解" in clerk.get("/figures/letters/?rate=settled&result=part").content.decode()
    assert 'href="/matter/M-S1/"' in clerk.get("/figures/letters/?rate=satisfied&result=bad&by=month&value=2026-04").content.decode()
    assert "M-S1" not in clerk.get("/figures/letters/?rate=satisfied&by=month&value=2026-03").content.decode()


@pytest.mark.parametrize(
    "address", ["/figures/", "/figures/?by=place", "/figures/letters/?rate=register", "/figures/letters/?rate=conclude"]
)
def test_queries_do_not_grow(filled: Desk, clients: Clients, address: str) -> None:
    conclude("M-S1", date(2026, 2, 1), date(2026, 4, 5))
    few = queries_of(clients("clerk"), address)
    for at in range(12):
        name = filled.add(f"N{at}", day=date(2026, 3, 1), unit=f"单位{at}", town=f"第{at}镇")
        conclude(name, date(2026, 2, 1), date(2026, 4, 5))
    assert queries_of(clients("clerk"), address) <= few
