"""The linear half of the model: TF-IDF of character 1-3-grams times a sparse weight table, in numpy alone.

Same features as scikit-learn's TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), which fits it (training/linear.py);
a test holds the two together. A gram of up to three characters is packed into 63 bits, 21 a character, so that looking one up is a
binary search.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from pipeline.errors import ModelFolderError

FILE = "wide.safetensors"


def gram_keys(text: str) -> NDArray[np.uint64]:
    """Every 1-, 2- and 3-gram of the text, packed; shape (3 * characters - 3,) for three characters and more."""
    codes = np.frombuffer(text.encode("utf-32-le", errors="replace"), dtype="<u4").astype(np.uint64)
    shift = np.uint64(21)
    pairs = (codes[:-1] << shift) | codes[1:]
    triples = (pairs[:-1] << shift) | codes[2:]
    return np.concatenate([codes, pairs, triples])


@dataclass(frozen=True, slots=True, eq=False)
class WideHalf:
    """The fitted table.

    Attributes:
        keys: uint64 (grams,), sorted.
        idf: float32 (grams,).
        weights: int8 (grams, outputs); `scale` float32 (outputs,) turns a unit into a weight.
        bias: float32 (outputs,). Outputs are issues, then signals, then level thresholds.
    """

    keys: NDArray[np.uint64]
    idf: NDArray[np.float32]
    weights: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]

    def score(self, text: str) -> NDArray[np.float32]:
        """Logits (outputs,) of one letter's normalised text."""
        grams = gram_keys(text)
        rows = np.searchsorted(self.keys, grams)
        rows[rows == len(self.keys)] = 0
        rows, counts = np.unique(rows[self.keys[rows] == grams], return_counts=True)
        if not len(rows):
            return self.bias
        values = (1 + np.log(counts)).astype(np.float32) * self.idf[rows]
        values /= np.linalg.norm(values)
        return (values @ self.weights[rows].astype(np.float32)) * self.scale + self.bias

    def save(self, folder: Path) -> None:
        save_file({name: getattr(self, name) for name in ("keys", "idf", "weights", "scale", "bias")}, folder / FILE)
        (folder / FILE).chmod(0o644)  # the writer leaves it to its owner alone

    @classmethod
    def load(cls, folder: Path) -> WideHalf:
        """Read it from a model folder; raises ModelFolderError when it is missing or broken."""
        try:
            return cls(**load_file(folder / FILE))
        except Exception as exc:
            raise ModelFolderError(f"{folder}: expected a readable {FILE}, found {exc}; restore the model folder.") from exc
