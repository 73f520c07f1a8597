"""The figures we judge a model by; each takes numpy arrays and returns a float between 0 and 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score

Array = NDArray[np.float32]
FREQUENT = 7
"""The mean over signals leaves out the last one (deadline): it is too rare to estimate."""


def average_precision(truth: NDArray[np.bool_], score: Array) -> float:
    """Area under the precision-recall curve (step-wise, as scikit-learn defines it); NaN when nothing is true."""
    return float(average_precision_score(truth, score)) if truth.any() else float("nan")


def mean_signal_precision(truth: NDArray[np.bool_], score: Array) -> float:
    """Mean average precision over the seven frequent signals; truth and score are (letters, signals)."""
    return float(np.nanmean([average_precision(truth[:, k], score[:, k]) for k in range(FREQUENT)]))


def macro_f1(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    """F1 averaged over the classes that occur in truth or guess."""
    return float(f1_score(truth, guess, average="macro", zero_division=0))


def recall_at_top(truth: Array, score: Array, share: float) -> float:
    """Which part of the (possibly fractional) truth lies in the best-scored `share` of the letters."""
    count = max(round(share * len(score)), 1)
    best = np.argsort(-score, kind="stable")[:count]
    return float(truth[best].sum() / truth.sum())


def weighted_average_precision(share: Array, score: Array) -> float:
    """Average precision where a letter's truth is the share of readings that said yes.

    A letter counts as a positive of weight `share` and a negative of weight 1 - share (the mean over readings drawn at random).
    """
    truth = np.concatenate([np.ones(len(share)), np.zeros(len(share))])
    weight = np.concatenate([share, 1 - share])
    return float(average_precision_score(truth, np.concatenate([score, score]), sample_weight=weight))


def calibration_error(truth: Array, probability: Array, bins: int = 10) -> float:
    """Expected calibration error over bins of equal count (Naeini et al. 2015, adaptive bins)."""
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, bins)
    return float(sum(len(p) / len(order) * abs(truth[p].mean() - probability[p].mean()) for p in parts if len(p)))


def interval(measure: Callable[[NDArray[np.int64]], float], count: int, turns: int, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of `measure(rows)` over `count` letters drawn with replacement."""
    draw = np.random.default_rng(seed)
    values = [measure(draw.integers(0, count, count)) for _ in range(turns)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
