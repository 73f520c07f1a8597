"""Places and institutions named in a masked letter.

Names come from three sources: China's provinces, cities and counties (divisions.py), the office's own list (office.py, data/places.csv), and
patterns: the masked places of a public data set (西地省, A市, A3区) and unlisted names by their endings (unlisted.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.matters.gazetteer.divisions import divisions
from pipeline.matters.gazetteer.institutions import LISTENS, department
from pipeline.matters.gazetteer.listed import MASKED, MASKED_PROVINCE, Listed, Span, masked_place, resolve
from pipeline.matters.gazetteer.office import OwnPlace, own_county, read_places
from pipeline.matters.gazetteer.place import KINDS, REGIONS, Mention, Place
from pipeline.matters.gazetteer.unlisted import Unlisted, unlisted

__all__ = ["PLACES_FILE", "Gazetteer", "Mention", "Place", "Where", "crosses", "main_place", "where"]

PLACES_FILE = Path(__file__).resolve().parents[2] / "data" / "places.csv"
MANY = 200
"""Different places of one text that are weighed against each other; more are a list, not a letter."""
LOCAL = frozenset({"township", "village", "estate"})
HOME_TOWN_BEFORE = re.compile(
    "(?:老家|祖籍|籍贯|原籍|户籍地?|户口|娘家|婆家|出生|生于|来自|毕业|嫁到|家乡)(?:都|就|是|在|于|为|：|:)?$"
    "|[人主爹妈爸娘儿女子妇他她我们家孩](?:都|还|现|现在|本来|又)?在$"
    "|(?:去|赴|跑|飞|回|(?<![早晚网马加以事身地])上)(?:了|过)?(?:一?趟)?$"
)
HOME_TOWN_AFTER = re.compile(
    "人(?![民社大才力防行均工员])|籍|口音|话(?!费)|老乡|户口|户籍"
    "|.{0,6}?(?:打工|务工|上班|读书|念书|上学|大学|念大|读大|当兵|陪护|住院|看病|过冬|出差|生活(?!垃圾)|带孩子)"
)
"""Round a place: whose town it is or where somebody stays or goes, not where the matter is. Nobody's origin is a trait of a letter."""


