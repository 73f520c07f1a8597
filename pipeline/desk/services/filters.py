"""What a person asks of the queue: one record made from the page's query string, and the matters that fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from django.core.cache import cache
from django.db.models import F, Q
from django.utils import timezone

from pipeline.desk.roles import Role
from pipeline.desk.services.letters import masked_words
from pipeline.desk.services.search import found
from pipeline.desk.services.units import towns, unit_names
from pipeline.desk.workflow import DONE, Status
from pipeline.scoring.labels import load_labels

if TYPE_CHECKING:  # the models exist only once Django is set up
    from django.http import QueryDict

    from pipeline.desk.models import User
    from pipeline.desk.models.matters import Matters

EARLY = "2+"
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "status": "进度",
        "level": "等级",
        "issue": "类别",
        "signal": "迹象",
        "town": "乡镇",
        "unit": "单位",
        "band": "期限",
        "channel": "渠道",
        "order": "排序",
    }
)
"""What is chosen from a list, as the page calls it."""
FLAGS: Mapping[str, str] = MappingProxyType({"mine": "我在办", "free": "无人在办", "fresh": "有新来信"})
DAYS: Mapping[str, str] = MappingProxyType({"since": "来信从", "until": "到"})
BANDS: Mapping[str, str] = MappingProxyType({"3": "已超期", "2": "今明到期", "1": "快到期", "0": "不急"})
ORDERS: Mapping[str, str] = MappingProxyType({"due": "期限先到的在前", "new": "最近来信的在前", "letters": "来信多的在前"})
COLUMNS: Mapping[str, str] = MappingProxyType(
    {"risk": "风险", "kind": "类别和迹象", "place": "地点和单位", "clock": "期限和等候", "hand": "进度和经办", "reason": "理由"}
)
LONGEST_QUESTION = 100
MOST_CHANNELS = 40
CHANNELS_SECONDS = 600

Choices = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The queue as asked for; an empty field asks for nothing. `q` is masked. `cols`: the columns to show, empty for all."""

    q: str = ""
    status: str = ""
    level: str = ""
    issue: str = ""
    signal: str = ""
    town: str = ""
    unit: str = ""
    band: str = ""
    channel: str = ""
    order: str = ""
    mine: bool = False
    free: bool = False
    fresh: bool = False
    since: date | None = None
    until: date | None = None
    cols: tuple[str, ...] = ()

    def fields(self) -> list[tuple[str, str]]:
        """What is asked for, as names and values of a form."""
        told = [(name, getattr(self, name)) for name in self.__dataclass_fields__]
        return [(name, _written(value)) for name, value in told if value]

    def to_query(self) -> str:
        """The query string that asks for the same again, without "?"."""
        return urlencode(self.fields())

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out, so that an empty page may come from it."""
        return replace(self, order="", cols=()) != Filters()

    def shows(self) -> frozenset[str]:
        """The columns to show."""
        return frozenset(self.cols or COLUMNS)


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return "1" if value is True else str(value)


def choices(user: User) -> Choices:
    """What each list offers this person: value -> words."""
    labels = load_labels()
    levels = {str(at): name for at, name in reversed(list(enumerate(labels.level_names)))}
    return {
        "status": dict(Status.choices),
        "level": {EARLY: "苗头和紧急", **levels},
        "issue": {name: name for name in labels.issues},
        "signal": dict(zip(labels.signals, labels.signal_names, strict=True)),
        "town": {name: name for name in towns()},
        "unit": {} if user.role == Role.HANDLER else {name: name for name in unit_names()},
        "band": BANDS,
        "channel": {name: name for name in _channels(user)},
        "order": ORDERS,
    }


def scope(user: User) -> str:
    """A key for what is reckoned over everything that a person sees and kept for a while: the same for people who see the same."""
    return f"unit-{quote(user.unit)}" if user.role == Role.HANDLER else "office"


def _channels(user: User) -> list[str]:
    """The channels that matters in the queue came by; reading them looks at every row, so they are kept for some minutes."""
    from pipeline.desk.models import Matter

    def read() -> list[str]:
        rows = Matter.objects.for_user(user).filter(live=True).exclude(channel="").order_by().values_list("channel", flat=True)
        return sorted(rows.distinct()[:MOST_CHANNELS])

    return list(cache.get_or_set(f"desk-channels-{scope(user)}", read, CHANNELS_SECONDS) or ())


def parse(query: QueryDict, offered: Choices) -> tuple[Filters, list[str]]:
    """The query string as a record, and a sentence for each value that is not known and was left out."""
    problems: list[str] = []
    given: dict[str, Any] = {"q": masked_words(query.get("q", "").replace("\0", "")[:LONGEST_QUESTION])}
    for name, shown in NAMES.items():
        value = query.get(name, "").strip()
        if not value or value in offered[name]:
            given[name] = value
        else:
            problems.append(_ignored(shown, value))
    for name in FLAGS:
        given[name] = query.get(name, "") == "1"
    for name, shown in DAYS.items():
        given[name] = _day(query.get(name, "").strip(), shown, problems)
    wanted = [part for part in ",".join(query.getlist("cols")).split(",") if part]
    problems += [_ignored("列", part) for part in wanted if part not in COLUMNS]
    given["cols"] = () if set(wanted) >= set(COLUMNS) else tuple(name for name in COLUMNS if name in wanted)
    return Filters(**given), problems


def _day(value: str, shown: str, problems: list[str]) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        problems.append(_ignored(shown, value))
        return None


def _ignored(shown: str, value: str) -> str:
    return f"“{shown}”里没有“{value[:20]}”这一项，没有按它筛选。"


def fitting(user: User, filters: Filters) -> Matters:
    """The matters of this person's scope that fit; those out of the queue only when their status is asked for."""
    from pipeline.desk.models import Matter

    matters = Matter.objects.for_user(user).filter(live=filters.status not in DONE)
    matters = _said(matters, filters)
    matters = _held(matters, filters, user)
    plain = {"status": filters.status, "unit": filters.unit, "band": filters.band, "channel": filters.channel}
    matters = matters.filter(**{name: value for name, value in plain.items() if value})
    if filters.since:
        matters = matters.filter(last_on__gte=filters.since)
    if filters.until:
        matters = matters.filter(first_on__lte=filters.until)
    return found(matters, filters.q) if filters.q else matters


