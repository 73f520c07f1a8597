"""Do two letters speak of the same matter? Features of a pair and a small boosted forest over them.

The forest is fitted by training/matters.py on pairs that were read, and kept as plain arrays in the model folder (matters.safetensors) beside the weights of a matter's risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from pipeline.errors import ModelFolderError
from pipeline.matters.matter import RiskModel
from pipeline.matters.rarity import Counted
from pipeline.matters.trace import UNKNOWN_DAY, Trace

FILE = "matters.safetensors"
FEATURES = (
    "embedding", "words", "titles", "beginnings", "rarest in both titles", "rare in both titles", "rarest in both", "rare in both",
    "rare in both, share", "title found, more", "title found, less", "second rarest", "third rarest", "fifth rarest",
    "districts", "title districts", "spots", "issue", "signals", "days", "shorter body",
)  # fmt: skip
USUAL_DAYS = 30.0
"""Days between two letters where one has no date."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A trace with its words weighed by rarity: unit vectors over its words, and sums of idf; `embedding` less the office's mean, unit norm."""

    trace: Trace
    embedding: Array
    idf: Array
    whole: Array
    title: Array
    head: Array
    mass: float
    title_mass: float

    @classmethod
    def of(cls, trace: Trace, counted: Counted, centre: Array) -> Weighed:
        """`centre`: what the embeddings of the office's letters have in common (Index.centre)."""
        embedding = (trace.embedding / 127 - centre).astype(np.float32)
        idf = counted.idf(trace.words)
        title, head = trace.title.astype(np.float32), trace.head.astype(np.float32)
        return cls(
            trace,
            embedding / max(float(np.linalg.norm(embedding)), 1e-6),
            idf,
            _unit(2 * title + head, idf),
            _unit(title, idf),
            _unit(head, idf),
            float(idf.sum()),
            float(idf[title > 0].sum()),
        )


def _unit(counts: Array, idf: Array) -> Array:
    values = np.where(counts > 0, (1 + np.log(np.maximum(counts, 1))) * idf, 0)
    norm = float(np.linalg.norm(values))
    return (values / norm if norm else values).astype(np.float32)


def features(one: Weighed, others: Sequence[Weighed]) -> Array:
    """Features of the pairs (one, other), float32 (others, 21), columns as in FEATURES; the same for (other, one)."""
    if not others:
        return np.zeros((0, len(FEATURES)), np.float32)
    trace, traces = one.trace, [other.trace for other in others]
    count = len(others)
    owner = np.repeat(np.arange(count), [len(other.words) for other in traces])
    words = np.concatenate([other.words for other in traces])
    at = np.searchsorted(trace.words, words)
    at[at == len(trace.words)] = 0
    shared = trace.words[at] == words if len(trace.words) else np.zeros(len(words), bool)
    at, owner, theirs = at[shared], owner[shared], np.flatnonzero(shared)

    def summed(values: Array) -> Array:
        return np.bincount(owner, values, count).astype(np.float32)

    def gathered(name: str) -> Array:
        return np.concatenate([getattr(other, name) for other in others])[theirs]

    idf = one.idf[at]
    title, other_title = gathered("title") > 0, one.title[at] > 0
    both = title & other_title
    mine, yours = summed(idf * other_title) / max(one.title_mass, 1), summed(idf * title) / _column(others, "title_mass").clip(1)
    ranked = _largest(owner, idf, count, 5)
    near = np.stack([other.embedding for other in others]) @ one.embedding
    days = np.array([_days(trace, other) for other in traces])
    return np.stack(
        [
            near,
            summed(one.whole[at] * gathered("whole")),
            summed(one.title[at] * gathered("title")),
            summed(one.head[at] * gathered("head")),
            _largest(owner[both], idf[both], count, 1)[:, 0],
            summed(idf * both),
            ranked[:, 0],
            summed(idf),
            summed(idf) / np.minimum(_column(others, "mass"), one.mass).clip(1),
            np.maximum(mine, yours),
            np.minimum(mine, yours),
            ranked[:, 1],
            ranked[:, 2],
            ranked[:, 4],
            [_agree(trace.places, other.places) for other in traces],
            [_agree(trace.title_places, other.title_places) for other in traces],
            [max(_agree(trace.spots, other.spots), 0) for other in traces],  # a matter may lie in several villages
            np.stack([other.issue for other in traces]).astype(np.float32) @ trace.issue.astype(np.float32) / 255**2,
            np.abs(np.stack([other.signals for other in traces]).astype(np.float32) - trace.signals).sum(1) / 255,
            np.log1p(days),
            [min(trace.length, other.length) for other in traces],
        ],
        axis=1,
    ).astype(np.float32)


