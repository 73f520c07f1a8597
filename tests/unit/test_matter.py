"""What is known of a matter, and what raises its risk."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from pipeline.matters.matter import FACTS, HIGHEST, RiskModel, Sighting, facts, summarise, writers

TODAY = date(2026, 4, 30)


def sighting(
    number: int, *, day: date = TODAY, writer: str = "", risk: float = 0.3, signals: tuple[str, ...] = (), **more: object
) -> Sighting:
    told: dict[str, object] = {
        "place": ("云杉县", "柳河镇"),
        "title": f"种子不出苗{number}",
        "terms": ("种子", "出苗"),
        "issue": "农村农业",
        "level": 1,
    }
    return Sighting(letter_id=f"L{number}", matter_id="M-L1", day=day, writer=writer, risk=risk, signals=signals, **(told | more))  # type: ignore[arg-type]


def test_a_matter_is_the_sum_of_its_letters() -> None:
    letters = [
        sighting(1, day=date(2026, 3, 1), writer="甲", level=2, signals=("livelihood",)),
        sighting(2, day=date(2026, 4, 20), writer="乙", place=("云杉县", "石门子乡"), signals=("collective",)),
        sighting(3, day=date(2026, 4, 25), writer="甲", place=("云杉县", "石门子乡"), title="求助", terms=("求助",), issue="经济管理"),
    ]
    told = summarise(letters[::-1], TODAY, HIGHEST)
    assert (told.matter_id, told.letters, told.writers, told.level, told.issue) == ("M-L1", 3, 2, 2, "农村农业")
    assert (told.first_on, told.last_on, told.places, told.signals) == (
        date(2026, 3, 1), date(2026, 4, 25), ("石门子乡", "柳河镇"), ("collective", "livelihood")
    )  # fmt: skip
    assert (told.lately, told.growth) == (2, 1)
    assert told.title == "种子不出苗1"


def test_writers_that_are_not_known_count_one_each() -> None:
    assert writers([sighting(1), sighting(2), sighting(3, writer="甲"), sighting(4, writer="甲")]) == 3


def test_the_baseline_is_the_highest_letter_risk() -> None:
    assert HIGHEST.risk([sighting(1, risk=0.2), sighting(2, risk=0.7)], TODAY) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("fact", "more"),
    [
        ("highest letter risk, log-odds", sighting(9, risk=0.9)),
        ("writers, log", sighting(9, writer="丙", risk=0.3)),
        ("letters of 30 days, log", sighting(9, writer="甲", risk=0.3)),
        ("says it is unsolved", sighting(9, writer="甲", risk=0.3, signals=("repeat",))),
    ],
)
def test_what_raises_a_matter(fact: str, more: Sighting) -> None:
    before = [sighting(1, writer="甲", day=TODAY - timedelta(days=40)), sighting(2, writer="乙")]
    at = FACTS.index(fact)
    assert facts([*before, more], TODAY)[at] > facts(before, TODAY)[at]


def test_a_weight_of_zero_leaves_a_fact_out() -> None:
    only_constant = RiskModel((*[0.0] * len(FACTS), 1.0))
    assert only_constant.risk([sighting(1, risk=0.9)], TODAY) == pytest.approx(1 / (1 + math.exp(-1)))
