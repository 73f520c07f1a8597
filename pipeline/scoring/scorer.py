"""Scores letters with a model folder: ONNX Runtime and numpy, no torch.

Letters go through the encoder one at a time, unpadded, on as many threads as there are cores. On a CPU that was the fastest arrangement
we measured for an int8 encoder (DESIGN.md), and it makes a letter's score independent of its neighbours: dynamic quantisation takes
its ranges over a whole batch, so in a batch the same letter would score a little differently from night to night.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.errors import ModelFolderError
from pipeline.intake.letter import RedactedLetter
from pipeline.scoring import registry
from pipeline.scoring.config import Blend, ModelConfig, read_config
from pipeline.scoring.encode import Encoder
from pipeline.scoring.normalise import normalise
from pipeline.scoring.score import Score
from pipeline.scoring.wide import WideHalf

Array = NDArray[np.float32]
OUTPUTS = ("issue", "signals", "level", "embedding")


def sigmoid(logits: Array) -> Array:
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def blended(blend: Blend, deep: Sequence[Array], wide: Array) -> tuple[Array, Array, Array]:
    """Calibrated probabilities of issue (n, 16), signals (n, 8), level steps (n, 3) from the halves' logits.

    `deep` holds the encoder's issue, signal and level logits; `wide` (n, 27) the linear half's, in the same order.
    """
    issue, signals, level = deep
    cut, end = issue.shape[1], issue.shape[1] + signals.shape[1]
    logits = blend.issue_deep * issue + blend.issue_wide * wide[:, :cut] + np.array(blend.issue_bias, np.float32)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    steps = _steps(np.array(blend.level, np.float32), level, wide[:, end:])
    return (
        (shares / shares.sum(1, keepdims=True)).astype(np.float32),
        _steps(np.array(blend.signals, np.float32), signals, wide[:, cut:end]),
        np.minimum.accumulate(steps, axis=1),
    )


def _steps(weights: Array, deep: Array, wide: Array) -> Array:
    return sigmoid(weights[:, 0] * deep + weights[:, 1] * wide + weights[:, 2])


class Scorer:
    """A loaded model folder. `score` may be called any number of times; memory does not grow with it."""

    def __init__(
        self, folder: Path, config: ModelConfig, encoder: Encoder, session: onnxruntime.InferenceSession, wide: WideHalf, threads: int
    ) -> None:
        self.folder, self.config, self.encoder, self.session, self.wide = folder, config, encoder, session, wide
        self.threads = threads

    @property
    def width(self) -> int:
        """Numbers in an embedding."""
        return int(self.session.get_outputs()[OUTPUTS.index("embedding")].shape[-1])

    @property
    def version(self) -> str:
        return self.config.version

    @classmethod
    def load(cls, folder: Path, threads: int = 0) -> Scorer:
        """Check the folder (sums, labels), then load it. `threads`: 0 takes every core this process may use.

        Raises:
            ModelFolderError: see registry.check; or the network cannot be loaded.
        """
        registry.check(folder)
        return cls.open(folder, threads)

    @classmethod
    def open(cls, folder: Path, threads: int = 0) -> Scorer:
        """Load a folder without checking its sums: training scores letters before the folder is whole."""
        config = read_config(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        except Exception as exc:  # onnxruntime has no public root of its errors
            raise ModelFolderError(f"{folder}: model.onnx cannot be loaded ({exc}); copy the model folder again.") from exc
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cls(folder, config, Encoder.load(folder, config.max_tokens), session, WideHalf.load(folder), threads or cores)

    def score(self, letters: Sequence[RedactedLetter]) -> list[Score]:
        """Score letters, in their order."""
        if not letters:
            return []
        texts = [normalise(letter.text) for letter in letters]
        ids = self.encoder.encode(texts)
        longest_first = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        results: list[list[Array]] = [[] for _ in ids]
        with ThreadPoolExecutor(self.threads) as pool:
            for row, result in zip(longest_first, pool.map(lambda i: self._read(ids[i], texts[i]), longest_first), strict=True):
                results[row] = result
        issue, signals, level, embedding, wide = (np.stack(part) for part in zip(*results, strict=True))
        return self._scores(letters, blended(self.config.blend, (issue, signals, level), wide), embedding)

    def _read(self, ids: Sequence[int], text: str) -> list[Array]:
        rows = self.session.run(list(OUTPUTS), {"input_ids": np.array([ids], dtype=np.int64)})
        return [*(row[0] for row in rows), self.wide.score(text)]

    def _scores(self, letters: Sequence[RedactedLetter], shares: tuple[Array, Array, Array], embedding: Array) -> list[Score]:
        issue, signals, steps = shares
        ones, zeros = np.ones((len(steps), 1), np.float32), np.zeros((len(steps), 1), np.float32)
        levels = -np.diff(np.concatenate([ones, steps, zeros], axis=1), axis=1)
        level = np.where(steps[:, -1] >= self.config.urgent_from, levels.shape[1] - 1, levels[:, :-1].argmax(1))
        return [
            Score(
                letter_id=letter.letter_id, issue=issue[row], signals=signals[row], risk=float(steps[row, 1]), level=int(level[row]),
                embedding=embedding[row], abstain=bool(issue[row].max() < self.config.abstain_below), model_version=self.version,
            )
            for row, letter in enumerate(letters)
        ]  # fmt: skip
