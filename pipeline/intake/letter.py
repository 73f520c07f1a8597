"""What one letter is, before and after masking, and what a row becomes that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""A time without a zone is office time: every county in China keeps Beijing time."""

HEADING = 200

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter as it came in, personal data and all. Never enters the scorer, an index, a log or an export.

    `received_at` is made aware (Asia/Shanghai) if it has no zone; None where the source gives no time.
    `writer_ref` is opaque and used only to count distinct writers of a matter. `source` and `row` say where it stood, as in `Rejected`.
    Raises ValueError when `letter_id` is empty or when title and body are both blank.
    """

    letter_id: str
    title: str
    body: str
    received_at: datetime | None = None
    channel: str = ""
    writer_ref: str = ""
    place_hint: str = ""
    extra: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    source: str = ""
    row: int = 0

    def __post_init__(self) -> None:
        if not self.letter_id.strip():
            raise ValueError("信件编号为空：每封信都要有编号。")
        if not self.title.strip() and not self.body.strip():
            raise ValueError("标题和正文都是空的：没有可读的内容。")
        if self.received_at is not None and self.received_at.tzinfo is None:
            object.__setattr__(self, "received_at", self.received_at.replace(tzinfo=SHANGHAI))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that could not become a letter.

    `source` is the file (and sheet or table), `row` its 1-based number as a clerk sees it in Excel (0: the whole file),
    `reason` a Chinese sentence a clerk understands, `raw` at most 500 characters of what stood there.
    """

    source: str
    row: int
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedLetter:
    """A letter with personal data masked; the only form that goes further.

    `text` is title, newline, body (the title line is empty when there is none); `masks` counts masks by kind.
    """

    letter_id: str
    text: str
    received_at: datetime | None = None
    masks: Mapping[str, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def heading(self) -> str:
        """The first line that says something: the title, else the beginning of the body."""
        return next((line.strip() for line in self.text.split("\n") if line.strip()), "")[:HEADING]

    @property
    def body(self) -> str:
        return self.text.partition("\n")[2]
