"""What becomes a tendency, what does not, and what it says of itself."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.intake.letter import SHANGHAI, Letter
from pipeline.intake.sources import read
from pipeline.matters.matter import Sighting
from pipeline.matters.trends import Flag, Rules, Trend, watch

ROOT = Path(__file__).resolve().parents[2]
START = date(2024, 1, 1)
ISSUES = ("城乡建设", "环境保护", "教育文体", "劳动和社会保障")
PLACES = ("东镇", "西镇", "南乡", "北乡")
SIGNALS = ("collective", "repeat", "safety")


def letter(number: int, day: date, **facts: object) -> Sighting:
    made = Sighting(
        letter_id=f"L{number:05}", matter_id=f"M{number:05}", day=day, writer=f"w{number}", issue="城乡建设", signals=(), place=("东镇",),
        risk=0.2, level=1, title="路灯不亮", terms=("路灯", "不亮"),
    )  # fmt: skip
    return replace(made, **facts)  # type: ignore[arg-type]


def ordinary(seed: int = 0, days: int = 500, rate: float = 5.0, weekend: float = 1.0) -> list[Sighting]:
    """Letters of an office where nothing is starting: every letter its own writer; one in sixteen joins an earlier letter's matter."""
    rng = np.random.default_rng(seed)
    made: list[Sighting] = []
    for n in range(days):
        day = START + timedelta(days=n)
        for _ in range(rng.poisson(rate * (weekend if day.weekday() > 4 else 1.0))):
            number = len(made)
            joins = rng.random() < 1 / 16 and made
            issue, place = ISSUES[rng.choice(4, p=[0.5, 0.2, 0.2, 0.1])], PLACES[rng.integers(4)]
            signals = tuple(s for s in SIGNALS if rng.random() < 0.2)
            new = letter(
                number, day, issue=issue, place=("县", place), signals=signals, terms=tuple(f"词{rng.integers(900)}" for _ in range(6))
            )
            made.append(replace(new, matter_id=made[rng.integers(number)].matter_id) if joins else new)
    return made


def nights(letters: list[Sighting], first: date, last: date, rules: Rules | None = None) -> Iterator[Trend]:
    flags: list[Flag] = []
    while first <= last:
        for trend in watch([s for s in letters if s.day <= first], first, flags, rules):
            flags.append(Flag(key=trend.key, on=first, writers=trend.writers))
            yield trend
        first += timedelta(days=1)


TODAY = START + timedelta(days=499)
BACKGROUND = ordinary()


def burst(count: int, writers: int, **facts: object) -> list[Sighting]:
    """Letters of one matter, one a day up to today."""
    made = []
    for i in range(count):
        one = letter(90000 + i, TODAY - timedelta(days=count - 1 - i), matter_id="M-new", writer=f"new{i % writers}")
        made.append(replace(one, **facts))  # type: ignore[arg-type]
    return made


def test_a_burst_is_flagged_on_the_day_of_its_third_writer() -> None:
    letters = BACKGROUND + burst(4, 4)
    found = [(trend.key, trend.on) for trend in nights(letters, TODAY - timedelta(days=4), TODAY) if trend.matter_id == "M-new"]
    assert found == [("matter:M-new", TODAY - timedelta(days=1))]


@pytest.mark.parametrize("writers", [1, 2])
def test_one_or_two_persistent_writers_are_no_tendency(writers: int) -> None:
    letters = BACKGROUND + burst(40, writers, signals=("repeat",), terms=("望江苑", "停工"))
    found = list(nights(letters, TODAY - timedelta(days=40), TODAY, Rules(word_letters=500)))
    assert not [trend for trend in found if trend.matter_id == "M-new" or trend.kind == "word"]


def test_letters_of_unknown_writers_count_each_as_one() -> None:
    assert "M-new" in {trend.matter_id for trend in watch(BACKGROUND + burst(4, 4, writer=""), TODAY)}


