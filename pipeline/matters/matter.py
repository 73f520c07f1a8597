"""A matter (事项): what its letters say together, and what a letter lends to it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.intake.letter import SHANGHAI, RedactedLetter
from pipeline.matters.trace import MASK, words
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import Score

SOON = timedelta(days=30)
"""What a matter gained lately is counted over so many days."""
REPEAT = "repeat"
TITLE, TELLING = 40, 4
"""Most characters of a matter's title, and least ones of a heading that says something, masks not counted."""
READ = 400
"""Characters of a letter whose words are watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one letter lends to its matter and to the counts that are watched. Masked throughout.

    Attributes:
        day: day of receipt, office time. writer: opaque, only to count distinct ones; empty where unknown (counted as one of its own).
        issue, signals: label names of data/labels.toml. place: the deepest place known, upward parts before it, e.g. ("云杉县", "榆树沟镇").
        risk: P(level >= 2). title: masked heading. terms: its different words, in order.
    """

    letter_id: str
    matter_id: str
    day: date
    writer: str
    issue: str
    signals: tuple[str, ...]
    place: tuple[str, ...]
    risk: float
    level: int
    title: str
    terms: tuple[str, ...]


def sighting_of(
    letter: RedactedLetter, score: Score, writer: str, place: tuple[str, ...], matter_id: str = "", undated: date = date.min
) -> Sighting:
    """What a scored letter lends; `undated` stands for the day of a letter that has none."""
    labels = load_labels()
    return Sighting(
        letter_id=letter.letter_id,
        matter_id=matter_id,
        day=letter.received_at.astimezone(SHANGHAI).date() if letter.received_at else undated,
        writer=writer,
        issue=labels.issues[int(score.issue.argmax())],
        signals=score.said(labels.signals),
        place=place,
        risk=score.risk,
        level=score.level,
        title=_heading(letter),
        terms=tuple(dict.fromkeys(words(letter.text[:READ]))),
    )


def _heading(letter: RedactedLetter) -> str:
    """The letter's heading; one that says nothing (急, 来信) with the beginning of the body."""
    heading, body = letter.heading, " ".join(letter.body.split())
    return heading if len(MASK.sub("", heading)) >= TELLING or not body or body.startswith(heading) else f"{heading}：{body[:TITLE]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What is known of a matter on a day; all of it follows from its letters.

    Attributes:
        title: the heading of one of its letters, the one whose words most of the others share.
        writers: distinct ones, only counted.
        places: most named first. signals: all that its letters say, in label order.
        risk: P that the matter is an early sign or draws another writer within 90 days, calibrated (RiskModel).
        lately: letters of the last 30 days; growth: those less the 30 days before.
    """

    matter_id: str
    title: str
    letters: int
    writers: int
    first_on: date
    last_on: date
    places: tuple[str, ...]
    issue: str
    signals: tuple[str, ...]
    level: int
    risk: float
    lately: int
    growth: int


@dataclass(frozen=True, slots=True)
class RiskModel:
    """Logistic over what raises a matter; fitted by training/matter_risk.py. One weight a fact of `facts`, then the constant."""

    weights: tuple[float, ...]

    def risk(self, sightings: Sequence[Sighting], today: date) -> float:
        """The calibrated risk of a matter on a day, 0..1."""
        told = [*facts(sightings, today), 1.0]
        return 1 / (1 + math.exp(-sum(weight * fact for weight, fact in zip(self.weights, told, strict=True))))


FACTS = ("highest letter risk, log-odds", "mean letter risk, log-odds", "writers, log", "letters of 30 days, log", "says it is unsolved")


HIGHEST = RiskModel((1.0, *[0.0] * len(FACTS)))
"""A matter as urgent as its most urgent letter: the baseline."""


def facts(sightings: Sequence[Sighting], today: date) -> list[float]:
    """What raises a matter's risk, in the order of FACTS: how bad its letters are, how many write, how fast they come, whether it is unsolved."""
    risks = [_log_odds(one.risk) for one in sightings]
    return [
        max(risks),
        sum(risks) / len(risks),
        math.log(writers(sightings)),
        math.log(max(sum(today - one.day <= SOON for one in sightings), 1)),
        float(any(REPEAT in one.signals for one in sightings)),
    ]


def _log_odds(p: float) -> float:
    p = min(max(p, 0.002), 0.998)
    return math.log(p / (1 - p))


def writers(sightings: Sequence[Sighting]) -> int:
    """How many distinct people wrote; a letter whose writer is unknown counts as one of its own."""
    return len({one.writer or f"\0{one.letter_id}" for one in sightings})


def summarise(sightings: Sequence[Sighting], today: date, model: RiskModel) -> Matter:
    """The matter of these letters (one and more) on a day."""
    labels = load_labels()
    ordered = sorted(sightings, key=lambda one: (one.day, one.letter_id))
    said = {signal for one in ordered for signal in one.signals}
    lately = sum(today - one.day <= SOON for one in ordered)
    before = sum(SOON < today - one.day <= 2 * SOON for one in ordered)
    return Matter(
        matter_id=ordered[0].matter_id,
        title=_title(ordered),
        letters=len(ordered),
        writers=writers(ordered),
        first_on=ordered[0].day,
        last_on=ordered[-1].day,
        places=tuple(name for name, _ in Counter(one.place[-1] for one in ordered if one.place).most_common()),
        issue=Counter(one.issue for one in ordered).most_common(1)[0][0],
        signals=tuple(signal for signal in labels.signals if signal in said),
        level=max(one.level for one in ordered),
        risk=model.risk(ordered, today),
        lately=lately,
        growth=lately - before,
    )


def _title(ordered: Sequence[Sighting]) -> str:
    """The heading whose words the matter's letters share most, for its length; the earliest of equals."""
    held = Counter(term for one in ordered for term in set(one.terms))

    def telling(one: Sighting) -> float:
        inside = {term for term in one.terms if term in one.title}
        return sum(held[term] - 1 for term in inside) / math.sqrt(len(one.title) + 10)

    return max(ordered, key=telling).title[:TITLE]
