"""What a tendency is, and the letters that are counted together for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from pipeline.matters.matter import Sighting

MATTER, WORD, PLACE, SIGNAL = "matter", "word", "place", "signal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an office may want to change.

    letters, writers: fewer make no tendency. matter_share, false_share: of the matters (of the words, of the cells) that stand out on a night, the
    share that may be chance (false discovery rate). A matter's p holds over all nights together and a look at three letters costs little, hence
    the generous share: as many flags as an office can look at, eight a month where 400 letters come. A cell is tried anew every night, hence the
    strict one. quiet_days: after so many days without a letter (a cell: since it was flagged) a thing may be flagged again; before, only when
    its writers have doubled. window_days: older letters are not looked at. fresh_days: a flag needs a letter as new as this.
    busy_letters: letters of 30 days from which on matter_share holds; a smaller office can look at more of what stands out, so there it rises.
    word_days: how long a word is new. word_letters: how many letters must have come before a word can be called new.
    """

    letters: int = 3
    writers: int = 3
    matter_share: float = 0.45
    busy_letters: int = 400
    false_share: float = 0.01
    quiet_days: int = 90
    window_days: int = 730
    fresh_days: int = 7
    word_days: int = 60
    word_letters: int = 2000

    def matters_share(self, lately: int) -> float:
        """matter_share for an office with so many letters in the last 30 days: what may be chance stays a number that can be looked at."""
        return 1 - (1 - self.matter_share) * min(lately / self.busy_letters, 1.0)

    def enough(self, thing: Thing) -> bool:
        """Whether it has the letters and writers without which nothing is a tendency."""
        return len(thing.letters) >= self.letters and len(thing.arrivals) >= max(self.writers, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """An earlier flag, as the store keeps it: what, on which day, with how many writers."""

    key: str
    on: date
    writers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One flag. Masked throughout.

    Attributes:
        kind: matter, word, place or signal. key: the same thing on every night. matter_id: empty where no single matter stands behind it.
        since: first letter counted; on: the night. seen, writers: letters and different writers since then, against `expected` writers.
        p, q: tail probability and false discovery rate. words: what its letters share and others lack.
        letters: (letter_id, masked heading) of the most telling ones. like: what like matters did before. text: the whole explanation.
    """

    kind: str
    key: str
    matter_id: str
    title: str
    place: str
    since: date
    on: date
    seen: int
    writers: int
    expected: float
    p: float
    q: float
    words: tuple[str, ...] = ()
    letters: tuple[tuple[str, str], ...] = ()
    like: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """Letters that are counted together, in order of time, and the days after the first on which a new writer came (0 first)."""

    name: str
    letters: tuple[Sighting, ...]
    arrivals: tuple[int, ...]

    @property
    def born(self) -> date:
        return self.letters[0].day

    @property
    def kind(self) -> str:
        return f"{self.letters[0].issue}/{'/'.join(self.letters[0].place)}"


@dataclass(frozen=True, slots=True)
class Found:
    """A flag before it explains itself."""

    trend: Trend
    letters: tuple[Sighting, ...]

    def shares(self, other: Found) -> bool:
        """Whether half of these letters are the other's too."""
        theirs = {s.letter_id for s in other.letters}
        return 2 * sum(s.letter_id in theirs for s in self.letters) >= len(self.letters)


def writer_of(letter: Sighting) -> str:
    """Who wrote, only to be told from others; a letter whose writer is unknown has one of its own."""
    return letter.writer or f"\0{letter.letter_id}"


def thing_of(name: str, letters: Sequence[Sighting]) -> Thing:
    """letters: one and more, in order of time."""
    if len(letters) == 1:  # most words stand in one letter
        return Thing(name, tuple(letters), (0,))
    first: dict[str, int] = {}
    for letter in letters:
        first.setdefault(writer_of(letter), (letter.day - letters[0].day).days)
    return Thing(name, tuple(letters), tuple(first.values()))


def found(kind: str, thing: Thing, today: date, expected: float, p: float, q: float) -> Found:
    """A flag on this thing, not yet told."""
    trend = Trend(
        kind=kind, key=f"{kind}:{thing.name}", matter_id=thing.name if kind == MATTER else "", title=thing.name, place=usual_place(thing.letters),
        since=thing.born, on=today, seen=len(thing.letters), writers=len(thing.arrivals), expected=expected, p=p, q=q,
    )  # fmt: skip
    return Found(trend, thing.letters)


@cache
def levels(place: tuple[str, ...]) -> tuple[str, ...]:
    """Each level of a place with those above it: 云杉县, 云杉县/榆树沟镇."""
    return tuple("/".join(place[: depth + 1]) for depth in range(len(place)))


def parts(letter: Sighting, kind: str) -> tuple[str, ...]:
    """What a letter's issue is crossed with: every level of its place, or its signals."""
    if kind == SIGNAL:
        return letter.signals
    return levels(letter.place)


def cell_name(issue: str, part: str) -> str:
    """As in the key of a flag."""
    return f"{issue} {part}"


def usual_place(letters: Sequence[Sighting]) -> str:
    """The place most letters name, the deepest known; empty where none does."""
    places = Counter(s.place[-1] for s in letters if s.place)
    return min(places, key=lambda name: (-places[name], name)) if places else ""
