"""The county's own places, from data/places.csv, which an office keeps in Excel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pipeline.errors import SettingsError
from pipeline.matters.gazetteer.divisions import divisions
from pipeline.matters.gazetteer.place import KINDS, Place
from pipeline.matters.gazetteer.sheet import Row, read_sheet

COLUMNS = ("名称", "类型", "上级", "别名")
TYPES = {
    "市": "city", "县": "county", "区": "county", "旗": "county", "县级市": "county", "乡": "township", "镇": "township", "街道": "township",
    "村": "village", "社区": "village", "屯": "village", "小区": "estate", "单位": "institution",
}  # fmt: skip

NESTED = frozenset({"village", "institution"})
"""Kinds that may stand inside their own kind: a hamlet (屯) in its village, a department in its hospital."""


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """A place of the office's list and the other names it goes by."""

    place: Place
    aliases: tuple[str, ...]


def read_places(path: Path) -> list[OwnPlace]:
    """The list, in its order; every place has its whole path.

    A parent is named by its name, or, where two places have it, with its own parent before it (白桦镇三合村).

    Raises:
        SettingsError: the file is no such table; a name of fewer than two characters; an unknown type; a parent that is unknown, that
            several places could be, or that is not wider; a place listed twice; places that lie inside each other.
    """
    return _Reading(path).places()


class _Reading:
    """The rows while their parents are looked for; each place is made once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = read_sheet(path, COLUMNS, "places file")
        self.made: dict[int, Place] = {}
        self.national = divisions()

    def places(self) -> list[OwnPlace]:
        seen: dict[tuple[str, ...], int] = {}
        found = []
        for row in self.rows:
            place = self._place(row, ())
            if place.path in seen:
                self._wrong(row, f"each name once under its parent, found {row['名称']} under {row['上级'] or 'none'} as in row {seen[place.path]}; remove one of the two")  # fmt: skip
            seen[place.path] = row.number
            short = next((alias for alias in row.words("别名") if len(alias) < 2), None)
            if short is not None:
                self._wrong(row, f"other names of at least two characters in 别名, found {short!r}; write it out or remove it")
            found.append(OwnPlace(place, row.words("别名")))
        return found

    def _place(self, row: Row, inside: tuple[int, ...]) -> Place:
        """The place of a row; `inside` are the rows whose parents are being looked for."""
        if row.number in self.made:
            return self.made[row.number]
        name, kind = row["名称"], TYPES.get(row["类型"])
        if row.number in inside:
            rows = ", ".join(str(number) for number in sorted(set(inside)))
            self._wrong(row, f"a parent that is not inside {name} itself, found a circle through rows {rows}; correct one 上级")
        if len(name) < 2:
            self._wrong(row, f"a name of at least two characters, found {name or 'nothing'!r}; write the full name")
        if kind is None:
            self._wrong(row, f"one of {'、'.join(TYPES)} as 类型, found {row['类型'] or 'nothing'!r}; correct it")
        parent = self._parent(row, (*inside, row.number)) if row["上级"] else None
        if parent and not (KINDS.index(parent.kind) < KINDS.index(kind) or parent.kind == kind in NESTED):
            self._wrong(row, f"a parent that is wider than {name} ({row['类型']}), found {parent.name}; correct 类型 or 上级")
        place = Place(name, kind, (*(parent.path if parent else ()), name))
        return self.made.setdefault(row.number, place)

    def _parent(self, row: Row, inside: tuple[int, ...]) -> Place:
        upper = row["上级"]
        own = [self._place(other, inside) for other in self.rows if _named(other, upper)]
        fit = own or [place for place in self.national if upper.endswith(place.name) and "".join(place.path).endswith(upper)]
        if not fit:
            self._wrong(
                row,
                f"as 上级 a name of this list or of China's provinces, cities and counties, found {upper}; correct it or add a row for it",
            )
        if len(fit) > 1:
            paths = " and ".join("".join(place.path) for place in fit[:2])
            self._wrong(row, f"one place as 上级, found {upper}, which can be {paths}; write its own parent before it")
        return fit[0]

    def _wrong(self, row: Row, sentence: str) -> NoReturn:
        raise SettingsError(f"places file {self.path}, row {row.number}: expected {sentence}.")


def _named(row: Row, upper: str) -> bool:
    """Whether 上级 means this row: its name, perhaps with its own parents before it."""
    if not row["名称"] or not upper.endswith(row["名称"]):
        return False
    before, own = upper[: -len(row["名称"])], row["上级"]
    return not before or (bool(own) and (before.endswith(own) or own.endswith(before)))


def own_county(places: Sequence[OwnPlace]) -> tuple[str, ...]:
    """The path of the first county of the list, else what all of it shares, else nothing: where an ambiguous name is looked for first."""
    return next((own.place.path for own in places if own.place.kind == "county"), ())
