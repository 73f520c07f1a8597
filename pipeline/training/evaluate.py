"""What a model says of held-out letters, beside the readings: the rows that figures, the report page and the registry's gate are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.scoring.heldout import HeldOut, measures
from pipeline.scoring.labels import Labels
from pipeline.training.letters import BOARD, ORGANISER, Example

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model says of letters: issue (n, 16), signals (n, 8), level steps (n, 3); scores of any scale, probabilities if calibrated."""

    issue: Array
    signals: Array
    level: Array
    calibrated: bool


def raw_answers(logits: Array, labels: Labels) -> Answers:
    """The outputs of a linear model (letters, outputs) by head."""
    issue, signals, level = np.split(logits, [len(labels.issues), len(labels.issues) + len(labels.signals)], axis=1)
    return Answers(issue, signals, level, calibrated=False)


def held_out(examples: Sequence[Example], answers: Answers, labels: Labels) -> HeldOut:
    """The fair, twice-read letters of the board and the organiser's letters among `examples`, with their answers."""
    rows = [at for at, e in enumerate(examples) if (e.source == BOARD and e.fair) or e.source == ORGANISER]
    some = [examples[at] for at in rows]
    return HeldOut(
        ids=tuple(e.letter_id for e in some),
        issue=answers.issue[rows], signals=answers.signals[rows], level=answers.level[rows],
        first_issue=np.array([labels.issues.index(e.first_issue) if e.first_issue else -1 for e in some]),
        first_signals=np.array([[name in e.first_signals for name in labels.signals] for e in some]),
        first_level=np.array([e.first_level for e in some]),
        share_issue=np.stack([e.issue for e in some]), share_signals=np.stack([e.signals for e in some]),
        share_level=np.stack([e.level for e in some]),
        organiser=np.array([int(e.organiser.argmax()) if e.source == ORGANISER else -1 for e in some]),
    )  # fmt: skip


def readers(held: HeldOut) -> dict[str, float]:
    """Shares of the fair letters, to read the figures by."""
    read = held.first_issue >= 0
    return {
        "letters": int(read.sum()),
        "level >= 2, first reading": float(np.mean(held.first_level[read] >= 2)),
        "level >= 2, either reading": float(np.mean(held.share_level[read, 1] >= 0.5)),
    }


def headline(held: HeldOut, labels: Labels) -> list[str]:
    """The figures a curve is drawn of: issue accuracy, risk AP, mean signal AP."""
    found = measures(held.rows(held.first_issue >= 0), labels, calibrated=False)
    every = np.arange((held.first_issue >= 0).sum())
    return [f"{found[name](every):.3f}" for name in ("issue accuracy", "risk AP, either reading", "signals, mean AP of seven")]