def test_an_office_where_nothing_is_starting_hears_little() -> None:
    """Over a quarter, fewer flags than one in two weeks, though matters of chance have three writers, too."""
    found = list(nights(BACKGROUND, TODAY - timedelta(days=90), TODAY))
    assert len(found) <= 6


def test_weekends_and_holidays_raise_no_flags() -> None:
    """Where weekends and holidays are quiet, no working day stands out, nor the first ones after a long holiday (1 to 5 May 2025)."""
    letters = ordinary(seed=3, days=510, rate=12, weekend=0.1)
    letters = [s for s in letters if not date(2025, 5, 1) <= s.day <= date(2025, 5, 5)]
    found = nights(letters, date(2025, 4, 14), date(2025, 5, 14))
    assert [trend for trend in found if trend.kind in ("place", "signal") and trend.since == trend.on] == []


def test_what_is_ordinary_on_a_wednesday_is_not_on_a_quiet_sunday() -> None:
    letters = ordinary(seed=3, days=510, rate=20, weekend=0.1)

    def cells(day: date) -> list[str]:
        four = [letter(80000 + i, day, issue=ISSUES[1], place=("县", "南乡")) for i in range(4)]
        others = [s for s in letters if s.day != day or (s.issue, s.place[-1]) != (ISSUES[1], "南乡")]
        return [trend.key for trend in watch(others + four, day) if trend.since == trend.on == day and trend.kind == "place"]

    assert cells(date(2025, 4, 27)) == ["place:环境保护 县/南乡"]
    assert cells(date(2025, 4, 23)) == []


@pytest.mark.parametrize(("kind", "facts"), [("place", {"place": ("县", "南乡")}), ("signal", {"signals": ("safety",), "place": ()})])
def test_a_cell_above_its_own_history(kind: str, facts: dict[str, object]) -> None:
    more = [letter(80000 + i, TODAY - timedelta(days=i % 5), issue="劳动和社会保障", **facts) for i in range(15)]
    found = [trend for trend in watch(BACKGROUND + more, TODAY) if trend.kind == kind]
    assert len(found) == 1
    assert found[0].key == f"{kind}:劳动和社会保障 " + ("县/南乡" if kind == "place" else "safety")
    assert found[0].writers >= 15 > 4 * found[0].expected


def test_when_everything_rises_no_cell_does() -> None:
    """A new channel brings three times as many letters of the same kinds."""
    more = [
        replace(s, letter_id=f"N{s.letter_id}", matter_id="", writer=f"n{s.writer}", day=TODAY - timedelta(days=i % 7))
        for i, s in enumerate(BACKGROUND[-70:])
    ]
    assert not [trend for trend in watch(BACKGROUND + more, TODAY) if trend.kind in ("place", "signal")]


def test_a_new_word_in_letters_of_three_writers() -> None:
    new = [letter(90000 + i, TODAY - timedelta(days=i), issue=ISSUES[i % 3], terms=("望江苑", "爆雷", f"词{i}")) for i in range(4)]
    found = [trend for trend in watch(BACKGROUND + new, TODAY, rules=Rules(word_letters=1000)) if trend.kind == "word"]
    assert [(trend.words[:2], trend.writers) for trend in found] == [(("望江苑", "爆雷"), 4)]
    known = [*BACKGROUND, letter(70000, TODAY - timedelta(days=300), terms=("望江苑", "爆雷"))]
    assert not [trend for trend in watch(known + new, TODAY, rules=Rules(word_letters=1000)) if trend.kind == "word"]


