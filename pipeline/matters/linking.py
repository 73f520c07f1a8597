"""Letters that speak of the same matter (重复件, 联名件): each new letter joins a matter or starts one.

Two letters are compared by pairs.py. Clusters grow from the surest pair on. The bond of two clusters is measured from the smaller one: for each
of its letters the mean of its CAP best probabilities towards the other (all of them, where the other has fewer letters; a pair that was no
candidate counts as zero), and of that the mean. So one bad link never joins two matters, as it does in single linkage, and a letter need not
resemble every one of fifty others, as in average linkage.

No letter is ever taken out of a matter. Two whole matters are put together only where a new letter shows that they are one (a bond of
`unites`, above what a letter joins by) and no person has decided on either: without that, a matter that began as three strands stays three for
ever. What a person merged, split or moved stays as it is; where the program sees more, it suggests.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import groupby, product
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.matters.index import Index
from pipeline.matters.pairs import Matcher, Weighed, features
from pipeline.matters.rarity import Counted
from pipeline.matters.trace import Trace

CAP = 5
CAP_DECIDED = 2
"""For a matter that a person has put together: its strands need not resemble each other, so a new letter is held against its nearest two."""
LEAST = 0.05
"""A pair less probable than this is no bond."""
TOGETHER = 4_096
"""New letters that are linked at once; more go in batches by date."""
SMALL = 20
"""A matter of more letters than this is not put into another one by the program; of a larger one as many letters are looked at, the newest."""
HINT = 0.2
"""Bond from which a new letter makes two old matters worth comparing."""
SUGGESTED = 3
"""Suggestions a matter gets at most, best first."""
LONG = 500
"""Letters from which on linking shows its progress."""

Traces = Callable[[Sequence[str]], Mapping[str, Trace]]
Bonds = dict[int, dict[int, float]]


@dataclass(frozen=True, slots=True)
class Linked:
    """Where a letter belongs. `bond`: 0..1, how sure; 1 for the letter that a matter is named after."""

    letter_id: str
    matter_id: str
    bond: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two matters that a person might put together; `bond` is below what the program joins by, or both were there before."""

    one: str
    other: str
    bond: float


@dataclass(frozen=True, slots=True)
class Night:
    """What one batch of letters came to.

    Attributes:
        linked: each new letter with its matter.
        united: matters put together, (gone, kept), in that order.
        suggestions: what a person might put together.
    """

    linked: list[Linked]
    united: list[tuple[str, str]]
    suggestions: list[Suggestion]


def matter_name(letter_id: str) -> str:
    """A matter is named after its first letter, so that the same letters give the same names on any machine."""
    return f"M-{letter_id}"


