"""How urgent a whole matter is: a logistic over what its letters say together (matters/matter.py), fitted on what came of matters.

A case is a matter as it stood when one of its letters came. It came true when the matter was an early sign (one of its letters so far or of the
next 90 days was read at level >= 2) or when somebody else wrote of it within 90 days. Matters are those of the linker, cross-fitted; cases
whose letters were not all read, or whose 90 days lie beyond the last letter, are left out. Folds part matters, never cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from pipeline.matters.matter import HIGHEST, RiskModel, Sighting, facts, writers
from pipeline.scoring.measures import average_precision, calibration_error

AHEAD = timedelta(days=90)
EARLY = 0.5
"""Share of readings with level >= 2 from which a letter counts as read so."""
FOLDS, FEWEST = 5, 50
FIGURES = ("risk_cases", "risk_true", "risk_ap", "risk_ap_highest", "risk_ece", "risk_ece_highest")
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """facts (cases, facts); `highest`: the highest letter risk, the baseline; `came`: what came true; `matter`: number of the matter."""

    facts: Array
    highest: Array
    came: NDArray[np.bool_]
    matter: NDArray[np.int64]


def cases(sightings: Sequence[Sighting], read: Mapping[str, float]) -> Cases:
    """The cases of these letters; `read`: letter -> share of its readings with level >= 2, for those that were read."""
    held: dict[str, list[Sighting]] = defaultdict(list)
    for one in sorted(sightings, key=lambda one: (one.day, one.letter_id)):
        held[one.matter_id].append(one)
    last = max(one.day for one in sightings)
    rows = [
        (facts(group[: at + 1], group[at].day), max(one.risk for one in group[: at + 1]), _came(group, at, read), number)
        for number, group in enumerate(held.values())
        for at in range(len(group))
        if group[at].day + AHEAD <= last and all(one.letter_id in read for one in group[: at + 1])
    ]
    told, highest, came, matter = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Cases(np.array(told, np.float32), np.array(highest, np.float32), np.array(came, bool), np.array(matter, np.int64))


def _came(group: Sequence[Sighting], at: int, read: Mapping[str, float]) -> bool:
    until: date = group[at].day + AHEAD
    soon = [one for one in group if one.day <= until]
    return any(read.get(one.letter_id, 0.0) >= EARLY for one in soon) or writers(soon) > writers(group[: at + 1])


def fit_risk(given: Cases) -> tuple[RiskModel, dict[str, float]]:
    """The fitted model, and out-of-fold AP and calibration error beside those of the highest letter risk.

    Letters of less than 90 days give no case: then a matter is as urgent as its most urgent letter.
    """
    if len(given.came) < FEWEST or given.came.all() or not given.came.any():
        return HIGHEST, dict.fromkeys(FIGURES, float("nan"))
    told = np.zeros(len(given.came), np.float32)
    for train, test in GroupKFold(min(FOLDS, len(set(given.matter.tolist())))).split(given.facts, given.came, given.matter):
        told[test] = _fitted(given.facts[train], given.came[train]).predict_proba(given.facts[test])[:, 1]
    model, came = _fitted(given.facts, given.came), given.came.astype(np.float32)
    found = [average_precision(given.came, score) for score in (told, given.highest)]
    found += [calibration_error(came, score) for score in (told, given.highest)]
    figures = dict(zip(FIGURES, [float(len(came)), float(came.mean()), *found], strict=True))
    return RiskModel((*(float(weight) for weight in model.coef_[0]), float(model.intercept_[0]))), figures


def _fitted(rows: Array, came: NDArray[np.bool_]) -> LogisticRegression:
    return LogisticRegression(C=1.0, max_iter=1_000).fit(rows, came)