class Gazetteer:
    """The known places, and how to find them and others in a text. `own` are the office's, `home` is the path of its county."""

    def __init__(self, own: Sequence[OwnPlace]) -> None:
        self.home = own_county(own)
        self.own = tuple(each.place for each in own)
        self._listed = Listed(own, self.home)
        self._national = frozenset(place.name for place in divisions() if place.kind == "province")
        self._regions = frozenset(place.path for place in (*divisions(), *self.own) if place.kind in REGIONS)
        self._by_name: dict[str, tuple[Place, ...]] = {}
        for place in dict.fromkeys((*divisions(), *self.own)):
            self._by_name[place.name] = (*self._by_name.get(place.name, ()), place)

    @staticmethod
    def load(path: Path = PLACES_FILE) -> Gazetteer:
        """The gazetteer of an office's list; each file is read once.

        Raises:
            SettingsError: see `office.read_places`.
        """
        return _load(path)

    def named(self, name: str) -> tuple[Place, ...]:
        """The listed or masked places of exactly this name."""
        match = MASKED.fullmatch(name)
        masked = masked_place(match) if match else None
        return (masked,) if masked else self._by_name.get(name, ())

    def region(self, place: Place) -> tuple[str, ...]:
        """The path of the county that holds the place, or of the city or province if no more is known; empty if nothing is."""
        for length in range(len(place.path), 0, -1):
            path = place.path[:length]
            if path in self._regions or (path[0] == MASKED_PROVINCE and MASKED.fullmatch(path[-1])):
                return path
        return ()

    def find(self, text: str) -> list[Place]:
        """The places of a text in the order of their first mention, each once.

        Left out is a province, city or county outside the office's own that is only said to be somebody's home town or whereabouts
        (我是湖南人, 在青岛上班). A place that is in no list has the place directly before it as its parent, else the one county or city that
        the letter names, else none.
        """
        return list(dict.fromkeys(mention.place for mention in self.mentions(text)))

    def mentions(self, text: str) -> list[Mention]:
        """Every mention, by its start; an institution may begin with the place that stands in its name."""
        spans, blanked, words = self._listed.spans(text)
        found = list(unlisted(blanked, words, frozenset(span.end for span in spans)))
        listed = self._resolved(spans)
        mentions = self._with_unlisted(text, listed, found, spans)
        return self._rooted(_one_name_each(self._without_home_towns(text, mentions)))

    def _resolved(self, spans: Sequence[Span]) -> list[Mention]:
        named = {span.could_be[0].place.path for span in spans if len(span.could_be) == 1}
        before: dict[int, Place] = {}
        found = []
        for span in spans:
            before[span.end] = resolve(span, before.get(span.start), named, self.home)
            found.append(Mention(span.start, span.end, before[span.end]))
        return found

    def _with_unlisted(self, text: str, listed: Sequence[Mention], found: Iterable[Unlisted], spans: Sequence[Span]) -> list[Mention]:
        """Both, by their start; an unlisted name gets its parent from the place before it, or swallows a short form (柳河 + 村)."""
        ends = {mention.end: mention for mention in listed}
        kept = {mention.start: mention for mention in listed}
        short = {(span.start, span.end): span for span in spans if span.short}
        more = []
        for name in sorted(found, key=lambda name: (name.start, -name.end)):
            before = ends.get(name.start) or (ends.get(name.start - 1) if text[name.start - 1 : name.start] == "的" else None)
            begins_with = short.get((before.start, before.end)) if before else None
            mention = _unlisted_mention(text, name, before, begins_with is not None)
            if mention is None:
                continue
            if begins_with and mention.start == begins_with.start and (name.kind != "institution" or not begins_with.own):
                kept.pop(begins_with.start, None)
            ends[mention.end] = mention
            more.append(mention)
        return sorted([*kept.values(), *more], key=lambda mention: (mention.start, mention.end))

    def _without_home_towns(self, text: str, mentions: Sequence[Mention]) -> list[Mention]:
        kept: list[Mention] = []
        chain: list[Mention] = []
        for mention in (*mentions, None):
            if mention and chain and mention.start <= chain[-1].end:
                chain.append(mention)
                continue
            if chain and not self._home_town(text, chain):
                kept += chain
            chain = [mention] if mention else []
        return kept

    def _home_town(self, text: str, chain: Sequence[Mention]) -> bool:
        """Whether a chain of places (四川省南充市) is only where somebody comes from or stays."""
        place = chain[0].place
        own = self.home and (self.home[: len(place.path)] == place.path or place.path[: len(self.home)] == self.home)
        if own or place.path[0] not in self._national:
            return False
        start = chain[0].start
        return HOME_TOWN_BEFORE.search(text, max(start - 8, 0), start) is not None or HOME_TOWN_AFTER.match(text, chain[-1].end) is not None

    def _rooted(self, mentions: list[Mention]) -> list[Mention]:
        """Local places of unknown parents put into the only county (or city) that the letter names."""
        regions = leaves(self.region(mention.place) for mention in mentions if mention.place.kind != "institution")
        if len(regions) != 1:
            return mentions
        return [
            Mention(mention.start, mention.end, Place(mention.place.name, mention.place.kind, regions[0] + mention.place.path))
            if mention.place.kind in LOCAL and not self.region(mention.place) else mention
            for mention in mentions
        ]  # fmt: skip


@cache
def _load(path: Path) -> Gazetteer:
    return Gazetteer(read_places(path))


