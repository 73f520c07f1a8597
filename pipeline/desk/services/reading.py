"""What the letter page shows of one letter: its text with the sentences that told, the model's answers, and what people said instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.desk.services.corrections import ISSUE, LEVEL, REASONS
from pipeline.desk.services.letters import heading, score_of, told_of
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import RISK, SAID

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Correction, Letter, QueueItem

MATTER = "matter"
"""The answer of a correction which says that the letter is not of its matter."""
RISK_NAME = "苗头风险"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a letter, and the answers that it carried: the strongest first, none for the rest of the text."""

    text: str
    answers: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """The answers in words."""
        return "、".join(answer_name(answer) for answer in self.answers)


def segments(text: str, evidence: Iterable[Sequence[Any]]) -> list[Segment]:
    """Cut a letter where marks begin and end; joined, the segments give the text.

    Args:
        evidence: [answer, sentence, fall]; a sentence that does not stand in the text is passed over, of one that stands there twice the first is marked.
    """
    spans = []
    for answer, sentence, fall in evidence:
        begin = text.find(sentence.strip())
        if sentence.strip() and begin >= 0:
            spans.append((begin, begin + len(sentence.strip()), answer, float(fall)))
    cuts = sorted({0, len(text), *(cut for span in spans for cut in span[:2])})
    found = []
    for begin, end in pairwise(cuts):
        here = sorted((span for span in spans if span[0] <= begin and end <= span[1]), key=lambda span: (span[2] == RISK, -span[3]))
        found.append(Segment(text[begin:end], tuple(dict.fromkeys(span[2] for span in here))))
    return found


def answer_name(answer: str) -> str:
    """What staff call an answer: a signal, the risk, the issue, the level, the matter."""
    labels = load_labels()
    other = {RISK: RISK_NAME, ISSUE: "类别", LEVEL: "等级", MATTER: "所属事项"}
    return dict(zip(labels.signals, labels.signal_names, strict=True)).get(answer) or other.get(answer, answer)


def value_name(answer: str, value: Any) -> str:
    """What staff call the value of an answer."""
    if isinstance(value, bool):
        return "有" if value else "无"
    return load_labels().level_names[value] if answer == LEVEL and isinstance(value, int) else str(value)


@dataclass(frozen=True, slots=True)
class SignalLine:
    """A signal of a letter: what the model said with its probability, what holds now, and whether a person said it."""

    key: str
    name: str
    p: float
    model_said: bool
    said: bool
    by_person: bool


@dataclass(frozen=True, slots=True)
class IssueLine:
    """A possible issue and the model's probability for it."""

    name: str
    p: float


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """What a person said instead, in words."""

    at: datetime
    by: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that the page says of one letter's score. `model_…`: what the model said; the others: what holds now.

    Attributes:
        explained: the telling sentences were looked for. legend: the answers that are marked in the text.
        best, second: the model's first and second issue.
    """

    heading: str
    segments: list[Segment]
    explained: bool
    legend: list[tuple[str, str]]
    risk: float
    level: int
    model_level: int
    level_by_person: bool
    issue: str
    issue_by_person: bool
    best: IssueLine
    second: IssueLine
    abstain: bool
    signals: list[SignalLine]
    reasons: list[tuple[str, float]]
    model_version: str


def read(letter: Letter, item: QueueItem) -> Reading:
    """What the page says of a letter; no query when `item` comes with its score."""
    labels, model, now = load_labels(), score_of(item.score), told_of(item)
    first, second = np.argsort(-model.issue, kind="stable")[:2].tolist()
    evidence = item.score.evidence
    parts = segments(letter.text, evidence or ())
    marked = dict.fromkeys(answer for part in parts for answer in part.answers)
    signals = [
        SignalLine(key, name, float(p), bool(p >= SAID), bool(held >= SAID), key in item.human_signals)
        for key, name, p, held in zip(labels.signals, labels.signal_names, model.signals, now.signals, strict=True)
    ]
    return Reading(
        heading=heading(letter),
        segments=parts,
        explained=evidence is not None,
        legend=[(answer, answer_name(answer)) for answer in marked],
        risk=float(model.risk),
        level=now.level,
        model_level=model.level,
        level_by_person=item.human_level is not None,
        issue=item.human_issue or labels.issues[first],
        issue_by_person=bool(item.human_issue),
        best=IssueLine(labels.issues[first], float(model.issue[first])),
        second=IssueLine(labels.issues[second], float(model.issue[second])),
        abstain=model.abstain,
        signals=signals,
        reasons=[(sentence, float(share)) for sentence, share in item.reasons],
        model_version=model.model_version,
    )


def said_of(letter: Letter) -> list[CorrectionLine]:
    """What people said instead of the model about this letter, newest first."""
    return [
        CorrectionLine(row.at, row.by.name, _told(row), REASONS.get(row.reason, row.reason))
        for row in letter.corrections.select_related("by").order_by("-pk")
    ]


def _told(row: Correction) -> str:
    return f"{answer_name(row.answer)}：{value_name(row.answer, row.before)} → {value_name(row.answer, row.after)}"
