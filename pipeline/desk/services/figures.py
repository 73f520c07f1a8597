"""The office's figures: four rates, each with its definition, counted over a person's scope for a period and by unit, issue, place or month.

Each letter and matter counts once, in the month in which its matter was decided (“见分晓”): so a month that is over does not change when an old case ends
late. Nothing is counted by petitioner.
"""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Least, TruncMonth

from pipeline.desk.roles import Ability
from pipeline.desk.services.connection import translated
from pipeline.desk.services.rates import CONCLUDE, RATES, REGISTER, SATISFIED, SETTLED
from pipeline.desk.services.standing import clocks_of
from pipeline.desk.workflow import Outcome, Satisfaction, Status
from pipeline.triage.clocks import due
from pipeline.triage.regulation import RULES

if TYPE_CHECKING:  # the models exist only once Django is set up
    from django.db.models import QuerySet

    from pipeline.desk.models import User
    from pipeline.desk.models.matters import Matters


ANSWERED = (Status.ANSWERED, Status.REVIEW, Status.REVIEWED, Status.RECHECK, Status.CLOSED)
_TOWN = re.compile(r".+(?:镇|乡|街道|苏木)")


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months, the first day and the last."""

    first: date
    last: date

    @classmethod
    def of(cls, begin: date, end: date) -> Period:
        """The months of two days, whichever comes first."""
        begin, end = sorted((begin, end))
        return cls(begin.replace(day=1), end.replace(day=calendar.monthrange(end.year, end.month)[1]))


@dataclass(frozen=True, slots=True)
class Tally:
    """How many are good, of how many; `part`: those that are told beside (partly settled; fairly satisfied)."""

    good: int = 0
    part: int = 0
    all: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.good + other.good, self.part + other.part, self.all + other.all)

    @property
    def share(self) -> float | None:
        """None for 0 of 0."""
        return self.good / self.all if self.all else None

    @property
    def said(self) -> str:
        """With one decimal; 100% and 0% only when it is all or none; “—” for 0 of 0."""
        if not self.all:
            return "—"
        if self.good in (0, self.all):
            return "100%" if self.good else "0%"
        return f"{min(max(100 * self.good / self.all, 0.1), 99.9):.1f}%"


@dataclass(frozen=True, slots=True)
class Group:
    """One line of the table: `value` for addresses, `name` for people, a tally a rate."""

    value: str
    name: str
    tallies: dict[str, Tally] = field(default_factory=dict)


def counted(user: User) -> Matters:
    """The matters that are counted for a person: those in scope; for somebody who sees figures and reads no letters (the auditor), all that are there."""
    from pipeline.desk.models import Matter

    if user.can(Ability.READ):
        return Matter.objects.for_user(user)
    return Matter.objects.filter(united_into=None) if user.can(Ability.FIGURES) else Matter.objects.none()


def figures(user: User, period: Period, by: str, today: date) -> tuple[list[Group], Group]:
    """The groups that have anything to count, in order, and the total. Three queries."""
    matters = counted(user)
    with translated("count figures"):
        told = [
            *_summed(letters(matters, period, today), "letter__link__matter__", by, (REGISTER,)),
            *_summed(answered(matters, period), "", by, (SETTLED, SATISFIED)),
            *((value_of(by, one.raw(by)), CONCLUDE, Tally(one.good, 0, 1)) for one in concluded(matters, period, today)),
        ]
    groups: dict[str, dict[str, Tally]] = defaultdict(dict)
    total: dict[str, Tally] = {key: Tally() for key in RATES}
    for value, rate, tally in told:
        groups[value][rate] = groups[value].get(rate, Tally()) + tally
        total[rate] += tally
    rows = [Group(value, shown(by, value), {key: tallies.get(key, Tally()) for key in RATES}) for value, tallies in groups.items()]
    rows = [row for row in rows if any(tally.all for tally in row.tallies.values())]
    rows.sort(key=lambda row: row.value if by == "month" else (-sum(tally.all for tally in row.tallies.values()), row.name))
    return rows, Group("", "合计", total)


def letters(matters: Matters, period: Period, today: date) -> QuerySet[Any]:
    """Queue items whose registering was decided in the period."""
    from pipeline.desk.models import QueueItem

    items = QueueItem.objects.filter(Exists(matters.filter(pk=OuterRef("letter__link__matter"))))
    items = items.filter(Q(registered_on__isnull=False) | Q(due_on__lt=today))
    day = Least(Coalesce("registered_on", "due_on"), "due_on")
    return items.alias(day=day).filter(day__range=(period.first, period.last))


def answered(matters: Matters, period: Period) -> QuerySet[Any]:
    """Matters that stand answered, the last time in the period."""
    from pipeline.desk.models import Clock

    ends = Clock.objects.filter(matter=OuterRef("pk"), rule="conclude", ended_on__isnull=False).order_by("-ended_on").values("ended_on")[:1]
    return matters.filter(status__in=ANSWERED).alias(day=Subquery(ends)).filter(day__range=(period.first, period.last))


@dataclass(frozen=True, slots=True)
class Concluding:
    """One conclude clock that is decided: in time or not, on `day`."""

    matter_id: str
    unit: str
    issue: str
    area: str
    due: date
    ended: date | None

    @property
    def good(self) -> bool:
        return self.ended is not None and self.ended <= self.due

    @property
    def day(self) -> date:
        return min(self.ended or self.due, self.due)

    def raw(self, by: str) -> Any:
        return {"unit": self.unit, "issue": self.issue, "place": self.area, "month": self.day.replace(day=1)}[by]


def concluded(matters: Matters, period: Period, today: date) -> list[Concluding]:
    """Conclude clocks decided in the period, by day. Extension and pauses make the last day, so it is reckoned here (triage/clocks.py), not in SQL."""
    from pipeline.desk.models import Clock

    late = Q(ended_on=None, started_on__lt=today - timedelta(days=RULES["conclude"].days))  # none that runs is late earlier
    rows = Clock.objects.filter(Q(ended_on__gte=period.first) | late, rule="conclude", started_on__lte=period.last)
    rows = rows.filter(Exists(matters.filter(pk=OuterRef("matter")).exclude(status=Status.DECLINED)))
    wanted = (
        "rule",
        "started_on",
        "ended_on",
        "extended",
        "pauses",
        "matter__unit",
        "matter__issue",
        "matter__human_issue",
        "matter__area",
    )
    found = []
    for row in rows.select_related("matter").only("matter_id", *wanted).iterator():
        (clock,) = clocks_of([row])
        matter = row.matter
        one = Concluding(matter.pk, matter.unit, matter.shown_issue, matter.area, due(clock, today), clock.ended_on)
        if (one.ended or one.due < today) and period.first <= one.day <= period.last:
            found.append(one)
    return sorted(found, key=lambda one: (one.day, one.matter_id), reverse=True)


def chosen(rate: str, result: str) -> Q:
    """Which rows of `letters` or `answered` belong to a rate, or to one of its results."""
    in_time = Q(registered_on__isnull=False, registered_on__lte=F("due_on"))
    fits: dict[tuple[str, str], Q] = {
        (REGISTER, ""): Q(),
        (REGISTER, "good"): in_time,
        (REGISTER, "bad"): Q(registered_on=None) | Q(registered_on__gt=F("due_on")),
        (SETTLED, ""): ~Q(outcome=""),
        (SETTLED, "good"): Q(outcome=Outcome.SETTLED),
        (SETTLED, "part"): Q(outcome=Outcome.PARTLY),
        (SETTLED, "bad"): Q(outcome=Outcome.UNSETTLED),
        (SATISFIED, ""): ~Q(satisfaction=""),
        (SATISFIED, "good"): Q(satisfaction__in=(Satisfaction.GOOD, Satisfaction.FAIR)),
        (SATISFIED, "part"): Q(satisfaction=Satisfaction.FAIR),
        (SATISFIED, "bad"): Q(satisfaction=Satisfaction.POOR),
    }
    return fits[rate, result]


def _summed(rows: QuerySet[Any], prefix: str, by: str, rates: Sequence[str]) -> list[tuple[str, str, Tally]]:
    """(value, rate, tally) of each group, in one statement."""
    parts = {"all": "", "good": "good", "part": "part"}
    sums = {
        f"{rate}_{name}": Count("pk", filter=chosen(rate, result))
        for rate in rates
        for name, result in parts.items()
        if not result or result in RATES[rate].results
    }
    found = rows.order_by().annotate(key=_key(prefix, by)).values("key").annotate(**sums)
    return [
        (value_of(by, row["key"]), rate, Tally(**{name: row.get(f"{rate}_{name}", 0) for name in parts})) for row in found for rate in rates
    ]


def _key(prefix: str, by: str) -> Any:
    if by == "month":
        return TruncMonth("day")
    if by == "issue":
        return Case(When(**{f"{prefix}human_issue": ""}, then=F(f"{prefix}issue")), default=F(f"{prefix}human_issue"))
    return F(prefix + {"unit": "unit", "place": "area"}[by])


def value_of(by: str, raw: Any) -> str:
    """A group's value from what the database or a clock says: a month as 2026-04, a place as its township."""
    if by == "month":
        return f"{raw:%Y-%m}"
    return township(raw) if by == "place" else str(raw)


