"""Whether what comes in, and what the model says of it, stays as it was; and whether people left the answers as they were.

All of it is reckoned over the letters that entered the queue last (LETTERS), read once. Only numbers and the model's answers are read, no text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import log, sqrt

import numpy as np
from django.db.models.functions import Length
from numpy.typing import NDArray

from pipeline.desk.services.connection import translated
from pipeline.desk.services.letters import EARLY
from pipeline.intake.letter import SHANGHAI
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import SAID

LETTERS = 5_000
WEEKS = 12
WEEK = timedelta(days=7)
ENOUGH = 50
"""With fewer letters on one side nothing is compared."""
SOME, MUCH = 0.1, 0.25
"""Bounds of "a little" and "clearly", the usual ones of the population stability index; for standardized differences 0.1 and 0.25 are as usual."""
SURE = 3.0
"""A difference within so many standard errors may be chance: five are looked at at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One letter's numbers: what the model answered, and what people said instead. `issue`: float64 (16,); `signals`: float64 (8,)."""

    letter_id: str
    on: date | None
    length: int
    risk: float
    level: int
    issue: NDArray[np.float64]
    signals: NDArray[np.float64]
    abstain: bool
    registered_on: date | None
    human_issue: str
    human_level: int | None
    human_signals: dict[str, bool]

    @property
    def corrected(self) -> bool:
        """Whether a person said anything about it."""
        return bool(self.human_issue or self.human_signals) or self.human_level is not None


