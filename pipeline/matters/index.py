"""Which earlier letters might speak of the same matter: the nearest by embedding and those that share rare words.

The embedding is compared with every letter, exactly: int8 rows in blocks, a matrix product each. On two cores that takes 1,000 new letters
through 1,000,000 old ones in seconds (README), so an approximate index would save little and sometimes miss. Words are looked up
among the newest letters only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.matters.rarity import Counted
from pipeline.matters.trace import Trace

NEAREST, SHARING = 25, 12
"""Candidates of a letter by embedding and by rare words."""
FLOOR = 0.3
"""Cosine from which a letter is a candidate."""
BLOCK, ASKED = 32_768, 512
RARE = 60
"""A word that more letters than this have is not rare."""
FEW = 30
WINDOW = 100_000
"""Newest letters whose words are looked up."""

Rows = NDArray[np.int64]


class Index:
    """Embeddings and words of the letters, in the order they were added."""

    def __init__(self, width: int) -> None:
        self._vectors = np.zeros((0, width), np.int8)
        self._count = 0
        self._words: list[NDArray[np.uint32]] = []
        self._begin = 0

    def __len__(self) -> int:
        return self._count

    def add(self, traces: Sequence[Trace]) -> None:
        """Add letters; they get the next rows."""
        if traces:
            self.add_vectors(np.stack([trace.embedding for trace in traces]))
            self._words.extend(trace.words for trace in traces)
            self._forget()

    def add_vectors(self, vectors: NDArray[np.int8]) -> None:
        """Add letters by their embeddings alone, (letters, width): old ones whose words are not looked up."""
        if self._count + len(vectors) > len(self._vectors):
            room = np.zeros((max(self._count + len(vectors), self._count * 5 // 4 + 1_000), self._vectors.shape[1]), np.int8)
            room[: self._count] = self._vectors[: self._count]
            self._vectors = room
        self._vectors[self._count : self._count + len(vectors)] = vectors
        self._count += len(vectors)

    def centre(self) -> NDArray[np.float32]:
        """What the embeddings of the newest letters have in common: their mean, drawn to zero while there are few."""
        newest = self._vectors[max(self._count - WINDOW, 0) : self._count]
        return (newest.sum(0, dtype=np.int64) / 127 / (len(newest) + FEW)).astype(np.float32)

    def counted(self) -> Counted:
        """In how many of the newest letters each word stands."""
        return Counted.of(self._words)

    def _forget(self) -> None:
        if len(self._words) > 2 * WINDOW:
            del self._words[:-WINDOW]

    def candidates(self, traces: Sequence[Trace], counted: Counted) -> list[Rows]:
        """For each letter the rows that might speak of its matter, best first by each measure; its own row may be among them."""
        near = self._nearest(traces)
        sharing = self._sharing(traces, counted)
        return [np.unique(np.concatenate(both)) for both in zip(near, sharing, strict=True)]

    def _nearest(self, traces: Sequence[Trace]) -> list[Rows]:
        found: list[Rows] = []
        for begin in range(0, len(traces), ASKED):
            asked = np.stack([trace.embedding for trace in traces[begin : begin + ASKED]]).astype(np.float32)
            found += self._nearest_of(asked)
        return found

    def _nearest_of(self, asked: NDArray[np.float32]) -> list[Rows]:
        """Blocks of rows against all that is asked; only what lies over the floor, and over the best so far, is kept."""
        least = np.full(len(asked), FLOOR * 127**2, np.float32)
        rows, values = [np.zeros(0, np.int64)] * len(asked), [np.zeros(0, np.float32)] * len(asked)
        for begin in range(0, self._count, BLOCK):
            block = self._vectors[begin : min(begin + BLOCK, self._count)].astype(np.float32)
            near = asked @ block.T
            who, where = np.nonzero(near >= least[:, None])
            ends = np.searchsorted(who, np.arange(len(asked) + 1))
            for at in np.flatnonzero(np.diff(ends)):
                new = where[ends[at] : ends[at + 1]]
                value = np.concatenate([values[at], near[at, new]])
                row = np.concatenate([rows[at], new + begin])
                if len(value) > NEAREST + 1:  # one more: the letter itself is among them
                    best = np.argpartition(-value, NEAREST)[: NEAREST + 1]
                    value, row = value[best], row[best]
                    least[at] = value.min()
                values[at], rows[at] = value, row
        return rows

    def _sharing(self, traces: Sequence[Trace], counted: Counted) -> list[Rows]:
        first = self._count - len(self._words)
        owner = np.repeat(np.arange(first, self._count), [len(words) for words in self._words])
        words = np.concatenate(self._words) if self._words else np.zeros(0, np.uint32)
        order = np.argsort(words, kind="stable")
        words, owner = words[order], owner[order]
        return [self._sharing_of(trace, counted, words, owner) for trace in traces]

    @staticmethod
    def _sharing_of(trace: Trace, counted: Counted, words: NDArray[np.uint32], owner: Rows) -> Rows:
        begin, end = np.searchsorted(words, trace.words), np.searchsorted(words, trace.words, side="right")
        rare = (end - begin > 0) & (end - begin <= RARE)
        if not rare.any():
            return np.zeros(0, np.int64)
        idf = counted.idf(trace.words[rare])
        rows = np.concatenate([owner[b:e] for b, e in zip(begin[rare], end[rare], strict=True)])
        weight = np.repeat(idf, (end - begin)[rare])
        every, place = np.unique(rows, return_inverse=True)
        total = np.bincount(place, weight)
        return every[np.argsort(-total, kind="stable")[: SHARING + 1]]
