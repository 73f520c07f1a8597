"""The figures we judge a model by, in numpy alone: training reports them, the registry compares them. Each returns a float between 0 and 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Rows = NDArray[np.int64]
FREQUENT = 7
"""The mean over signals leaves out the last one (deadline): it is too rare to estimate."""


def average_precision(truth: NDArray[np.bool_], score: Array, weight: Array | None = None) -> float:
    """Area under the precision-recall curve, step-wise, equal scores taken together (as scikit-learn defines it); NaN when nothing is true."""
    weights = np.ones(len(score)) if weight is None else weight.astype(np.float64)
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(weights[order] * truth[order])
    if not len(hits) or hits[-1] <= 0:
        return float("nan")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    hits, seen = hits[ends], np.cumsum(weights[order])[ends]
    return float(np.sum(np.diff(hits, prepend=0.0) / hits[-1] * hits / seen))


def weighted_average_precision(share: Array, score: Array) -> float:
    """Average precision where a letter's truth is the share of readings that said yes.

    A letter counts as a positive of weight `share` and a negative of weight 1 - share (the mean over readings drawn at random).
    """
    truth = np.concatenate([np.ones(len(share), bool), np.zeros(len(share), bool)])
    return average_precision(truth, np.concatenate([score, score]), np.concatenate([share, 1 - share]))


def mean_signal_precision(truth: NDArray[np.bool_], score: Array) -> float:
    """Mean average precision over the seven frequent signals; truth and score are (letters, signals). NaN when none occurs."""
    found = [average_precision(truth[:, k], score[:, k]) for k in range(FREQUENT)]
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def class_f1(truth: NDArray[np.int64], guess: NDArray[np.int64], kind: int) -> float:
    """F1 of one class; NaN where it occurs in neither."""
    both, either = ((truth == kind) & (guess == kind)).sum(), (truth == kind).sum() + (guess == kind).sum()
    return float(2 * both / either) if either else float("nan")


def macro_f1(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    """F1 averaged over the classes that occur in truth or guess."""
    return float(np.mean([class_f1(truth, guess, int(kind)) for kind in np.union1d(truth, guess)]))


def recall_at_top(truth: Array, score: Array, share: float) -> float:
    """Which part of the (possibly fractional) truth lies in the best-scored `share` of the letters; NaN when nothing is true."""
    count = max(round(share * len(score)), 1)
    best = np.argsort(-score, kind="stable")[:count]
    return float(truth[best].sum() / truth.sum()) if truth.sum() else float("nan")


def calibration_error(truth: Array, probability: Array, bins: int = 10) -> float:
    """Expected calibration error over bins of equal count (Naeini et al. 2015, adaptive bins)."""
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, bins)
    return float(sum(len(p) / len(order) * abs(truth[p].mean() - probability[p].mean()) for p in parts if len(p)))


def sure_share(right: NDArray[np.bool_], sure: Array, accuracy: float = 0.95) -> float:
    """The largest share of letters, the surest first, that are right at least `accuracy` of the time; 0 when none are."""
    order = np.argsort(-sure, kind="stable")
    so_far = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(so_far >= accuracy)
    return float((good[-1] + 1) / len(order)) if len(good) else 0.0


def interval(measure: Callable[[Rows], float], count: int, turns: int, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of `measure(rows)` over `count` letters drawn with replacement."""
    draw = np.random.default_rng(seed)
    values = [measure(draw.integers(0, count, count)) for _ in range(turns)]
    if not np.isfinite(values).any():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