class Linker:
    """The letters linked so far, and what links new ones. Belongs to one run."""

    def __init__(self, matcher: Matcher, width: int) -> None:
        self.matcher, self.index = matcher, Index(width)
        self._letters: list[str] = []
        self._matters: list[str] = []
        self._members: dict[str, list[int]] = defaultdict(list)
        self._fixed: set[str] = set()
        self._counted, self._centre = matcher.counted, np.zeros(width, np.float32)

    def know(self, traces: Sequence[Trace], matters: Sequence[str]) -> None:
        """Take in letters that are linked already, oldest first."""
        self.index.add(traces)
        self._note([trace.letter_id for trace in traces], matters)

    def know_old(self, letters: Sequence[str], vectors: NDArray[np.int8], matters: Sequence[str]) -> None:
        """Take in old letters by their embeddings alone, (letters, width), before any `know`."""
        self.index.add_vectors(vectors)
        self._note(letters, matters)

    def fix(self, matters: Iterable[str]) -> None:
        """Matters that a person has decided on: new letters may join them, the program never puts them together with others."""
        self._fixed.update(matters)

    def _note(self, letters: Sequence[str], matters: Sequence[str]) -> None:
        for letter, matter in zip(letters, matters, strict=True):
            self._members[matter].append(len(self._letters))
            self._letters.append(letter)
            self._matters.append(matter)

    def link(self, new: Sequence[Trace], known: Traces, progress: bool = False) -> Iterator[Night]:
        """Link new letters, batch by batch in the order of their dates; `known` gives the traces of letters linked before, by id."""
        ordered = sorted(new, key=lambda trace: (trace.day, trace.letter_id))
        self._counted = self.matcher.counted + self.index.counted()
        with tqdm(total=len(ordered), desc="归并", unit=" 封", disable=not progress or len(ordered) < LONG) as bar:
            for begin in range(0, len(ordered), TOGETHER):
                batch = ordered[begin : begin + TOGETHER]
                yield self._batch(batch, known)
                bar.update(len(batch))

    def _batch(self, batch: Sequence[Trace], known: Traces) -> Night:
        first = len(self.index)
        self.index.add(batch)
        self._counted += Counted.of(trace.words for trace in batch)
        self._centre = self.index.centre()
        clusters = Clusters(
            self._bonds(batch, first, known), self._matters, self._members, first, len(batch), self.matcher.joins, self._fixed
        )
        clusters.grow(self.matcher.unites)
        linked = clusters.linked([trace.letter_id for trace in batch])
        for gone, kept in clusters.united:
            self._rename(gone, kept)
        self._note([one.letter_id for one in linked], [one.matter_id for one in linked])
        return Night(linked, clusters.united, clusters.suggestions(self._matters, self.matcher.suggests))

    def _rename(self, gone: str, kept: str) -> None:
        rows = self._members.pop(gone)
        for row in rows:
            self._matters[row] = kept
        self._members[kept] = sorted(self._members[kept] + rows)

    def _bonds(self, batch: Sequence[Trace], first: int, known: Traces) -> Bonds:
        """Probabilities between new letters and their candidates, and between old ones whose matters a new letter brings together."""
        weighed = {first + at: Weighed.of(trace, self._counted, self._centre) for at, trace in enumerate(batch)}
        pairs: set[tuple[int, int]] = set()
        for at, rows in enumerate(self.index.candidates(batch, self._counted)):
            pairs |= {(max(first + at, row), min(first + at, row)) for row in rows.tolist() if row != first + at}
        bonds = self._compared(pairs, weighed, known)
        more = self._between(bonds, first)
        for row, others in self._compared(more, weighed, known).items():
            bonds.setdefault(row, {}).update(others)
        return bonds

    def _between(self, bonds: Bonds, first: int) -> set[tuple[int, int]]:
        """Pairs of old rows in different matters that the same new letter resembles."""
        pairs: set[tuple[int, int]] = set()
        for row in sorted(row for row in bonds if row >= first):
            touched = sorted({self._matters[to] for to, bond in bonds[row].items() if to < first and bond >= HINT} - self._fixed)
            for at, one in enumerate(touched):
                for other in touched[at + 1 :]:
                    if min(len(self._members[one]), len(self._members[other])) <= SMALL:
                        rows = product(self._members[one][-SMALL:], self._members[other][-SMALL:])
                        pairs |= {(max(pair), min(pair)) for pair in rows}
        return pairs

    def _compared(self, pairs: Set[tuple[int, int]], weighed: dict[int, Weighed], known: Traces) -> Bonds:
        ordered = sorted(pairs)
        missing = sorted({row for pair in ordered for row in pair} - weighed.keys())
        found = known([self._letters[row] for row in missing])
        weighed |= {
            row: Weighed.of(found[self._letters[row]], self._counted, self._centre) for row in missing if self._letters[row] in found
        }
        usable = [pair for pair in ordered if pair[0] in weighed and pair[1] in weighed]
        parts = [features(weighed[later], [weighed[row] for _, row in group]) for later, group in groupby(usable, itemgetter(0))]
        return bonds_of(usable, self.matcher.probability(np.concatenate(parts)).tolist() if parts else [])


def bonds_of(pairs: Iterable[tuple[int, int]], probabilities: Iterable[float]) -> Bonds:
    """What holds two rows together, both ways; what is too weak is left out."""
    bonds: Bonds = defaultdict(dict)
    for (one, other), probability in zip(pairs, probabilities, strict=True):
        if probability >= LEAST:
            bonds[one][other] = bonds[other][one] = probability
    return bonds


