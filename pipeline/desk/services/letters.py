"""A stored letter as others know it: masked, with its score, with what a person said instead of the model; and a matter's letters as lines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from django.db.models import F

from pipeline.intake.letter import Letter, RedactedLetter
from pipeline.intake.redact import redact
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import Score

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk import models

EARLY = 2
"""The level from which a letter is an early sign."""
BEGINS = 120
"""Characters of a letter that a list shows."""


def masked(letter: models.Letter) -> RedactedLetter:
    """The letter as redaction left it."""
    return RedactedLetter(letter_id=letter.pk, text=letter.text, received_at=letter.received_at)


def masked_words(text: str) -> str:
    """What somebody of the office typed, as it may be looked up, kept or taken out: personal data masked, line by line as it was."""
    text = text.strip()
    return redact(Letter(letter_id="typed", title="", body=text)).body.strip() if text else ""


def masked_numbers(text: str) -> str:
    """What is kept for good of what somebody of the office typed: telephone numbers, numbers of persons, addresses and the like masked.

    Names stay. The recogniser takes 周例会 for one, and a reason or a purpose that cannot be read is none.
    """
    return redact(Letter(letter_id="typed", title="", body=text), names=False).body if text.strip() else ""


def heading(letter: models.Letter) -> str:
    """The first line of the masked letter that says something. Reads the columns of the id and the text only."""
    return RedactedLetter(letter_id=letter.pk, text=letter.text).heading or "（无标题）"


def score_of(score: models.Score) -> Score:
    """A stored score as the scorer gave it."""
    return Score(
        letter_id=score.letter_id,
        issue=np.array(score.issue, np.float32),
        signals=np.array(score.signals, np.float32),
        risk=score.risk,
        level=score.level,
        embedding=np.frombuffer(score.embedding, "<f4").astype(np.float32),
        abstain=score.abstain,
        model_version=score.model_version,
    )


def told_of(item: models.QueueItem) -> Score:
    """The score of a letter with what a person said in place of what the model said: certain, one way or the other."""
    score, labels = score_of(item.score), load_labels()
    issue, signals = score.issue, score.signals.copy()
    if item.human_issue:
        issue = np.eye(len(labels.issues), dtype=np.float32)[labels.issues.index(item.human_issue)]
    for name, said in item.human_signals.items():
        signals[labels.signals.index(name)] = float(said)
    if item.human_level is None:
        return replace(score, issue=issue, signals=signals)
    return replace(score, issue=issue, signals=signals, level=item.human_level, risk=float(item.human_level >= EARLY))


@dataclass(frozen=True, slots=True)
class LetterLine:
    """A letter in a list; `begins`: its first words, masked; `level` as a person said it, else the model. Nothing about who wrote it."""

    letter_id: str
    heading: str
    received_at: datetime | None
    channel: str
    place: str
    begins: str
    level: int
    registered: bool


def newest(matter: models.Matter, most: int | None = None, *, but: models.Letter | None = None) -> list[LetterLine]:
    """The newest letters of a matter, at most `most`, undated ones last; `but`: without this one. One query."""
    links = matter.links.exclude(letter=but) if but else matter.links.all()
    links = links.select_related("letter", "letter__item").order_by(F("letter__received_at").desc(nulls_last=True), "letter")
    return [_line(link) for link in links[:most]]


def _line(link: models.Link) -> LetterLine:
    letter, item, text = link.letter, link.letter.item, masked(link.letter)
    return LetterLine(
        letter_id=letter.pk,
        heading=text.heading or "（无标题）",
        received_at=letter.received_at,
        channel=letter.channel,
        place=letter.place,
        begins=" ".join(text.body.split())[:BEGINS],
        level=item.level if item.human_level is None else item.human_level,
        registered=item.status == item.Status.REGISTERED,
    )
