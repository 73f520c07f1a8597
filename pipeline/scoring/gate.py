"""May this model take the place of the one in use? Only when it is nowhere worse beyond noise, and behaves at least as well.

Figures: where both folders keep their answers to held-out letters (heldout.safetensors, which stays on the machine that trained), the two
are compared letter by letter: a figure is worse beyond noise when the gain plus three bootstrap standard errors is below zero (some thirty
figures are asked; at two, one pair of equal models in two would be refused). Else by metrics.json: worse when the two 95 % intervals part.
Behaviour, asked of both models here and now: a check that the model in use passes must not fail, and one that it fails must not get
much worse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.scoring.behaviour import Outcome, checks
from pipeline.scoring.heldout import FILE, HeldOut, in_common, measures, parts, shown
from pipeline.scoring.labels import Labels, load_labels
from pipeline.scoring.scorer import Scorer

Metrics = Mapping[str, Mapping[str, float]]
DRAWS, ERRORS = 400, 3.0
FEWEST_LETTERS = 20
MUCH_WORSE = {"invariance": 0.05, "direction": 0.1, "minimum": 0.1}
"""By how much a check that the model in use fails may get worse."""


def objections(candidate: Path, current: Path | None) -> list[str]:
    """Why `candidate` may not be promoted over `current`; empty when it may."""
    if current is None:
        return []
    found = list(_worse_figures(candidate, current))
    return found + list(misbehaving(list(checks(Scorer.load(candidate))), list(checks(Scorer.load(current)))))


def _worse_figures(candidate: Path, current: Path) -> Iterator[str]:
    if not all((folder / FILE).is_file() for folder in (candidate, current)):
        yield from worse_by_intervals(_metrics(candidate), _metrics(current))
        return
    mine, theirs = in_common(HeldOut.load(candidate), HeldOut.load(current))
    count = len(parts(mine)["read"])
    if count < FEWEST_LETTERS:
        yield f"held-out letters: expected at least {FEWEST_LETTERS} read ones that both models hold, found {count}; train on the same split."
        return
    yield from worse(mine, theirs, load_labels())


def _metrics(folder: Path) -> Metrics:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return found["test"]["shipped"]


def worse_by_intervals(mine: Metrics, theirs: Metrics) -> Iterator[str]:
    """The figures whose 95 % intervals part, to the candidate's disadvantage."""
    for name in theirs:
        if name not in mine:
            yield f"{name}: the candidate does not report it."
            continue
        one, other = mine[name], theirs[name]
        lost = one["low"] > other["high"] if name.startswith("ECE") else one["high"] < other["low"]
        if lost:
            yield f"{name}: {shown(one)} against {shown(other)} in use"


def worse(mine: HeldOut, theirs: HeldOut, labels: Labels) -> Iterator[str]:
    """The figures on which `mine` is worse than `theirs` beyond noise; both hold the same letters in the same order."""
    for rows in parts(mine).values():
        count = len(rows)
        if count < FEWEST_LETTERS:
            continue
        draw = np.random.default_rng(0)
        samples = [draw.integers(0, count, count) for _ in range(DRAWS)]
        ours, others = measures(mine.rows(rows), labels), measures(theirs.rows(rows), labels)
        every = np.arange(count)
        for name, measure in ours.items():
            sign = -1 if name.startswith("ECE") else 1
            gain = sign * (measure(every) - others[name](every))
            error = float(np.nanstd([measure(sample) - others[name](sample) for sample in samples]))
            if gain + ERRORS * error < 0:
                yield f"{name}: {measure(every):.3f} against {others[name](every):.3f} in use (standard error of the gain {error:.3f})"


def misbehaving(mine: list[Outcome], theirs: list[Outcome]) -> Iterator[str]:
    """Checks that the model in use passes and the candidate fails, or that both fail and the candidate much more so."""
    before = {(one.kind, one.name): one for one in theirs}
    for one in mine:
        other = before.get((one.kind, one.name))
        if one.passed or other is None:
            continue
        fall = one.value - other.value if one.kind == "invariance" else other.value - one.value
        if other.passed or fall > MUCH_WORSE[one.kind]:
            yield f"behaviour, {one.kind}, {one.name}: {one.value:.3f} against {other.value:.3f} in use, bound {one.bound:.2f} ({one.note})"