class Clusters:
    """Agglomeration over the rows of a batch and of the old letters they may join. A cluster has an old matter's name, or that of its first row."""

    def __init__(
        self, bonds: Bonds, matters: Sequence[str], members: Mapping[str, Sequence[int]], first: int, count: int, joins: float,
        fixed: Set[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._bonds, self._first, self._joins, self._fixed = bonds, first, joins, fixed
        batch = range(first, first + count)
        self._of = {row: matters[row] if row < first else _new(row) for row in [*bonds, *batch]}
        self._rows: dict[str, list[int]] = defaultdict(list)
        for row in sorted(self._of):
            self._rows[self._of[row]].append(row)
        self._size = {name: 1 if _is_new(name) else len(members[name]) for name in self._rows}
        self._version = dict.fromkeys(self._rows, 0)
        self.united: list[tuple[str, str]] = []

    def bond(self, one: str, other: str) -> float:
        """How strongly two clusters belong together, 0..1."""
        small, large = sorted((one, other), key=lambda name: (self._size[name], not _is_new(name), name))
        there, most = set(self._rows[large]), min(self._size[large], CAP_DECIDED if large in self._fixed else CAP)
        total = 0.0
        for row in self._rows[small]:
            best = heapq.nlargest(most, (p for to, p in self._bonds.get(row, {}).items() if to in there))
            total += sum(best) / most
        return total / self._size[small]

    def grow(self, unites: float = 2.0) -> None:
        """Join the surest two clusters as long as any two are sure enough; two old matters from `unites` on, and never a fixed one."""
        heap: list[tuple[float, str, str, int, int]] = []
        offer = partial(self._offer, heap, unites)
        for name in self._rows:
            offer(name)
        while heap:
            _, one, other, first, second = heapq.heappop(heap)
            if self._version.get(one) == first and self._version.get(other) == second:
                offer(self._join(one, other))

    def _offer(self, heap: list[tuple[float, str, str, int, int]], unites: float, name: str) -> None:
        for neighbour in self._neighbours(name):
            one, other = sorted((name, neighbour))
            old = not (_is_new(one) or _is_new(other))
            if old and (one in self._fixed or other in self._fixed or min(self._size[one], self._size[other]) > SMALL):
                continue
            bond = self.bond(one, other)
            if bond >= (unites if old else self._joins):
                heapq.heappush(heap, (-bond, one, other, self._version[one], self._version[other]))

    def _neighbours(self, name: str) -> set[str]:
        return {self._of[to] for row in self._rows[name] for to in self._bonds.get(row, {})} - {name}

    def _join(self, one: str, other: str) -> str:
        """Put two clusters together, `one` before `other` in order; an old matter keeps its name, of two the larger; else the first row gives it."""
        kept, gone = (one, other) if _is_new(other) or (not _is_new(one) and self._size[one] >= self._size[other]) else (other, one)
        if not _is_new(gone):
            self.united.append((gone, kept))
        for row in self._rows[gone]:
            self._of[row] = kept
        self._rows[kept] += self._rows.pop(gone)
        self._size[kept] += self._size.pop(gone)
        del self._version[gone]
        self._version[kept] += 1
        return kept

    def linked(self, letters: Sequence[str]) -> list[Linked]:
        """The letters of the batch with their matters, in order."""
        found = []
        for at, letter_id in enumerate(letters):
            row = self._first + at
            name = self._of[row]
            matter = matter_name(letters[_row(name) - self._first]) if _is_new(name) else name
            found.append(Linked(letter_id, matter, 1.0 if name == _new(row) else self._closeness(row, name)))
        return found

    def _closeness(self, row: int, name: str) -> float:
        mates = set(self._rows[name]) - {row}
        most = min(self._size[name] - 1, CAP)
        return min(1.0, sum(heapq.nlargest(most, (p for to, p in self._bonds.get(row, {}).items() if to in mates))) / most)

    def suggestions(self, matters: Sequence[str], least: float) -> list[Suggestion]:
        """Clusters that look alike and were left apart, at most SUGGESTED a cluster, surest first; `matters` by row, the batch's among them."""
        pairs = {(min(name, other), max(name, other)) for name in self._rows for other in self._neighbours(name)}
        found = sorted((-self.bond(one, other), one, other) for one, other in pairs)
        given: dict[str, int] = defaultdict(int)
        told = []
        for bond, one, other in found:
            if -bond >= least and max(given[one], given[other]) < SUGGESTED:
                given[one] += 1
                given[other] += 1
                names = [matters[_row(name)] if _is_new(name) else name for name in (one, other)]
                told.append(Suggestion(names[0], names[1], min(-bond, 1.0)))
        return told


def _new(row: int) -> str:
    """The name of a cluster that no old letter is in: its first row; sorts by row, and before any matter's name."""
    return f"#{row:012}"


def _is_new(name: str) -> bool:
    return name.startswith("#")


def _row(name: str) -> int:
    return int(name[1:])
