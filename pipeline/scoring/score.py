"""What the scorer says of one letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Score:
    """The calibrated reading of one letter; label order is that of data/labels.toml.

    Attributes:
        issue: float32 (16,), probabilities that sum to 1.
        signals: float32 (8,), one independent probability a signal.
        risk: P(level >= 2), calibrated, 0..1.
        level: 0..3, the most probable level; 3 already from a small probability on, since to miss an urgent letter costs most.
        embedding: float32 (384,), unit norm.
        abstain: the model asks a clerk to decide the issue.
        model_version: name of the model folder.
    """

    letter_id: str
    issue: NDArray[np.float32]
    signals: NDArray[np.float32]
    risk: float
    level: int
    embedding: NDArray[np.float32]
    abstain: bool
    model_version: str

    def said(self, names: Sequence[str]) -> tuple[str, ...]:
        """Of `names` (one a signal, in label order) those whose signal the letter says."""
        return tuple(name for name, p in zip(names, self.signals, strict=True) if p >= SAID)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence of a letter that carried an answer.

    Attributes:
        answer: name of a signal, or RISK for P(level >= 2).
        sentence: as it stands in the masked letter.
        fall: by how much the answer's probability falls when the sentence is left out, 0..1.
    """

    answer: str
    sentence: str
    fall: float


RISK = "risk"
SAID = 0.5
"""Probability from which a signal, or the risk, is said of a letter."""