def seen() -> list[Seen]:
    """The letters that entered the queue last, newest first. One query, along the index of scores."""
    from pipeline.desk.models import QueueItem

    columns = ("pk", "letter__received_at", "long", "score__risk", "level", "score__issue", "score__signals", "score__abstain")
    human = ("registered_on", "human_issue", "human_level", "human_signals")
    with translated("read scores"):
        found = QueueItem.objects.annotate(long=Length("letter__text")).order_by("-score_id").values_list(*columns, *human)[:LETTERS]
        return [
            Seen(
                letter_id=pk, on=at.astimezone(SHANGHAI).date() if at else None, length=long, risk=risk, level=level, issue=np.array(issue),
                signals=np.array(signals), abstain=abstain, registered_on=registered, human_issue=human_issue, human_level=human_level,
                human_signals=human_signals,
            )
            for pk, at, long, risk, level, issue, signals, abstain, registered, human_issue, human_level, human_signals in found
        ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Letters received in seven days from `begin` on. `risk`: mean; `early`, `unsure`, `issues` (16): shares; `length`: median characters."""

    begin: date
    letters: int
    risk: float | None
    early: float | None
    unsure: float | None
    length: float | None
    issues: tuple[float, ...]


def weeks(letters: Sequence[Seen], today: date) -> list[Week]:
    """The last twelve weeks, the oldest first; the last one ends today. Shares of a week without letters are None."""
    return [_week(letters, today + timedelta(days=1) - number * WEEK) for number in range(WEEKS, 0, -1)]


def _week(letters: Sequence[Seen], begin: date) -> Week:
    inside = [letter for letter in letters if letter.on and begin <= letter.on < begin + WEEK]
    if not inside:
        return Week(begin=begin, letters=0, risk=None, early=None, unsure=None, length=None, issues=())
    return Week(
        begin=begin, letters=len(inside), risk=_mean([letter.risk for letter in inside]),
        early=_mean([letter.level >= EARLY for letter in inside]), unsure=_mean([letter.abstain for letter in inside]),
        length=float(np.median([letter.length for letter in inside])), issues=tuple(float(share) for share in _mix(inside)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing compared: its name, before and now as shown, by what it is measured, the distance (None: too few letters) and what it means."""

    name: str
    before: str
    now: str
    way: str
    distance: float | None
    said: str


def measures(letters: Sequence[Seen], today: date) -> tuple[int, int, list[Measure]]:
    """The letters of the last twelve weeks against those of the twelve before: how many there are of each, and five comparisons."""
    middle, begin = today - WEEKS * WEEK, today - 2 * WEEKS * WEEK
    before = [letter for letter in letters if letter.on and begin < letter.on <= middle]
    now = [letter for letter in letters if letter.on and middle < letter.on <= today]
    if min(len(before), len(now)) < ENOUGH:
        return len(before), len(now), []
    risk, early = _both(before, now, lambda one: one.risk), _both(before, now, lambda one: one.level >= EARLY)
    unsure, length = _both(before, now, lambda one: one.abstain), _both(before, now, lambda one: log(one.length + 1))
    medians = [f"{np.median([letter.length for letter in side]):.0f} 字" for side in (before, now)]
    difference = "标准化差异"
    return len(before), len(now), [
        Measure("平均风险", _percent(risk[0]), _percent(risk[1]), difference, *_difference(*risk)),
        Measure("苗头和紧急件占比", _percent(early[0]), _percent(early[1]), difference, *_difference(*early)),
        Measure("类别构成", _largest(before), _largest(now), "群体稳定性指数", *_stability(before, now)),
        Measure("来信长度（中位数）", medians[0], medians[1], f"{difference}（长度取对数）", *_difference(*length)),
        Measure("模型拿不准的占比", _percent(unsure[0]), _percent(unsure[1]), difference, *_difference(*unsure)),
    ]  # fmt: skip


def _both(before: Sequence[Seen], now: Sequence[Seen], value: Callable[[Seen], float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([float(value(one)) for one in before]), np.array([float(value(one)) for one in now])


def _difference(before: NDArray[np.float64], now: NDArray[np.float64]) -> tuple[float, str]:
    """Difference of the means in standard deviations (both sides' variances averaged), and what it means."""
    spread = sqrt((before.var() + now.var()) / 2)
    distance = float((now.mean() - before.mean()) / spread) if spread else 0.0
    chance = sqrt(1 / len(before) + 1 / len(now))
    return round(distance, 2), _said(abs(distance), abs(distance) <= SURE * chance, "升高" if distance > 0 else "降低")


def _stability(before: Sequence[Seen], now: Sequence[Seen]) -> tuple[float, str]:
    """Population stability index of the issues' shares, less what chance alone makes of so few letters, and what it means.

    Under chance the index is about (1/n+1/m) times a chi-square of k-1 degrees: mean k-1, variance 2(k-1).
    """
    one, other = _mix(before, smooth=0.5), _mix(now, smooth=0.5)
    index = float(((other - one) * np.log(other / one)).sum())
    few, degrees = 1 / len(before) + 1 / len(now), len(one) - 1
    left = max(index - degrees * few, 0.0)
    return round(left, 2), _said(left, left <= SURE * sqrt(2 * degrees) * few, "变化")


def _said(distance: float, chance: bool, way: str) -> str:
    if distance < SOME:
        return "平稳"
    if chance:
        return "看不出变化（来信还少）"
    return f"略有{way}" if distance < MUCH else f"明显{way}，请抽查"


def _mix(letters: Sequence[Seen], smooth: float = 0.0) -> NDArray[np.float64]:
    issues = load_labels().issues
    counts = np.bincount([int(letter.issue.argmax()) for letter in letters], minlength=len(issues)) + smooth
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def _largest(letters: Sequence[Seen]) -> str:
    shares, issues = _mix(letters), load_labels().issues
    return "、".join(f"{issues[int(at)]} {shares[at]:.0%}" for at in np.argsort(-shares)[:3])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _percent(values: NDArray[np.float64]) -> str:
    return f"{values.mean():.0%}"


@dataclass(frozen=True, slots=True)
class Kept:
    """Of the letters registered in a month: how many, and the shares whose issue, level and signals (all eight) stayed as the model gave them."""

    month: str
    letters: int
    issue: float
    level: float
    signals: float


def agreement(letters: Sequence[Seen]) -> list[Kept]:
    """By month of registering, the oldest first, at most twelve. Only letters that people have worked on: registered ones."""
    months: dict[str, list[Seen]] = {}
    for letter in letters:
        if letter.registered_on:
            months.setdefault(f"{letter.registered_on:%Y-%m}", []).append(letter)
    return [
        Kept(
            month, len(inside), _mean([_issue_kept(letter) for letter in inside]), _mean([_final(letter) == letter.level for letter in inside]),
            _mean([all(_said_finally(letter, at) == _said_by_model(letter, at) for at in range(len(letter.signals))) for letter in inside]),
        )
        for month, inside in sorted(months.items())[-12:]
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """How one yes-or-no answer fared among registered letters: said by the model, taken back by people, added by people."""

    name: str
    said: int
    taken_back: int
    added: int

    @property
    def precision(self) -> float | None:
        """Share of what the model said that people let stand; None where it said nothing."""
        return (self.said - self.taken_back) / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        """Share of what holds in the end that the model had said; None where nothing holds."""
        holds = self.said - self.taken_back + self.added
        return (self.said - self.taken_back) / holds if holds else None


def answers(letters: Sequence[Seen]) -> list[Answer]:
    """Early sign or not, then each signal, over the registered letters. An answer that nobody corrected counts as right."""
    worked, labels = [letter for letter in letters if letter.registered_on], load_labels()
    early = [(letter.level >= EARLY, _final(letter) >= EARLY) for letter in worked]
    signals = [
        (name, [(_said_by_model(letter, at), _said_finally(letter, at)) for letter in worked])
        for at, name in enumerate(labels.signal_names)
    ]
    return [_answer(name, pairs) for name, pairs in [("苗头或紧急", early), *signals]]


def _answer(name: str, pairs: Sequence[tuple[bool, bool]]) -> Answer:
    return Answer(
        name,
        sum(said for said, _ in pairs),
        sum(said and not holds for said, holds in pairs),
        sum(holds and not said for said, holds in pairs),
    )


def _issue_kept(letter: Seen) -> bool:
    return not letter.human_issue or letter.human_issue == load_labels().issues[int(letter.issue.argmax())]


def _final(letter: Seen) -> int:
    return letter.level if letter.human_level is None else letter.human_level


def _said_by_model(letter: Seen, at: int) -> bool:
    return bool(letter.signals[at] >= SAID)


def _said_finally(letter: Seen, at: int) -> bool:
    return letter.human_signals.get(load_labels().signals[at], _said_by_model(letter, at))