def leaves(paths: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The paths that are not the beginning of another one, each once."""
    distinct = dict.fromkeys(paths)
    beginnings = {path[:length] for path in distinct for length in range(len(path))}
    return [path for path in distinct if path and path not in beginnings]


def _unlisted_mention(text: str, name: Unlisted, before: Mention | None, after_short: bool) -> Mention | None:
    """The place of a name with what stands before it; None for an ending that says nothing there (A3区 + 小区)."""
    wider = before.place if before and KINDS.index(before.place.kind) < KINDS.index(name.kind) else None
    touching = before is not None and before.end == name.start
    start = before.start if before and touching and (name.kind == "institution" or name.bare) else name.start
    words = text[start : name.end]
    if name.kind != "institution" and name.bare:
        return Mention(start, name.end, Place(words, name.kind, (words,))) if after_short else None
    if name.kind == "institution" and name.bare and not wider:
        return None
    return Mention(start, name.end, Place(words, name.kind, (*(wider.path if wider else ()), words)))


def _one_name_each(mentions: Sequence[Mention]) -> list[Mention]:
    """A name is one place throughout a letter: where one mention says more about where it lies than the others, they mean the same."""
    fuller: dict[tuple[str, str], list[Place]] = {}
    for place in dict.fromkeys(mention.place for mention in mentions):
        fuller.setdefault((place.name, place.kind), []).append(place)
    meant = {}
    for places in fuller.values():
        for place in places:
            more = [other for other in places if len(other.path) > len(place.path) and other.parents[: len(place.parents)] == place.parents]
            meant[place] = more[0] if len(more) == 1 else place
    return [Mention(mention.start, mention.end, meant[mention.place]) for mention in mentions]


def main_place(text: str, hint: str, gazetteer: Gazetteer) -> Place | None:
    """The one place that a letter is about; None if it names none.

    The deepest place of the hint, else of the title line, else of the text the one that most mentions lie in: from the widest down as
    long as one place below has more mentions than all others there, the earlier of two first. An institution only where there is no place.
    """
    head = _one_line(hint)
    return _main(gazetteer.mentions(f"{head}\n{text}"), len(head), len(head) + 1 + len(text.partition("\n")[0]))


def _one_line(hint: str) -> str:
    return hint.strip().replace("\n", " ")


def _main(mentions: Sequence[Mention], hint: int, title: int) -> Place | None:
    """As `main_place`; `hint` and `title` are where the hint and the title line end."""
    in_hint = [mention.place for mention in mentions if mention.end <= hint]
    in_title = [mention.place for mention in mentions if hint < mention.start and mention.end <= title]
    everywhere = [mention.place for mention in mentions if hint < mention.start]
    for institutions in (False, True):
        some = [[place for place in places if (place.kind == "institution") == institutions] for places in (in_hint, in_title, everywhere)]
        if some[0] or some[1]:
            return max(some[0] or some[1], key=lambda place: (KINDS.index(place.kind), len(place.path)))
        if some[2]:
            return _most_named(some[2])
    return None


def _most_named(places: Sequence[Place]) -> Place:
    counts = dict(Counter(places).most_common(MANY))
    inside: Place | None = None
    while True:
        below = [place for place in counts if inside is None or place.below(inside)]
        tops = [place for place in below if not any(place.below(other) for other in below)]
        totals = {place: sum(count for other, count in counts.items() if other == place or other.below(place)) for place in tops}
        best = max(tops, key=lambda place: totals[place], default=None)
        if best is None or (inside is not None and 2 * totals[best] <= sum(totals.values())):
            assert inside is not None
            return inside
        inside = best


@dataclass(frozen=True, slots=True)
class Where:
    """Where a letter's matter lies.

    Attributes:
        place: the one place it is about, None if none is known.
        shown: its name for people, without what holds the office's own county; the masked hint where no place is known.
        crosses: the 三跨 marks.
    """

    place: Place | None
    shown: str
    crosses: tuple[str, ...]

    @property
    def path(self) -> tuple[str, ...]:
        return self.place.path if self.place else ()


def where(text: str, hint: str, gazetteer: Gazetteer) -> Where:
    """Where the matter of a masked letter lies; `hint` is what the source gives as its place, masked."""
    head, home = _one_line(hint), gazetteer.home
    mentions = gazetteer.mentions(f"{head}\n{text}")
    place = _main(mentions, len(head), len(head) + 1 + len(text.partition("\n")[0]))
    path = place.path if place else ()
    shown = "".join(path[len(home) - 1 :] if home and path[: len(home)] == home else path)
    named = dict.fromkeys(mention.place for mention in mentions)
    return Where(place, shown or hint.strip(), crosses(named, home[-1] if home else "", gazetteer))


def crosses(places: Iterable[Place], home: str, gazetteer: Gazetteer | None = None) -> tuple[str, ...]:
    """The 三跨 marks of a letter's places (as `find` gives them), for an office in the county `home`; "" if it is not known.

    跨地区: places in two or more different counties, the home county counted as one; where only a city or province is known, one that does
    not hold the home county. Institutions do not count (a company may be named after any city), nor do home towns and whereabouts, which
    `find` leaves out. 跨部门: institutions of two or more departments; former names are the same department, 信访局 is none.
    跨行业 is not marked: the trades that a letter touches cannot be told from the names in it.
    """
    places = list(places)
    known = gazetteer or Gazetteer.load()
    at_home = [known.region(place) for place in known.find(home)] if home else []
    regions = leaves([*at_home, *(known.region(place) for place in places if place.kind != "institution")])
    departments = {department(place.name) for place in places if place.kind == "institution"} - {None, LISTENS}
    return (("跨地区",) if len(regions) > 1 else ()) + (("跨部门",) if len(departments) > 1 else ())
