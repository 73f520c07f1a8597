"""How the two halves are weighed and turned into probabilities, on development letters that neither half was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from pipeline.scoring.config import Blend
from pipeline.training.letters import BOARD, Example

Array = NDArray[np.float32]
FEWEST = 12
"""Development letters that must say yes before weights are fitted: level 3 has hardly any, and a fit on them silenced it."""
URGENT_SHARE = 0.01
SURE_ENOUGH = 0.95
"""Accuracy that the issues not left to a clerk shall have."""


def fit_blend(examples: Sequence[Example], deep: Sequence[Array], wide: Array) -> Blend:
    """Fit on read development letters that were not picked by keywords (those would spoil the calibration).

    `deep`: issue, signal, level logits of the encoder; `wide`: (letters, outputs) of the linear half; rows as `examples`.
    """
    fair = np.array([example.source == BOARD and not example.enriched for example in examples])
    chosen = [example for example, keep in zip(examples, fair, strict=True) if keep]
    issue, signals, level = (part[fair] for part in deep)
    cut, end = issue.shape[1], issue.shape[1] + signals.shape[1]
    first, second, bias = _issue(issue, wide[fair, :cut], np.stack([example.issue for example in chosen]))
    return Blend(
        issue_deep=first, issue_wide=second, issue_bias=bias,
        signals=_binary(signals, wide[fair, cut:end], np.stack([example.signals for example in chosen])),
        level=_binary(level, wide[fair, end:], np.stack([example.level for example in chosen])),
    )  # fmt: skip


def _issue(deep: Array, wide: Array, share: Array) -> tuple[float, float, tuple[float, ...]]:
    """Two weights and a bias an issue by maximum likelihood; the biases are held near zero, rare issues have few letters here."""
    left, right, truth = (torch.from_numpy(np.ascontiguousarray(part)).double() for part in (deep, wide, share))
    weights = torch.tensor([1.0, 1.0], dtype=torch.double, requires_grad=True)
    bias = torch.zeros(deep.shape[1], dtype=torch.double, requires_grad=True)
    solver = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        solver.zero_grad()
        logits = weights[0] * left + weights[1] * right + bias
        loss = torch.nn.functional.cross_entropy(logits, truth) + 0.01 * (bias**2).mean()
        loss.backward()
        return loss

    solver.step(closure)
    first, second = weights.detach().tolist()
    return first, second, tuple(bias.detach().tolist())


def _binary(deep: Array, wide: Array, share: Array) -> tuple[tuple[float, float, float], ...]:
    """One logistic regression an output; a letter counts as yes and as no by the share of its readings."""
    return tuple(_one(np.stack([deep[:, k], wide[:, k]], axis=1), share[:, k]) for k in range(deep.shape[1]))


def _one(features: Array, share: Array) -> tuple[float, float, float]:
    """Weights of the two halves and a bias; the plain mean of the halves where too few letters say yes to fit anything."""
    if share.sum() < FEWEST:
        return 0.5, 0.5, 0.0
    truth = np.concatenate([np.ones(len(share)), np.zeros(len(share))])
    weight = np.concatenate([share, 1 - share])
    model = LogisticRegression(C=1.0).fit(np.concatenate([features, features]), truth, sample_weight=weight)
    return float(model.coef_[0, 0]), float(model.coef_[0, 1]), float(model.intercept_[0])


def urgent_threshold(level: Array) -> float:
    """P(level >= 3) above which the most urgent `URGENT_SHARE` of development letters lie; `level` is (letters, steps).

    Level 3 is too rare (one letter in 250) to choose a threshold by its own letters; the share is what a person can look at today.
    """
    return float(np.quantile(level[:, -1], 1 - URGENT_SHARE))


def abstain_threshold(issue: Array, truth: NDArray[np.int64], accuracy: float = SURE_ENOUGH) -> float:
    """The lowest confidence above which the issue is right at least `accuracy` of the time; 1 when no part is."""
    sure = issue.max(1)
    order = np.argsort(-sure, kind="stable")
    right = np.cumsum(issue[order].argmax(1) == truth[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(right >= accuracy)
    return float(sure[order[good[-1]]]) if len(good) else 1.0
