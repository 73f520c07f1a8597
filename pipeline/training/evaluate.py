"""The figures of a model and of the linear baselines on held-out letters, with 95 % bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.scoring.labels import Labels
from pipeline.training.letters import BOARD, ORGANISER, Example
from pipeline.training.measures import (
    FREQUENT,
    average_precision,
    calibration_error,
    interval,
    macro_f1,
    mean_signal_precision,
    recall_at_top,
    weighted_average_precision,
)

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model says of letters: issue (n, 16), signals (n, 8), level steps (n, 3); scores of any scale, probabilities if calibrated."""

    issue: Array
    signals: Array
    level: Array
    calibrated: bool

    def rows(self, chosen: NDArray[np.bool_]) -> Answers:
        return Answers(self.issue[chosen], self.signals[chosen], self.level[chosen], self.calibrated)


def figures(examples: Sequence[Example], answers: Answers, labels: Labels, draws: int) -> dict[str, dict[str, float]]:
    """name -> {value, low, high, letters}, intervals from `draws` bootstrap draws, for the fair test letters of the board and the organiser's test letters."""
    fair = np.array([example.source == BOARD and example.fair for example in examples])
    organiser = np.array([example.source == ORGANISER for example in examples])
    found = _board([e for e in examples if e.source == BOARD and e.fair], answers.rows(fair), labels, draws)
    if organiser.any():
        found |= _organiser([e for e in examples if e.source == ORGANISER], answers.rows(organiser), draws)
    return found


def _figure(measure: Callable[[NDArray[np.int64]], float], count: int, draws: int) -> dict[str, float]:
    low, high = interval(measure, count, draws)
    return {"value": measure(np.arange(count)), "low": low, "high": high, "letters": count}


def _board(examples: Sequence[Example], answers: Answers, labels: Labels, draws: int) -> dict[str, dict[str, float]]:
    count = len(examples)
    issue = np.array([labels.issues.index(example.first_issue) for example in examples])
    guess = answers.issue.argmax(1)
    risk = answers.level[:, 1]
    share = np.array([example.level[1] for example in examples])
    first = np.array([example.first_level >= 2 for example in examples])
    signals = np.array([[name in example.first_signals for name in labels.signals] for example in examples])
    measures: dict[str, Callable[[NDArray[np.int64]], float]] = {
        "issue accuracy": lambda r: float((guess[r] == issue[r]).mean()),
        "issue macro-F1": lambda r: macro_f1(issue[r], guess[r]),
        "risk AP, either reading": lambda r: average_precision(share[r] >= 0.5, risk[r]),
        "risk AP, mean of readings": lambda r: weighted_average_precision(share[r], risk[r]),
        "risk AP, first reading": lambda r: average_precision(first[r], risk[r]),
        "recall of level >= 2 in the top 25 %": lambda r: recall_at_top(share[r], risk[r], 0.25),
        "signals, mean AP of seven": lambda r: mean_signal_precision(signals[r], answers.signals[r]),
    }
    for k, name in enumerate(labels.signals):
        measures[f"signal {name}, AP"] = lambda r, k=k: average_precision(signals[r, k], answers.signals[r, k])  # type: ignore[misc]
    if answers.calibrated:
        sure = answers.issue.max(1)
        measures["ECE of risk"] = lambda r: calibration_error(share[r], risk[r])
        measures["ECE of issue"] = lambda r: calibration_error((guess[r] == issue[r]).astype(np.float32), sure[r])
        seen = np.array([example.signals for example in examples])
        measures["ECE of signals, mean"] = lambda r: float(
            np.mean([calibration_error(seen[r, k], answers.signals[r, k]) for k in range(FREQUENT)])
        )
    return {name: _figure(measure, count, draws) for name, measure in measures.items()}


def _organiser(examples: Sequence[Example], answers: Answers, draws: int) -> dict[str, dict[str, float]]:
    truth = np.array([example.issue.argmax() for example in examples])
    seven = np.unique(truth)
    guess = seven[answers.issue[:, seven].argmax(1)]
    return {"issues7 macro-F1, best of seven": _figure(lambda r: macro_f1(truth[r], guess[r]), len(examples), draws)}


def readers(examples: Sequence[Example]) -> dict[str, float]:
    """Shares of the fair letters, to read the figures by."""
    fair = [example for example in examples if example.fair]
    return {
        "letters": len(fair),
        "level >= 2, first reading": float(np.mean([example.first_level >= 2 for example in fair])),
        "level >= 2, either reading": float(np.mean([example.level[1] >= 0.5 for example in fair])),
    }
