"""Listed and masked names in a text: where they stand and which places each could be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import compress, count
from operator import add

from pipeline.matters.gazetteer.divisions import divisions, needs_parent, second_names, short_form, stands_alone
from pipeline.matters.gazetteer.office import OwnPlace
from pipeline.matters.gazetteer.place import KINDS, Place, common
from pipeline.matters.gazetteer.unlisted import Words

MASKED_PROVINCE = "西地省"
MASKED = re.compile(
    r"西地省|(?<![A-Za-z0-9])(?<!小区)(?<!期)(?:(?P<letter>[A-Z])(?P<number>\d{1,2}(?=[市区县]))?(?:市|[区县]市(?![场政民委])|区|县))(?!域)"
)
"""Places as the organiser of the public data set masked them: 西地省, A市 (a city), A3区, A7县, C4市 (in city A, A, C)."""
NOT_AFTER = {"区": "域别分间", "市": "场"}
ROAD = re.compile("中?[东南西北]?(?:路|街(?!道)|大道|大街|巷|大?桥|高速|国道|省道|铁路)")
"""What makes a road's name of the short form before it (北京路)."""
BRAND = re.compile("拉面|烤鸭|火锅|小吃|米粉|臭豆腐|菜|饭店|酒店|宾馆|大厦|卫视|牌照|牌|时间|移动|联通|电信|话费")
"""What makes another thing of it (兰州拉面)."""
NUMERALS = frozenset("一二三四五六七八九十两几半")
BLANK = "，"


class Needs(IntEnum):
    """What must hold before a name in the text counts."""

    NOTHING = 0
    WORDS = 1
    """The dictionary cut must have its edges where the name has them: short forms."""
    PARENT = 2
    """Also a wider place of its own must stand directly before it: short forms of counties, ordinary words."""


@dataclass(frozen=True, slots=True)
class Known:
    """A place that a name can mean."""

    place: Place
    needs: Needs
    own: bool
    short: bool


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:end] means one of the places."""

    start: int
    end: int
    could_be: tuple[Known, ...]

    @property
    def short(self) -> bool:
        """Whether a short form or another name stands there, which may be the beginning of a longer name (湖南 + 大学)."""
        return all(known.short for known in self.could_be)

    @property
    def own(self) -> bool:
        return any(known.own for known in self.could_be)


class Listed:
    """The names of the national list and of the office's own, found quickly by their first two characters."""

    def __init__(self, own: Sequence[OwnPlace], home: tuple[str, ...]) -> None:
        names: defaultdict[str, list[Known]] = defaultdict(list)
        for name, known in [*_national(home), *_own(own)]:
            if known.place not in [other.place for other in names[name]] or known.own:
                names[name] = [other for other in names[name] if other.place != known.place] + [known]
        heads: defaultdict[str, list[tuple[str, tuple[Known, ...]]]] = defaultdict(list)
        for name in sorted(names, key=len, reverse=True):
            heads[name[:2]].append((name, tuple(names[name])))
        self._heads = dict(heads)

    def spans(self, text: str) -> tuple[list[Span], str, Words]:
        """The spans by their start; the text with the certain names blanked out, every other character in its place; its words."""
        heads = self._heads
        at = list(compress(count(), map(heads.__contains__, map(add, text, text[1:]))))
        certain = sorted([*_masked(text), *self._certain(text, at)], key=lambda span: span.start)
        blanked = _blanked(text, certain)
        words = Words(blanked)
        return sorted([*certain, *self._uncertain(blanked, at, certain, words)], key=lambda span: span.start), blanked, words

    def _certain(self, text: str, at: Iterable[int]) -> Iterator[Span]:
        reached = 0
        for start in at:
            if start < reached:
                continue
            for name, knowns in self._heads[text[start : start + 2]]:
                could_be = tuple(known for known in knowns if known.needs == Needs.NOTHING)
                if could_be and text.startswith(name, start) and _ends_there(text, start + len(name)):
                    reached = start + len(name)
                    yield Span(start, reached, could_be)
                    break

    def _uncertain(self, text: str, at: Iterable[int], certain: Sequence[Span], words: Words) -> Iterator[Span]:
        before = {span.end: span for span in certain}
        reached = 0
        for start in at:
            if start < reached:
                continue
            for name, knowns in self._heads.get(text[start : start + 2], ()):
                if not text.startswith(name, start):
                    continue
                end = start + len(name)
                could_be = tuple(known for known in knowns if _holds(known, before.get(start)))
                if could_be and words.between(start, end) and not _another_thing(text, start, end, could_be[0].own):
                    before[end] = Span(start, end, could_be)
                    reached = end
                    yield before[end]
                    break