def _column(others: Sequence[Weighed], name: str) -> Array:
    return np.array([getattr(other, name) for other in others], np.float32)


def _largest(owner: NDArray[np.int64], values: Array, count: int, most: int) -> Array:
    """The `most` largest values of each owner, falling, zeros where there are fewer; (count, most)."""
    order = np.lexsort((-values, owner))
    owner, values = owner[order], values[order]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    found = np.zeros((count, most), np.float32)
    kept = place < most
    found[owner[kept], place[kept]] = values[kept]
    return found


def _days(one: Trace, other: Trace) -> float:
    return abs(one.day - other.day) if UNKNOWN_DAY not in (one.day, other.day) else USUAL_DAYS


def _agree(mine: NDArray[np.uint32], yours: NDArray[np.uint32]) -> float:
    """1 where both name a common district, -1 where both name only different ones, 0 where one names none."""
    if not len(mine) or not len(yours):
        return 0.0
    return 1.0 if len(np.intersect1d(mine, yours, assume_unique=True)) else -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """The fitted forest with the words' counts that its rarities start from.

    Attributes:
        feature, left, right: int32 (trees, nodes); a leaf has feature -1.
        threshold, value: float32 (trees, nodes); go left where feature <= threshold; the leaves' values add up to log-odds with `base`.
        joins: bond from which letters are taken for one matter; unites: from which two whole matters are; suggests: from which they are shown to a person.
    """

    feature: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    threshold: Array
    value: Array
    base: float
    joins: float
    unites: float
    suggests: float
    counted: Counted
    risk: RiskModel

    def probability(self, rows: Array) -> Array:
        """P(same matter) of pairs, (pairs,)."""
        total = np.full(len(rows), self.base, np.float32)
        for tree in range(len(self.feature)):
            at = np.zeros(len(rows), np.int32)
            while True:
                asked = self.feature[tree][at]
                inner = asked >= 0
                if not inner.any():
                    break
                smaller = rows[np.arange(len(rows)), np.maximum(asked, 0)] <= self.threshold[tree][at]
                at = np.where(inner, np.where(smaller, self.left[tree][at], self.right[tree][at]), at)
            total += self.value[tree][at]
        return (1 / (1 + np.exp(-total))).astype(np.float32)

    def save(self, folder: Path) -> None:
        arrays = {name: getattr(self, name) for name in ("feature", "left", "right", "threshold", "value")}
        arrays |= {"numbers": np.array([self.base, self.joins, self.unites, self.suggests, self.counted.letters])}
        arrays |= {"risk": np.array(self.risk.weights)}
        save_file(arrays | {"words": self.counted.words, "counts": self.counted.counts.astype(np.uint16)}, folder / FILE)
        (folder / FILE).chmod(0o644)  # the writer leaves it to its owner alone

    @classmethod
    def load(cls, folder: Path) -> Matcher:
        """Read it from a model folder; raises ModelFolderError when it is missing or broken."""
        try:
            arrays = load_file(folder / FILE)
            base, joins, unites, suggests, letters = arrays.pop("numbers").tolist()
            risk = RiskModel(tuple(arrays.pop("risk").tolist()))
            counted = Counted(arrays.pop("words"), arrays.pop("counts").astype(np.int64), int(letters))
            return cls(**arrays, base=base, joins=joins, unites=unites, suggests=suggests, counted=counted, risk=risk)
        except Exception as exc:
            raise ModelFolderError(f"{folder}: expected a readable {FILE}, found {exc}; restore the model folder.") from exc
