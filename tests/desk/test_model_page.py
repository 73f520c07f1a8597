"""The model page: the version, drift, agreement with people, what is worth labelling."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pipeline.desk.services import card, drift, labelling
from pipeline.scoring.labels import load_labels
from tests.desk.conftest import TODAY, Clients, Desk, queries_of

if TYPE_CHECKING:
    pass

LABELS = load_labels()


def seen(number: int, **changed: Any) -> drift.Seen:
    """An invented letter's numbers."""
    draw = np.random.default_rng([11, number])
    issue = np.full(16, 0.1 / 15)
    issue[draw.integers(0, 8)] = 0.9
    told: dict[str, Any] = {
        "letter_id": f"L{number}", "on": TODAY - timedelta(days=int(draw.integers(0, 2 * 84))), "length": int(draw.integers(50, 400)),
        "risk": float(draw.random()), "level": int(draw.integers(0, 4)), "issue": issue, "signals": draw.random(8), "abstain": bool(draw.random() < 0.1),
        "registered_on": None, "human_issue": "", "human_level": None, "human_signals": {},
    }  # fmt: skip
    return drift.Seen(**(told | changed))


def recent(letter: drift.Seen) -> bool:
    assert letter.on
    return letter.on > TODAY - timedelta(days=84)


def conclusions(letters: list[drift.Seen]) -> dict[str, str]:
    return {one.name: one.said for one in drift.measures(letters, TODAY)[2]}


STEADY = {"平稳", "看不出变化（来信还少）"}


def test_what_stays_as_it_was_is_never_called_changed() -> None:
    for begin in range(0, 5_000, 500):
        assert set(conclusions([seen(number) for number in range(begin, begin + 250)]).values()) <= STEADY
    assert set(conclusions([seen(number) for number in range(4_000)]).values()) == {"平稳"}


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("平均风险", {"risk": 0.95}, "明显升高"),
        ("苗头和紧急件占比", {"level": 0}, "明显降低"),
        ("模型拿不准的占比", {"abstain": True}, "明显升高"),
        ("来信长度（中位数）", {"length": 3_000}, "明显升高"),
        ("类别构成", {"issue": np.eye(16)[3]}, "明显变化"),
    ],
)
def test_what_changed_is_told_and_nothing_else(name: str, changed: dict[str, Any], said: str) -> None:
    letters = [seen(number) for number in range(1_000)]
    told = conclusions([seen(int(one.letter_id[1:]), **changed) if recent(one) else one for one in letters])
    assert said in told.pop(name)
    assert set(told.values()) <= STEADY


def test_too_few_letters_are_not_compared() -> None:
    before, now, measures = drift.measures([seen(number) for number in range(60)], TODAY)
    assert before + now == 60
    assert measures == []


def test_weeks_hold_each_letter_of_twelve_weeks_once() -> None:
    letters = [seen(number) for number in range(500)]
    weeks = drift.weeks(letters, TODAY)
    assert len(weeks) == 12
    assert sum(week.letters for week in weeks) == sum(recent(letter) for letter in letters)
    assert weeks[-1].begin == TODAY - timedelta(days=6)
    assert drift.weeks([], TODAY)[0].risk is None


def test_agreement_counts_only_registered_letters_and_what_people_changed() -> None:
    day, early = date(2026, 4, 2), {"level": 2, "signals": np.array([0.9] + [0.0] * 7), "issue": np.eye(16)[0]}
    letters = [
        seen(0, **early, registered_on=day),
        seen(1, **early, registered_on=day, human_level=0, human_signals={"collective": False}),
        seen(2, **early, registered_on=day, human_issue=LABELS.issues[1]),
        seen(3, **early, registered_on=day, human_signals={"repeat": True}, human_level=2),
        seen(4, **early, human_level=0),  # nobody has registered it yet
    ]
    (month,) = drift.agreement(letters)
    assert (month.month, month.letters, month.issue, month.level, month.signals) == ("2026-04", 4, 0.75, 0.75, 0.5)
    told = {one.name: one for one in drift.answers(letters)}
    collective, repeat, level = (told[name] for name in ("群体", "反复未决", "苗头或紧急"))
    assert (collective.said, collective.taken_back, collective.precision) == (4, 1, 0.75)
    assert (repeat.said, repeat.added, repeat.precision, repeat.recall) == (0, 1, None, 0.0)
    assert (level.said, level.taken_back, level.recall) == (4, 1, 1.0)


def test_the_least_certain_uncorrected_letters_come_first(filled: Desk) -> None:
    from pipeline.desk.models import QueueItem, Score

    Score.objects.filter(letter="L1").update(abstain=True)
    Score.objects.filter(letter="W1").update(risk=0.5)
    Score.objects.filter(letter="F1").update(abstain=True)
    QueueItem.objects.filter(pk="F1").update(human_level=1)
    found = labelling.to_label(drift.seen(), filled.person("analyst"))
    order = [one.letter_id for one in found]
    assert order[0] == "L1"
    assert order.index("W1") < order.index("S1")
    assert "F1" not in {one.letter_id for one in found}
    assert "拿不准" in found[0].why
    assert found[0].heading == "路灯不亮"


def test_the_page_shows_version_pictures_and_links(filled: Desk, clients: Clients) -> None:
    for role in ("analyst", "supervisor"):
        page = clients(role).get("/model/").content.decode()
        assert "zhiwei-6m" in page
        assert "路灯不亮" in page
        assert 'href="/letter/L1/"' in page
        for chart in ("scores-data", "issues-data", "length-data"):
            source = re.search(rf'<script id="{chart}" type="application/json">(.*?)</script>', page)
            assert source
            assert len(json.loads(source[1])["xAxis"]["data"]) == 12


def test_the_administrator_sees_ids_but_no_headings(filled: Desk, clients: Clients) -> None:
    page = clients("admin").get("/model/").content.decode()
    assert "W1" in page
    assert "路灯不亮" not in page
    assert "/letter/" not in page


def test_the_page_stands_on_an_empty_desk_and_without_a_model(desk: Desk, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIWEI_MODELS", str(tmp_path))
    answer = desk.client(desk.person("analyst")).get("/model/")
    assert answer.status_code == 200
    assert "banner--bad" in answer.content.decode()


def test_the_page_takes_as_many_queries_for_many_letters(filled: Desk, clients: Clients) -> None:
    few = queries_of(clients("analyst"), "/model/")
    for number in range(10):
        filled.add(f"N{number}")
    assert queries_of(clients("analyst"), "/model/") == few


def test_a_card_is_cut_into_parts_and_never_runs_as_html(clients: Clients, filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# One\n\nA line\nof `two`.\n\n## Two\n- first\n  goes on\n- <script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    parts = list(card.parts(text))
    assert [(part.kind, part.lines) for part in parts] == [
        ("heading", (("One",),)),
        ("paragraph", (("A line of two.",),)),
        ("heading", (("Two",),)),
        ("list", (("first goes on",), ("<script>alert(1)</script>",))),
        ("table", (("a", "b"), ("1", "2"))),
    ]
    monkeypatch.setattr("pipeline.desk.views.model.card", lambda: card.Card("m1", (), tuple(parts), ()))
    page = clients("analyst").get("/model/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