def test_flagged_once_again_when_doubled_or_after_a_quiet_time() -> None:
    letters = BACKGROUND + burst(8, 8)
    told = {trend.key: trend for trend in watch(letters, TODAY)}["matter:M-new"]

    def again(on: date, writers: int, more: list[Sighting] | None = None, today: date = TODAY) -> bool:
        flag = Flag(key=told.key, on=on, writers=writers)
        return told.key in {trend.key for trend in watch(letters + (more or []), today, [flag])}

    assert not again(TODAY - timedelta(days=2), 5)
    assert again(TODAY - timedelta(days=4), 4)
    later = TODAY + timedelta(days=95)
    back = [letter(95000, later, matter_id="M-new", writer="back")]
    assert again(TODAY, 8, back, later)
    assert not again(later, 9, back, later + timedelta(days=1))
    assert not again(TODAY, 8, [letter(95000, TODAY + timedelta(days=20), matter_id="M-new", writer="back")], TODAY + timedelta(days=20))


def test_the_order_of_the_letters_does_not_matter() -> None:
    letters = BACKGROUND + burst(5, 5, terms=("望江苑", "停工"))
    mixed = [letters[i] for i in np.random.default_rng(4).permutation(len(letters))]
    assert watch(letters, TODAY) == watch(mixed, TODAY) != []


def test_a_flag_explains_itself() -> None:
    letters = BACKGROUND + burst(4, 4, place=("县", "东镇"), title="望江苑停工，几百户等交房", terms=("望江苑", "停工", "交房"))
    trend = next(trend for trend in watch(letters, TODAY) if trend.kind == "matter")
    assert trend.text == (
        "“望江苑停工，几百户等交房”（城乡建设，东镇）：自2025年5月11日起4天内，4人来信4封，同类事项到这时平均1.0人。"
        "共同的词：交房、停工、望江苑。可先看：望江苑停工，几百户等交房（L90000）、望江苑停工，几百户等交房（L90001）、"
        "望江苑停工，几百户等交房（L90002）。以往有2件事项也曾到4人来信，其中没有一件后来满5封。"
    )
    assert not any(writer in trend.text for writer in ("new0", "new1"))


def test_a_flag_says_what_like_matters_did() -> None:
    grown = [letter(60000 + i, START + timedelta(days=100 + 3 * i), matter_id="M-old", writer=f"old{i}") for i in range(6)]
    trend = next(trend for trend in watch(BACKGROUND + grown + burst(4, 4), TODAY) if trend.matter_id == "M-new")
    assert trend.like == "以往有3件事项也曾到4人来信，其中1件后来满5封，从那时起一般再过3天。"


@pytest.fixture(scope="module")
def county() -> list[Sighting]:
    """The invented letters of two months, their stories as matters."""
    with (ROOT / "tests/assets/sample_readings.csv").open(encoding="utf-8", newline="") as file:
        readings = {row["letter_id"]: row for row in csv.DictReader(file)}
    files = [path for path in sorted((ROOT / "data/sample").iterdir()) if path.suffix != ".md"]
    made = []
    for one in read(files):
        if not isinstance(one, Letter) or one.received_at is None:
            continue
        row = readings[one.letter_id]
        made.append(
            Sighting(
                letter_id=one.letter_id, matter_id="" if row["story"] == "none" else row["story"], day=one.received_at.astimezone(SHANGHAI).date(),
                writer=one.writer_ref, issue=row["issue"], signals=tuple(filter(None, row["signals"].split(";"))), place=("云杉县",),
                risk=0.5, level=int(row["level"]), title=one.title, terms=(),
            )
        )  # fmt: skip
    return made


def test_a_new_office_with_two_months_of_letters(county: list[Sighting]) -> None:
    found = {trend.matter_id: trend for trend in nights(county, min(s.day for s in county), max(s.day for s in county))}
    assert {"seed", "wages", "frog"} <= set(found)
    assert "wall" not in found
    assert found["seed"].text.startswith("“")
    assert {trend.kind for trend in found.values()} == {"matter"}


def test_an_empty_office_has_no_tendency() -> None:
    assert watch([], TODAY) == []
    assert watch([letter(1, TODAY)], TODAY - timedelta(days=1)) == []
    assert watch([letter(1, TODAY)], TODAY) == []
