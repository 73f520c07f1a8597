"""Finding how a text file is encoded, and reading it line by line without trusting it."""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TextIO

MAX_RECORD = 5_000_000
"""Characters of one csv record or one line; more is not a letter but a broken file."""
MAX_REREAD = 50_000_000
MARK = "\udcff"
"""Stands where bytes could not be decoded; no valid text holds it, so the row can be told and rejected."""

_SAMPLE = 65_536
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = ("utf-8-sig", "gb18030", "utf-16-le", "utf-16-be")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK, error.end


def _marking() -> str:
    codecs.register_error("zhiwei.mark", _mark)
    return "zhiwei.mark"


def open_text(path: Path, encoding: str) -> TextIO:
    """The file as text with its line ends kept; undecodable bytes become MARK."""
    return open(path, encoding=encoding, errors=_marking(), newline="")


def decoded(data: bytes, encoding: str) -> str:
    """The beginning of a text, a character cut at its end left off."""
    return codecs.getincrementaldecoder(encoding)(errors=_marking()).decode(data, final=False)


def lines_in(text: str) -> list[str]:
    """Lines by the line ends that tables use (`str.splitlines` knows more, which stand inside cells)."""
    return re.split("\r\n|\r|\n", text)


def find_encoding(path: Path, familiar: Callable[[str], bool] = lambda text: False) -> str:
    """The encoding of a text file: by its byte order mark, else by `familiar` words in its beginning, else by likelihood.

    `familiar` sees the decoded beginning and says whether it knows a word there that is not ASCII.
    """
    with open(path, "rb") as stream:
        head = telling = stream.read(_SAMPLE)
        while telling and telling.isascii() and b"\0" not in telling:
            telling = stream.read(_SAMPLE)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    if not telling:
        return "utf-8-sig"
    for encoding in _CANDIDATES:
        if familiar(decoded(head, encoding)):
            return encoding
    return _likeliest(telling)


def _likeliest(sample: bytes) -> str:
    text = decoded(sample, "utf-8-sig")
    if MARK not in text and "\0" not in text:
        return "utf-8-sig"
    return max(_CANDIDATES, key=lambda encoding: _likelihood(decoded(sample, encoding)))


def _likelihood(text: str) -> float:
    """Share of usual characters, less thrice the share of impossible ones."""
    bad = sum(text.count(char) for char in (MARK, "\0", "\ufffd"))
    bad += sum("\ue000" <= char <= "\uf8ff" or char < "\t" for char in text)
    return (sum(map(_usual().__contains__, text)) - 3 * bad) / (len(text) or 1)


@cache
def _usual() -> frozenset[str]:
    level_1 = bytes(byte for lead in range(0xB0, 0xD8) for tail in range(0xA1, 0xFF) for byte in (lead, tail))
    common = set(level_1.decode("gb2312", "ignore"))
    return frozenset(common | set(map(chr, range(32, 127))) | set("\t\r\n，。、；：？！“”‘’（）《》【】—…·　"))


class TooLong(Exception):
    """A record passed its limit of characters or lines."""


class Lines(Iterator[str]):
    """Physical lines of a text, each bounded, remembered since `start` so that a broken record can be given back."""

    def __init__(self, stream: TextIO, max_lines: int = 10_000) -> None:
        self._stream = stream
        self._max_lines = max_lines
        self._ahead: deque[str] = deque()
        self._taken: list[str] = []
        self._size = 0
        self._reread = 0

    def start(self) -> None:
        """A new record begins here."""
        self._taken.clear()
        self._size = 0

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else self._stream.readline(MAX_RECORD)
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._size += len(line)
        if self._size >= MAX_RECORD or len(self._taken) > self._max_lines:
            raise TooLong
        return line

    def resume_after_first(self) -> str:
        """Give back all lines of the current record but the first, which is returned; its overlong rest is skipped."""
        first, rest = self._taken[0], self._taken[1:]
        self._ahead.extendleft(reversed(rest))
        self._reread += sum(map(len, rest))
        line = first
        while len(line) >= MAX_RECORD // 5 and not line.endswith(("\n", "\r")) and not rest:
            line = self._stream.readline(MAX_RECORD // 5)
        self.start()
        return first

    @property
    def hopeless(self) -> bool:
        """Whether so much was read twice that the file's quoting is not worth following."""
        return self._reread > MAX_REREAD