def _ends_there(text: str, end: int) -> bool:
    return end >= len(text) or text[end] not in NOT_AFTER.get(text[end - 1], "")


def _another_thing(text: str, start: int, end: int, own: bool) -> bool:
    """Whether a short form is a part of a road's or a thing's name, or no name at all (出苗一成都不到)."""
    return ROAD.match(text, end) is not None or (not own and (BRAND.match(text, end) is not None or text[start - 1 : start] in NUMERALS))


def _holds(known: Known, before: Span | None) -> bool:
    """Whether a short form or an ordinary word means the place here."""
    if known.needs < Needs.PARENT:
        return True
    return before is not None and any(known.place.below(other.place) for other in before.could_be)


def _blanked(text: str, spans: Iterable[Span]) -> str:
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], BLANK * (span.end - span.start)]
        at = span.end
    return "".join([*parts, text[at:]])


def _masked(text: str) -> Iterator[Span]:
    for match in MASKED.finditer(text):
        place = masked_place(match)
        if place:
            yield Span(match.start(), match.end(), (Known(place, Needs.NOTHING, own=False, short=False),))


def masked_place(match: re.Match[str]) -> Place | None:
    """The place of a masked name; None for a letter that is none (B区 of an estate)."""
    letter, number = match["letter"], match["number"]
    if not letter:
        return Place(MASKED_PROVINCE, "province", (MASKED_PROVINCE,))
    city = (MASKED_PROVINCE, f"{letter}市")
    if number:
        name = match[0][:-1] if match[0][-2] in "区县" else match[0]  # A8县市: the organiser masked a part of the name
        return Place(name, "county", (*city, name))
    return Place(match[0], "city", city) if match[0] == f"{letter}市" else None


def _national(home: tuple[str, ...]) -> Iterator[tuple[str, Known]]:
    for place in divisions():
        full = Needs.PARENT if needs_parent(place) else Needs.NOTHING
        for name in (place.name, *second_names(place)):
            yield name, Known(place, full, own=False, short=False)
        short = short_form(place)
        if short:
            neighbour = len(home) > 1 and place.path[:-1] == home[:-1]
            alone = stands_alone(place, short, neighbour)
            yield short, Known(place, Needs.WORDS if alone else Needs.PARENT, own=False, short=True)


def _own(own: Iterable[OwnPlace]) -> Iterator[tuple[str, Known]]:
    for each in own:
        for name in (each.place.name, *each.aliases):
            yield name, Known(each.place, Needs.WORDS if len(name) == 2 else Needs.NOTHING, own=True, short=name != each.place.name)


def resolve(span: Span, before: Place | None, named: Iterable[tuple[str, ...]], home: tuple[str, ...]) -> Place:
    """The place that is meant: the one below the place before it, else of the office's list, else below another place of the letter,
    else nearest to the office. If several are left, only what they share is known of its path.
    """
    knowns = span.could_be
    below = [known.place for known in knowns if before and known.place.below(before)]
    own = [known.place for known in knowns if known.own]
    widest = min(KINDS.index(known.place.kind) for known in knowns)
    left = below or own or [known.place for known in knowns if KINDS.index(known.place.kind) == widest]
    for nearer in (_below_named(left, named), _sharing(left, home[:2]), _sharing(left, home[:1])):
        if len(left) > 1 and nearer:
            left = nearer
    if len(left) == 1:
        return left[0]
    return Place(left[0].name, left[0].kind, (*common([place.parents for place in left]), left[0].name))


def _below_named(places: Sequence[Place], named: Iterable[tuple[str, ...]]) -> list[Place]:
    shared = len(common([place.parents for place in places]))
    paths = {path for path in named if len(path) > shared}
    return [place for place in places if any(place.parents[:length] in paths for length in range(shared + 1, len(place.path)))]


def _sharing(places: Sequence[Place], path: tuple[str, ...]) -> list[Place]:
    return [place for place in places if path and place.path[: len(path)] == path]
