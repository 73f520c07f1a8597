"""How rare a word is: the office's own letters counted together with the letters that the model was made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """In how many of `letters` letters each word stands. `words` uint32 sorted, `counts` int64 beside it."""

    words: Numbers
    counts: NDArray[np.int64]
    letters: int

    @classmethod
    def of(cls, letters: Iterable[Numbers]) -> Counted:
        """`letters`: the different words of each letter."""
        parts = list(letters)
        words, counts = np.unique(np.concatenate(parts) if parts else np.zeros(0, np.uint32), return_counts=True)
        return cls(words, counts, len(parts))

    def __add__(self, other: Counted) -> Counted:
        words = np.union1d(self.words, other.words)
        return Counted(words, self.count(words) + other.count(words), self.letters + other.letters)

    def count(self, words: Numbers) -> NDArray[np.int64]:
        """The letters that each of `words` stands in."""
        if not len(self.words):
            return np.zeros(len(words), np.int64)
        at = np.minimum(np.searchsorted(self.words, words), len(self.words) - 1)
        return np.where(self.words[at] == words, self.counts[at], 0)

    def idf(self, words: Numbers) -> NDArray[np.float32]:
        """log(letters / letters with the word); a word never seen counts as seen once."""
        return np.log(max(self.letters, 1) / np.maximum(self.count(words), 1)).astype(np.float32)
