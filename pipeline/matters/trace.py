"""What linking keeps of a letter: its embedding, its words as numbers, its labels, its places. Small, and no text can be read from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pipeline.intake.characters import plain
from pipeline.intake.letter import SHANGHAI, RedactedLetter
from pipeline.matters.gazetteer.place import KINDS
from pipeline.matters.places import Gazetteer
from pipeline.scoring.score import Score

MASK = re.compile(r"［[^］]{1,8}］")
HEAD, READ = 300, 1_500
"""Characters of the body that weigh in the comparison of beginnings, and that are read at all."""
MOST = 15
"""A count is kept in four bits."""
UNKNOWN_DAY = -1.0
FACTS = 9
"""Numbers before the arrays of a stored trace: day, length, and the arrays' sizes."""


@lru_cache(200_000)
def number(word: str) -> int:
    """A word as 32 bits (CRC-32 of its UTF-8)."""
    return crc32(word.encode("utf-8"))


def words(text: str) -> list[str]:
    """The words of two characters and more of a masked text, in one writing; masks are no words."""
    import rjieba

    shown = MASK.sub(" ", text).translate(plain()).lower()
    return [word for word in rjieba.cut(shown) if len(word) > 1 and any(sign.isalnum() for sign in word)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """One letter as linking sees it.

    Attributes:
        day: days since 1970 of its receipt, UNKNOWN_DAY if unknown.
        embedding: int8 (width,), the unit vector times 127.
        issue, signals: uint8, probabilities times 255.
        length: characters of the body.
        words: uint32, sorted, the different words' numbers.
        title, head: uint8, how often each word stands in the title and in the body's beginning, at most 15.
        places: uint32, the districts or counties named; title_places those named in the title; spots: townships, villages, estates, institutions.
    """

    letter_id: str
    day: float
    embedding: NDArray[np.int8]
    issue: NDArray[np.uint8]
    signals: NDArray[np.uint8]
    length: int
    words: NDArray[np.uint32]
    title: NDArray[np.uint8]
    head: NDArray[np.uint8]
    places: NDArray[np.uint32]
    title_places: NDArray[np.uint32]
    spots: NDArray[np.uint32]

    def to_bytes(self) -> bytes:
        """As the store keeps it."""
        sizes = [len(part) for part in (self.embedding, self.issue, self.signals, self.words, self.places, self.title_places, self.spots)]
        head = np.array([self.day, self.length, *sizes], "<f8").tobytes()
        numbers = np.concatenate([self.words, self.places, self.title_places, self.spots]).astype("<u4").tobytes()
        counts = (self.title << 4 | self.head).astype(np.uint8).tobytes()
        return head + self.embedding.tobytes() + numbers + self.issue.tobytes() + self.signals.tobytes() + counts

    @classmethod
    def from_bytes(cls, letter_id: str, data: bytes) -> Trace:
        day, length, *sizes = np.frombuffer(data, "<f8", FACTS)
        width, issues, signals, count, *named = (int(size) for size in sizes)
        vector = np.frombuffer(data, np.int8, width, 8 * FACTS)
        numbers = np.frombuffer(data, "<u4", count + sum(named), 8 * FACTS + width).astype(np.uint32)
        rest = np.frombuffer(data, np.uint8, offset=8 * FACTS + width + 4 * len(numbers))
        issue, signal, counts = np.split(rest, np.cumsum([issues, signals]))
        places, title_places, spots = np.split(numbers[count:], np.cumsum(named)[:-1])
        return cls(
            letter_id=letter_id, day=float(day), length=int(length), embedding=vector, issue=issue, signals=signal,
            words=numbers[:count], title=(counts >> 4).astype(np.uint8), head=(counts & MOST).astype(np.uint8), places=places,
            title_places=title_places, spots=spots,
        )  # fmt: skip


def stored_vectors(stored: Sequence[bytes], width: int) -> NDArray[np.int8]:
    """The embeddings alone of stored traces, (traces, width): a tenth of the time that whole ones take."""
    begin = 8 * FACTS
    return np.frombuffer(b"".join(data[begin : begin + width] for data in stored), np.int8).reshape(len(stored), width)


def trace_of(letter: RedactedLetter, score: Score, gazetteer: Gazetteer) -> Trace:
    """What linking keeps of a letter."""
    body = letter.body[:READ]
    title, head = Counter(map(number, words(letter.title))), Counter(map(number, words(body[:HEAD])))
    every = np.unique(np.fromiter({*title, *head, *map(number, words(body[HEAD:]))}, np.uint32))
    listed, found = every.tolist(), gazetteer.find(letter.text)
    return Trace(
        letter_id=letter.letter_id,
        day=day_of(letter.received_at),
        embedding=np.rint(score.embedding * 127).astype(np.int8),
        issue=np.rint(score.issue * 255).astype(np.uint8),
        signals=np.rint(score.signals * 255).astype(np.uint8),
        length=min(len(letter.body), 1_000_000),
        words=every,
        title=np.array([min(title[word], MOST) for word in listed], np.uint8),
        head=np.array([min(head[word], MOST) for word in listed], np.uint8),
        places=_numbers(place.name for place in found if place.kind == "county"),
        title_places=_numbers(place.name for place in gazetteer.find(letter.title) if place.kind == "county"),
        spots=_numbers(place.name for place in found if KINDS.index(place.kind) > KINDS.index("county")),
    )


def _numbers(names: Iterable[str]) -> NDArray[np.uint32]:
    return np.unique(np.fromiter(map(number, names), np.uint32))


def day_of(moment: datetime | None) -> float:
    """Days since 1970, with their fraction; UNKNOWN_DAY without a time."""
    return moment.timestamp() / 86_400 if moment else UNKNOWN_DAY


def date_of(day: float) -> date:
    """The day in office time of so many days since 1970."""
    return datetime.fromtimestamp(day * 86_400, SHANGHAI).date()
