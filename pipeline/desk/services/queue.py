"""The queue: which matters stand on a page, and what each row says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.desk.services.claims import shown_holder
from pipeline.desk.services.day import office_day
from pipeline.desk.services.filters import Filters, fitting, ordered
from pipeline.desk.services.standing import clocks_of, rests
from pipeline.desk.services.units import home
from pipeline.scoring.labels import load_labels
from pipeline.triage.clocks import Clock, band, said
from pipeline.triage.policy import REST, load_policy
from pipeline.triage.regulation import REGISTER_DAYS

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk import models
    from pipeline.desk.models import User

PAGE = 25
COUNTED = 1_000
"""So many matters are counted; of more the page says “1,000 件以上”."""
FARTHEST = 2_000
"""The last page that may be asked for: to reach a page, the rows before it are read."""
REASONS, SIGNALS = 3, 4
"""A row names so many reasons and signals."""
NEAR = ("", "期限将到", "今明到期", "已超期")
SHOWN = (
    "matter_id", "title", "issue", "human_issue", "signals", "letters", "first_on", "last_on", "level", "risk", "reasons", "human_priority", "area", "fresh",
    "unit", "due_on", "due_clock", "band", "status", "live", "holder", "held_until", "token", "version", "united_into", "holder__name",
    "assignee__name",
)  # fmt: skip
"""The columns that a row needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One matter of the queue in words.

    `signals`: those that weigh most first. `clock`, `clock_note`, `band`: its nearest clock, the day behind it, and how near it is.
    `waited`: days since the first letter. `holder`: who has it in hand now; `mine`: the person who looks. `why`: the first reasons, and what the
    clock adds; `brief`: the same in a few words.
    """

    matter: models.Matter
    level: str
    risk: str
    signals: tuple[str, ...]
    place: str
    clock: str
    clock_note: str
    band: int
    waited: int
    holder: str
    mine: bool
    why: str
    brief: str

    @property
    def first_signals(self) -> tuple[str, ...]:
        """Those that the row has room for."""
        return self.signals[:SIGNALS]

    @property
    def more_signals(self) -> int:
        """How many it has no room for."""
        return len(self.signals[SIGNALS:])


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its rows, its number from 1, how many matters fit (at most COUNTED + 1), and whether another page follows."""

    rows: tuple[Row, ...]
    number: int
    count: int
    more: bool

    @property
    def counted(self) -> str:
        """How many fit, in words."""
        return f"{self.count} 件" if self.count <= COUNTED else f"{COUNTED:,} 件以上"


def page(user: User, filters: Filters, number: int) -> Page:
    """A page of the queue. The first COUNTED ids are read once, for the count and for the page."""
    number = min(max(number, 1), FARTHEST)
    matters = ordered(fitting(user, filters), filters.order).values_list("pk", flat=True)
    first = list(matters[: COUNTED + 1])
    begin = (number - 1) * PAGE
    known = len(first) <= COUNTED or begin + PAGE < len(first)
    ids = first[begin : begin + PAGE + 1] if known else list(matters[begin : begin + PAGE + 1])
    return Page(tuple(rows(user, ids[:PAGE])), number, len(first), len(ids) > PAGE)


def rows(user: User, ids: Sequence[str]) -> list[Row]:
    """The rows of these matters, in this order; those out of the person's scope are left out."""
    from pipeline.desk.models import Clock as Table
    from pipeline.desk.models import Matter

    there = {one.pk: one for one in Matter.objects.for_user(user).filter(pk__in=ids).select_related("holder", "assignee").only(*SHOWN)}
    running = {(one.matter_id, one.rule): one for one in Table.objects.filter(matter__in=ids, ended_on=None)}
    today = office_day()
    return [_row(there[pk], running.get((pk, there[pk].due_clock)), user, today) for pk in ids if pk in there]


def _row(matter: models.Matter, running: models.Clock | None, user: User, today: date) -> Row:
    labels = load_labels()
    clock = _clock(matter, running)
    words, _, note = said(clock, today).rstrip("）").partition("（") if clock else ("", "", "")
    near = int(band(clock, today)) if clock else 0
    holder, why = shown_holder(matter), _why(matter, near)
    return Row(
        matter=matter,
        level=labels.level_names[matter.level],
        risk=f"苗头可能 {matter.risk:.0%}",
        signals=_signals(matter),
        place=_place(matter.area),
        clock=words,
        clock_note=note,
        band=near,
        waited=max((today - matter.first_on).days, 0) if matter.first_on else 0,
        holder=holder,
        mine=bool(holder) and matter.holder_id == user.pk,
        why="；".join(why),
        brief=" · ".join(text.partition("：")[0] for text in why),
    )


def _signals(matter: models.Matter) -> tuple[str, ...]:
    labels, weights = load_labels(), load_policy().signals
    names = dict(zip(labels.signals, labels.signal_names, strict=True))
    return tuple(names[key] for key in sorted(matter.signals, key=lambda key: -weights[key]))


def _clock(matter: models.Matter, running: models.Clock | None) -> Clock | None:
    """The matter's nearest clock; that of registering stands with the letters, and only its last day with the matter."""
    if running is not None:
        return clocks_of([running])[0]
    if matter.due_clock == "register" and matter.due_on:
        return Clock(rule="register", started_on=matter.due_on - timedelta(days=REGISTER_DAYS))
    return None


def _place(area: str) -> str:
    """The place without the office's own county before it."""
    own = home()
    inside = area.removeprefix(f"{own}/") if area != own else area.rpartition("/")[2]
    return inside.replace("/", "")


def _why(matter: models.Matter, near: int) -> list[str]:
    told = [str(text) for text, _ in matter.reasons if text != REST][:REASONS]
    if matter.human_priority is not None:
        return [f"排序由工作人员定为 {matter.human_priority:g} 分", *told]
    if rests(matter):
        told.insert(0, "已答复，等来信人")
    added = load_policy().clocks[near]
    return [*told, f"{NEAR[near]}加 {added:g} 分"] if near and added else told