def township(area: str) -> str:
    """The township of a place “省/市/县/镇/村”; of one without, its county; "" for less, such as an institution that stands alone."""
    parts = area.split("/")
    towns = [part for part in parts if _TOWN.fullmatch(part)]
    return towns[0] if towns else f"{parts[2]}（乡镇不详）" if len(parts) > 2 else ""


def shown(by: str, value: str) -> str:
    """A group's value for people."""
    if not value:
        return {"unit": "未定单位", "issue": "未定类别", "place": "地点不详"}.get(by, "")
    day = month(value) if by == "month" else None
    return f"{day.year}年{day.month}月" if day else value


def within(rows: QuerySet[Any], prefix: str, by: str, value: str) -> QuerySet[Any]:
    """Those rows of `letters` or `answered` that are in one group."""
    rows = rows.annotate(key=_key(prefix, by))
    if by == "place":
        areas = rows.order_by().values_list("key", flat=True).distinct()
        return rows.filter(key__in=[area for area in areas if township(area) == value])
    if by == "month":
        begin = month(value)
        return rows.filter(key=begin) if begin else rows.none()
    return rows.filter(key=Value(value))


def month(text: str) -> date | None:
    """The first day of 2026-04; None for anything else, and for a year that no letter has."""
    try:
        return date.fromisoformat(f"{text}-01") if re.fullmatch(r"(19|20)\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        return None
