"""What a matter's dossier (卷宗) says: what the office did, and the masked letters. How it is printed stands in dossier_docx.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """A statutory clock: its article, its days, and how it stands in words."""

    name: str
    article: str
    started: date
    due: date
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterLine:
    """A letter of the matter; `text` is the masked text, never the original."""

    letter_id: str
    day: date
    channel: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonLine:
    """Why the matter stands where it stands; `share` of its priority, 0..1."""

    sentence: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ActLine:
    """What one of the office's people did, or wrote down, and when (aware)."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that the file says, in the words that it says it in. An empty text is printed as not filled in.

    Attributes:
        level, status, way, outcome, satisfaction: names that staff see. risk: in words.
        purpose: why it was printed, as recorded. printed_at: aware.
        steps: what was done about the matter. events: what people did with it on the desk.
        way: of settling, as it is suggested, with its reason.
    """

    matter_id: str
    title: str
    printed_at: datetime
    printed_by: str
    purpose: str
    issue: str = ""
    level: str = ""
    risk: str = ""
    places: tuple[str, ...] = ()
    unit: str = ""
    leader: str = ""
    status: str = ""
    clocks: tuple[ClockLine, ...] = ()
    reasons: tuple[ReasonLine, ...] = ()
    plan: str = ""
    way: str = ""
    way_reason: str = ""
    steps: tuple[ActLine, ...] = ()
    outcome: str = ""
    satisfaction: str = ""
    letters: tuple[LetterLine, ...] = ()
    events: tuple[ActLine, ...] = ()