def _said(matters: Matters, filters: Filters) -> Matters:
    """By what the letters say: issue, signal, level, place."""
    if filters.issue:
        matters = matters.filter(Q(human_issue=filters.issue) | Q(human_issue="", issue=filters.issue))
    if filters.signal:
        bit = 1 << load_labels().signals.index(filters.signal)
        matters = matters.alias(bit=F("signal_bits").bitand(bit)).filter(bit__gt=0)
    if filters.level:
        matters = matters.filter(level__gte=2) if filters.level == EARLY else matters.filter(level=int(filters.level))
    if filters.town:
        area = towns()[filters.town]
        matters = matters.filter(Q(area=area) | Q(area__startswith=f"{area}/"))
    return matters


def _held(matters: Matters, filters: Filters, user: User) -> Matters:
    """By whose work it is or who has it in hand now, and whether letters wait to be registered."""
    now = timezone.now()
    if filters.mine:
        mine = matters.model.objects.order_by()  # two looks by index; one OR would read the whole queue
        given = mine.filter(assignee=user, live=True).values("pk")
        matters = matters.filter(pk__in=given.union(mine.filter(holder=user, held_until__gt=now).values("pk")))
    if filters.free:
        matters = matters.filter(Q(holder=None) | Q(held_until__lte=now), assignee=None)
    return matters.filter(fresh__gt=0) if filters.fresh else matters


def ordered(matters: Matters, order: str) -> Matters:
    """In the order of the queue, or another of ORDERS."""
    first: dict[str, list[Any]] = {
        "": [],
        "due": [F("due_on").asc(nulls_last=True)],
        "new": [F("last_on").desc()],
        "letters": [F("letters").desc()],
    }
    return matters.order_by(*first[order], F("rank").desc(), "matter_id")
