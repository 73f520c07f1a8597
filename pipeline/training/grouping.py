"""How well letters are grouped: pairs that a grouping makes against the matters that were read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.matters.linking import Linker
from pipeline.matters.trace import Trace

FOLDS = 5
"""Matter k of a list belongs to fold k % FOLDS."""


@dataclass(frozen=True, slots=True)
class Links:
    """Pairs that a grouping made, those of them that are right, and those that were wanted."""

    made: int
    right: int
    wanted: int

    def __add__(self, other: Links) -> Links:
        return Links(self.made + other.made, self.right + other.right, self.wanted + other.wanted)

    @property
    def precision(self) -> float:
        return self.right / self.made if self.made else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.made + self.wanted) if self.made + self.wanted else 1.0


def quality(grouping: Mapping[str, str], matters: Sequence[Sequence[str]], most: int | None = None, fold: int | None = None) -> Links:
    """Pairs of the grouping that touch a letter of `matters` (of at most `most` letters, of one fold) against those of the matters."""
    asked = {at: ids for at, ids in enumerate(matters) if (most is None or len(ids) <= most) and (fold is None or at % FOLDS == fold)}
    truth = {letter: at for at, ids in asked.items() for letter in ids}
    larger = {letter for ids in matters if most is not None and len(ids) > most for letter in ids}
    inside: dict[str, Counter[int]] = defaultdict(Counter)
    for letter, name in grouping.items():
        if letter not in larger:
            inside[name][truth.get(letter, -1)] += 1
    made = right = 0
    for counts in inside.values():
        outside = counts.pop(-1, 0)
        known = sum(counts.values())
        made += known * (known - 1) // 2 + known * outside
        right += sum(count * (count - 1) // 2 for count in counts.values())
    return Links(made, right, sum(len(ids) * (len(ids) - 1) // 2 for ids in asked.values()))


def nightly_groups(linker: Linker, nights: Iterable[Sequence[Trace]]) -> dict[str, str]:
    """letter -> matter, as the linker groups the letters of one night after the other."""
    known: dict[str, Trace] = {}
    found: dict[str, str] = {}

    def of(ids: Sequence[str]) -> dict[str, Trace]:
        return {one: known[one] for one in ids}

    for night in nights:
        known |= {trace.letter_id: trace for trace in night}
        for told in linker.link(night, of):
            gone = dict(told.united)
            found = {letter: gone.get(matter, matter) for letter, matter in found.items()} if gone else found
            found |= {one.letter_id: one.matter_id for one in told.linked}
    return found
