"""All clocks of a matter, as the matter page and the dossier tell them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipeline.desk.services.day import office_day
from pipeline.desk.services.standing import clocks_of, register_clock
from pipeline.triage import clocks
from pipeline.triage.clocks import Clock
from pipeline.triage.regulation import PAUSES, RULES, PauseKind

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A clock in words. `extendable`: the days that it may still be put off by, 0 for none; `pauses`: why it may stand still; empty when it may not."""

    rule: str
    name: str
    article: str
    text: str
    started_on: date
    due_on: date
    said: str
    band: int
    running: bool
    paused: bool
    extended: int
    extendable: int
    pauses: tuple[PauseKind, ...]


def deadlines(matter: Matter) -> list[Deadline]:
    """The matter's clocks: running ones first, the nearest of them at the top; then those that have ended, the last first."""
    today = office_day()
    waiting = _waiting(matter)
    told = [_deadline(clock, today) for clock in (*waiting, *clocks_of(matter.clocks.order_by("pk")))]
    running = sorted((one for one in told if one.running), key=lambda one: (-one.band, one.due_on))
    return running + [one for one in reversed(told) if not one.running]


def _waiting(matter: Matter) -> list[Clock]:
    """The clock of registering, of the letter that waits longest."""
    from pipeline.desk.models import QueueItem

    waiting = QueueItem.objects.filter(letter__link__matter=matter, status=QueueItem.Status.OPEN)
    return register_clock(list(waiting.order_by("due_on").values_list("due_on", flat=True)[:1]))


def _deadline(clock: Clock, today: date) -> Deadline:
    rule, running, paused = RULES[clock.rule], clock.ended_on is None, clocks.paused(clock, today) is not None
    late = clocks.remaining(clock, today) < 0
    may = running and not late and rule.key != "register"
    return Deadline(
        rule=rule.key,
        name=rule.name,
        article=rule.article,
        text=rule.text,
        started_on=clock.started_on,
        due_on=clocks.due(clock, today),
        said=clocks.said(clock, today),
        band=int(clocks.band(clock, today)),
        running=running,
        paused=paused,
        extended=clock.extended,
        extendable=rule.extendable_days if may and not clock.extended else 0,
        pauses=tuple(kind for kind in PAUSES.values() if rule.key in kind.rules) if may and not paused else (),
    )
