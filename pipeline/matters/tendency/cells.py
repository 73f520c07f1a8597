"""Cells that have a history: an issue in a place, an issue with a signal; by day and by week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from pipeline.matters.matter import Sighting
from pipeline.matters.tendency import counts
from pipeline.matters.tendency.trend import PLACE, SIGNAL, Found, Rules, cell_name, found, parts, thing_of, writer_of

BLOCKS = (7, 1)
"""Days that are counted together, ending today."""


def in_cells(letters: Sequence[Sighting], today: date, rules: Rules) -> list[Found]:
    """The cells that brought more writers today or in seven days than their history explains, the oddest first.

    What shares half of its letters with an odder cell is not told again.
    """
    odd: list[Found] = []
    for kind in (PLACE, SIGNAL):
        cells = Cells.of(kind, letters, today)
        tests = [test for days in BLOCKS for test in cells.tests(days, rules)]
        q = counts.q_values([test[3] for test in tests], len(BLOCKS) * len(cells.names))
        odd += [cells.found(*test, rate) for test, rate in zip(tests, q.tolist(), strict=True) if rate <= rules.false_share]
    kept: list[Found] = []
    for one in sorted(odd, key=lambda f: (f.trend.p, f.trend.key)):
        if not any(one.shares(other) for other in kept):
            kept.append(one)
    return kept


@dataclass(frozen=True, slots=True)
class Cells:
    """All cells of a kind: (issue, part) names, the letters in order of time, and row and cell of each letter's mention of a cell."""

    kind: str
    today: date
    names: list[tuple[str, str]]
    letters: Sequence[Sighting]
    row: counts.Rows
    cell: counts.Rows

    @classmethod
    def of(cls, kind: str, letters: Sequence[Sighting], today: date) -> Cells:
        pairs = [(i, (s.issue, part)) for i, s in enumerate(letters) for part in parts(s, kind)]
        names = sorted({name for _, name in pairs})
        number = {name: i for i, name in enumerate(names)}
        row, cell = np.array([i for i, _ in pairs], np.int64), np.array([number[name] for _, name in pairs], np.int64)
        return cls(kind, today, names, letters, row, cell)

    def tests(self, days: int, rules: Rules) -> Iterator[tuple[int, int, float, float]]:
        """(days, cell, expected, p) of the cells that reach the minimum in the last block. Four weeks of history are needed."""
        ages = np.array([(self.today - s.day).days for s in self.letters], np.int64)
        blocks = int(ages.max() + 1) // days
        if blocks * days < counts.LEVEL_DAYS // 2 or not self.names:
            return
        number = {name: i for i, name in enumerate(dict.fromkeys(map(writer_of, self.letters)))}
        writers = np.array([number[writer_of(s)] for s in self.letters], np.int64)
        block = ages // days
        table = _different(self.cell, block[self.row], writers[self.row], len(self.names), blocks)
        total = _different(np.zeros_like(block), block, writers, 1, blocks)[0]
        expected = counts.expect(table, total, self._weights(ages, days, blocks), self._prior(), self._seasons(ages), days)
        for cell in np.flatnonzero(table[:, -1] >= max(rules.writers, rules.letters)).tolist():
            mean = float(expected.mean[cell])
            yield days, cell, mean, counts.tail(int(table[cell, -1]), mean, float(expected.shape[cell]))

    def _weights(self, ages: counts.Rows, days: int, blocks: int) -> counts.Array:
        daily = counts.day_weights(np.bincount(ages.max() - ages, minlength=int(ages.max()) + 1).astype(np.float64), self.today)
        return np.asarray(daily[len(daily) - blocks * days :].reshape(blocks, days).sum(axis=1))

    def _prior(self) -> counts.Array:
        """Each cell's share of the letters, were issue and part independent."""
        of_issue, of_part = Counter(s.issue for s in self.letters), Counter[str]()
        for (_, part), size in zip(self.names, np.bincount(self.cell, minlength=len(self.names)).tolist(), strict=True):
            of_part[part] += size
        return np.array([of_issue[issue] * of_part[part] for issue, part in self.names], np.float64) / len(self.letters) ** 2

    def _seasons(self, ages: counts.Rows) -> counts.Array:
        number = {name: i for i, name in enumerate(sorted({s.issue for s in self.letters}))}
        issue = np.array([number[s.issue] for s in self.letters], np.int64)
        size = int(ages.max()) + 1
        daily = np.bincount(issue * size + ages.max() - ages, minlength=len(number) * size).reshape(len(number), size)
        factors = counts.season(daily.astype(np.float64))
        return np.array([factors[number[name]] for name, _ in self.names])

    def found(self, days: int, cell: int, expected: float, p: float, q: float) -> Found:
        start = self.today - timedelta(days=days - 1)
        inside = [self.letters[i] for i in self.row[self.cell == cell].tolist()]
        thing = thing_of(cell_name(*self.names[cell]), [s for s in inside if s.day >= start])
        one = found(self.kind, thing, self.today, expected, p, q)
        place = self.names[cell][1].rsplit("/", 1)[-1] if self.kind == PLACE else one.trend.place
        return replace(one, trend=replace(one.trend, since=start, place=place))


def _different(cell: counts.Rows, block: counts.Rows, writer: counts.Rows, cells: int, blocks: int) -> counts.Array:
    """(cells, blocks) different writers, the newest block last; what is older than the blocks is left out."""
    inside = block < blocks
    people = int(writer.max(initial=0)) + 1
    once = np.unique((cell[inside] * blocks + blocks - 1 - block[inside]) * people + writer[inside]) // people
    return np.bincount(once, minlength=cells * blocks).reshape(cells, blocks).astype(np.float64)
