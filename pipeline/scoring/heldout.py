"""What a model said of its held-out letters, beside what was read there: kept in the model folder, so that two models can be compared letter by letter.

No text: ids, labels, probabilities.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from pipeline.errors import ModelFolderError
from pipeline.scoring.labels import Labels
from pipeline.scoring.measures import (
    FREQUENT,
    Array,
    Rows,
    average_precision,
    calibration_error,
    class_f1,
    interval,
    macro_f1,
    mean_signal_precision,
    recall_at_top,
    sure_share,
    weighted_average_precision,
)

FILE = "heldout.safetensors"
TOP = 0.25
ENOUGH = 12
"""Letters of a class from which its own figure is given."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Answers and truths of n letters, one row each.

    Attributes:
        ids: letter ids, n of them (kept as bytes of JSON in the file).
        issue (n, 16), signals (n, 8), level (n, 3): what the model said.
        first_issue (n,), first_signals (n, 8), first_level (n,): the first reading; -1 and 0 where nobody read.
        share_issue (n, 16), share_signals (n, 8), share_level (n, 3): shares of readings that said so; NaN where nobody read.
        organiser (n,): the organiser's class, -1 where there is none.
    """

    ids: tuple[str, ...]
    issue: Array
    signals: Array
    level: Array
    first_issue: NDArray[np.int64]
    first_signals: NDArray[np.bool_]
    first_level: NDArray[np.int64]
    share_issue: Array
    share_signals: Array
    share_level: Array
    organiser: NDArray[np.int64]

    def rows(self, chosen: NDArray[Any]) -> HeldOut:
        """The letters at these places."""
        at = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return HeldOut(
            tuple(self.ids[i] for i in at), *(getattr(self, f.name)[at] for f in fields(self) if f.name != "ids")
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        arrays = {f.name: np.ascontiguousarray(getattr(self, f.name)) for f in fields(self) if f.name != "ids"}
        save_file(arrays, folder / FILE, metadata={"ids": json.dumps(self.ids)})
        (folder / FILE).chmod(0o644)

    @classmethod
    def load(cls, folder: Path) -> HeldOut:
        """Read it from a model folder; raises ModelFolderError when it is missing or broken."""
        try:
            with safe_open(folder / FILE, "numpy") as file:
                ids = tuple(json.loads(file.metadata()["ids"]))
                return cls(ids, *(file.get_tensor(f.name) for f in fields(cls) if f.name != "ids"))
        except Exception as exc:
            raise ModelFolderError(f"{folder}: expected a readable {FILE}, found {exc}; restore the model folder.") from exc


def measures(held: HeldOut, labels: Labels, calibrated: bool = True) -> dict[str, Callable[[Rows], float]]:
    """name -> figure over some rows of `held` (higher is better, but for those named ECE). Read letters and the organiser's have their own."""
    found: dict[str, Callable[[Rows], float]] = {}
    if (held.first_issue >= 0).any():
        found |= _read(held, labels)
        found |= _calibration(held, labels) if calibrated else {}
    if (held.organiser >= 0).any():
        seven = np.unique(held.organiser[held.organiser >= 0])
        theirs = seven[held.issue[:, seven].argmax(1)]
        found["issues7 macro-F1, best of seven"] = lambda r: macro_f1(held.organiser[r], theirs[r])
    return found


def _read(held: HeldOut, labels: Labels) -> dict[str, Callable[[Rows], float]]:
    guess, risk, truth = held.issue.argmax(1), held.level[:, 1], held.first_issue
    share = held.share_level[:, 1]
    found: dict[str, Callable[[Rows], float]] = {
        "issue accuracy": lambda r: float((guess[r] == truth[r]).mean()),
        "issue macro-F1": lambda r: macro_f1(truth[r], guess[r]),
        "risk AP, mean of readings": lambda r: weighted_average_precision(share[r], risk[r]),
        "risk AP, either reading": lambda r: average_precision(share[r] >= 0.5, risk[r]),
        "risk AP, first reading": lambda r: average_precision(held.first_level[r] >= 2, risk[r]),
        "recall of level >= 2 in the top 25 %": lambda r: recall_at_top(share[r], risk[r], TOP),
        "signals, mean AP of seven": lambda r: mean_signal_precision(held.first_signals[r], held.signals[r]),
    }
    for k, name in enumerate(labels.signals):
        found[f"signal {name}, AP"] = lambda r, k=k: average_precision(held.first_signals[r, k], held.signals[r, k])  # type: ignore[misc]
    for k, name in enumerate(labels.issues):
        if (truth == k).sum() >= ENOUGH:
            found[f"issue {name}, F1"] = lambda r, k=k: class_f1(truth[r], guess[r], k)  # type: ignore[misc]
    return found


def _calibration(held: HeldOut, labels: Labels) -> dict[str, Callable[[Rows], float]]:
    guess, sure = held.issue.argmax(1), held.issue.max(1)
    right = guess == held.first_issue
    return {
        "share automatic at 95 % issue accuracy": lambda r: sure_share(right[r], sure[r]),
        "ECE of risk": lambda r: calibration_error(held.share_level[r, 1], held.level[r, 1]),
        "ECE of issue": lambda r: calibration_error(held.share_issue[r, guess[r]], sure[r]),
        "ECE of signals, mean": lambda r: float(
            np.mean([calibration_error(held.share_signals[r, k], held.signals[r, k]) for k in range(FREQUENT)])
        ),
    }


def parts(held: HeldOut) -> dict[str, NDArray[np.int64]]:
    """Rows that were read, and rows with an organiser's class."""
    return {"read": np.flatnonzero(held.first_issue >= 0), "organiser": np.flatnonzero(held.organiser >= 0)}


def figures(held: HeldOut, labels: Labels, draws: int, calibrated: bool = True) -> dict[str, dict[str, float]]:
    """name -> {value, low, high, letters}, with 95 % bootstrap intervals."""
    found: dict[str, dict[str, float]] = {}
    for rows in parts(held).values():
        some = held.rows(rows)
        found |= {name: _figure(measure, len(rows), draws) for name, measure in measures(some, labels, calibrated).items()}
    return found


def _figure(measure: Callable[[Rows], float], count: int, draws: int) -> dict[str, float]:
    low, high = interval(measure, count, draws)
    return {"value": measure(np.arange(count)), "low": low, "high": high, "letters": count}


def shown(figure: Mapping[str, float]) -> str:
    """A figure with its interval, as people read it."""
    return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"


def automatic(held: HeldOut, abstain_below: float, draws: int) -> dict[str, dict[str, float]]:
    """What the shipped threshold does: the share of letters whose issue is not left to a clerk, and how often it is right there."""
    read = held.rows(held.first_issue >= 0)
    sure, right = read.issue.max(1) >= abstain_below, read.issue.argmax(1) == read.first_issue
    asked: dict[str, Callable[[Rows], float]] = {
        "share automatic at the shipped threshold": lambda r: float(sure[r].mean()),
        "issue accuracy there": lambda r: float(right[r][sure[r]].mean()) if sure[r].any() else float("nan"),
    }
    return {name: _figure(measure, len(sure), draws) for name, measure in asked.items()}


def in_common(one: HeldOut, other: HeldOut) -> tuple[HeldOut, HeldOut]:
    """The letters that both hold, in one order."""
    at = {letter_id: row for row, letter_id in enumerate(other.ids)}
    mine = np.array([row for row, letter_id in enumerate(one.ids) if letter_id in at], np.int64)
    theirs = np.array([at[one.ids[row]] for row in mine], np.int64)
    return one.rows(mine), other.rows(theirs)
