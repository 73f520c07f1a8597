"""What stands behind a number of the figures: the letters or matters, one by one, for people who read letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.desk.services.figures import (
    Concluding,
    Period,
    answered,
    chosen,
    concluded,
    letters,
    shown,
    value_of,
    within,
)  # fmt: skip
from pipeline.desk.services.letters import heading
from pipeline.desk.services.rates import CONCLUDE, REGISTER, SATISFIED
from pipeline.desk.workflow import Outcome, Satisfaction

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which number: `value` None is the total, `result` empty all that is below the line."""

    rate: str
    period: Period
    by: str = "unit"
    value: str | None = None
    result: str = ""

    @property
    def name(self) -> str:
        return "" if self.value is None else shown(self.by, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """One letter or matter. Masked. `letter_id` empty: a matter. said: how it went, in words; good: whether it counts above the line."""

    matter_id: str
    letter_id: str = ""
    title: str
    unit: str
    said: str
    good: bool


def cases(user: User, asked: Asked, today: date) -> Sequence[Any]:
    """All of them, newest first, for a paginator; `behind` tells one page of them. Nothing for who reads no letters."""
    from pipeline.desk.models import Matter

    matters = Matter.objects.for_user(user)
    if asked.rate == CONCLUDE:
        return [one for one in concluded(matters, asked.period, today) if _fits(one, asked)]
    if asked.rate == REGISTER:
        rows, prefix, order = letters(matters, asked.period, today), "letter__link__matter__", ("-due_on", "letter")
        rows = rows.select_related("letter", "letter__link__matter").only(
            "due_on", "registered_on", "letter__text", "letter__link__matter__unit"
        )
    else:
        rows, prefix, order = answered(matters, asked.period), "", ("-last_on", "matter_id")
        rows = rows.only("title", "unit", "outcome", "satisfaction")
    rows = rows.filter(chosen(asked.rate, asked.result))
    if asked.value is not None:
        rows = within(rows, prefix, asked.by, asked.value)
    return rows.order_by(*order)


def _fits(one: Concluding, asked: Asked) -> bool:
    if asked.result and one.good != (asked.result == "good"):
        return False
    return asked.value is None or asked.value == value_of(asked.by, one.raw(asked.by))


def behind(rate: str, part: Iterable[Any]) -> list[Behind]:
    """One page of `cases` in words. At most one query."""
    part = list(part)
    if rate == REGISTER:
        return [_letter(item) for item in part]
    if rate == CONCLUDE:
        return _concluded(part)
    return [_answered(rate, matter) for matter in part]


def _letter(item: Any) -> Behind:
    link, letter = item.letter.link, item.letter
    if item.registered_on is None:
        said = f"应于{_day(item.due_on)}前登记，还没有登记"
    else:
        said = f"{_day(item.registered_on)}登记，期限{_day(item.due_on)}{_late(item.registered_on, item.due_on)}"
    good = item.registered_on is not None and item.registered_on <= item.due_on
    return Behind(matter_id=link.matter_id, letter_id=letter.pk, title=heading(letter), unit=link.matter.unit, said=said, good=good)


def _concluded(part: Sequence[Concluding]) -> list[Behind]:
    from pipeline.desk.models import Matter

    titles = dict(Matter.objects.filter(pk__in={one.matter_id for one in part}).values_list("pk", "title"))
    return [
        Behind(
            matter_id=one.matter_id, title=titles[one.matter_id] or one.matter_id, unit=one.unit, good=one.good,
            said=f"{_day(one.ended)}办结，期限{_day(one.due)}{_late(one.ended, one.due)}" if one.ended else f"应于{_day(one.due)}办结，还没有办结",
        )
        for one in part
    ]  # fmt: skip


def _answered(rate: str, matter: Any) -> Behind:
    if rate == SATISFIED:
        said, good = Satisfaction(matter.satisfaction).label, matter.satisfaction in (Satisfaction.GOOD, Satisfaction.FAIR)
    else:
        said, good = Outcome(matter.outcome).label, matter.outcome == Outcome.SETTLED
    return Behind(matter_id=matter.pk, title=matter.title or matter.pk, unit=matter.unit, said=said, good=good)


def _late(day: date, last: date) -> str:
    return f"，逾期 {(day - last).days} 天" if day > last else ""


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
