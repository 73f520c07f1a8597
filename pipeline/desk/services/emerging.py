"""What is starting (苗头): the tendencies that the nightly runs saw begin, how they went on, and what the office makes of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from pipeline.desk import charts
from pipeline.desk.services.claims import HeldError
from pipeline.desk.services.connection import translated
from pipeline.desk.services.day import office_day
from pipeline.desk.services.events import record
from pipeline.errors import MatterError
from pipeline.intake.letter import SHANGHAI

if TYPE_CHECKING:  # the models exist only once Django is set up
    from django.db.models import QuerySet

    from pipeline.desk.models import Flag, FlagAct, User

KINDS: Mapping[str, str] = MappingProxyType({"matter": "同一事项", "word": "新说法", "place": "一地一类问题", "signal": "一类问题的新迹象"})
SPANS: Mapping[int, str] = MappingProxyType({7: "近 7 天", 30: "近 30 天", 90: "近 90 天", 0: "全部"})
ACTS: Mapping[str, str] = MappingProxyType({"acknowledged": "确认", "watched": "持续关注", "dismissed": "不成立"})
"""State -> the button that leads to it."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)
BY_DAY = 31
"""Days up to which a picture has a bar a day; beyond, a bar a week."""


class JudgedError(HeldError):
    """Somebody else has judged the tendency since the page was opened: both must be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What part of the board to show; `state`, `kind` empty: all; `days` a key of SPANS."""

    state: str = ""
    kind: str = ""
    days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One tendency with all that is told of it. Masked throughout.

    Attributes:
        told: the fields of matters.trends.Trend. matter_id: where its matter is now; empty where no single matter stands behind it.
        letters: the telling ones: id, heading, whether this person may open it. later: letters of the matter since the night of the flag.
        acts: who made what of it, newest first. picture: an ECharts option. bars: what it shows, for those who cannot see it.
    """

    flag: Flag
    told: Mapping[str, Any]
    since: date
    usual: str
    matter_id: str
    letters: Sequence[tuple[str, str, bool]]
    later: int
    acts: Sequence[FlagAct]
    picture: charts.Option
    bars: Sequence[tuple[str, str]]

    @property
    def kind_name(self) -> str:
        return KINDS.get(self.flag.kind, self.flag.kind)

    @property
    def seen(self) -> int:
        """The last act that this card shows; a form carries it, so that a later one is noticed."""
        return self.acts[0].pk if self.acts else 0


def visible(user: User) -> tuple[QuerySet[Flag], dict[str, str]]:
    """The tendencies that a person may see, and where the matters that were put into others are now. Two queries and one for each step of a chain.

    A tendency without a matter is everybody's who may see the board.
    """
    from pipeline.desk.models import Flag, Matter

    scope = Matter.objects.for_user(user)
    gone = Flag.objects.filter(matter__united_into__isnull=False).values_list("matter", "matter__united_into").distinct()
    now = dict(gone)
    while onward := dict(Matter.objects.filter(pk__in=set(now.values()), united_into__isnull=False).values_list("pk", "united_into")):
        now = {old: onward.get(new, new) for old, new in now.items()}
    there = set(scope.filter(pk__in=set(now.values())).values_list("pk", flat=True))
    mine = [old for old, new in now.items() if new in there]
    own = Exists(scope.filter(pk=OuterRef("matter")))  # asked of each flag: there are few flags and many matters
    return Flag.objects.filter(Q(matter=None) | Q(own) | Q(matter__in=mine)), now


def board(user: User, asked: Asked) -> tuple[QuerySet[Flag], dict[str, int], dict[str, str]]:
    """Flags that are asked for, newest night first; how many there are by state (of that kind and time); where united matters are now."""
    flags, now = visible(user)
    if asked.kind:
        flags = flags.filter(kind=asked.kind)
    if asked.days:
        flags = flags.filter(on__gt=office_day() - asked.days * DAY)
    counts = dict(flags.order_by().values_list("state").annotate(Count("pk")))
    if asked.state:
        flags = flags.filter(state=asked.state)
    return flags.order_by("-on", "-pk"), counts, now


def cards(flags: Iterable[Flag], user: User, now: Mapping[str, str]) -> list[Card]:
    """The flags as they are told; a constant number of queries."""
    from pipeline.desk.models import FlagAct, Link, Matter

    flags = list(flags)
    scope = Matter.objects.for_user(user)
    of = {flag.pk: now.get(flag.matter_id, flag.matter_id) or "" for flag in flags}
    named = {letter for flag in flags for letter, _ in flag.told["letters"]}
    opened = set(Link.objects.filter(letter__in=named, matter__in=scope).values_list("letter", flat=True))
    days = _days(scope.filter(pk__in=set(of.values()) - {""}))
    acts: dict[int, list[FlagAct]] = defaultdict(list)
    for act in FlagAct.objects.filter(flag__in=flags).select_related("by").order_by("-pk"):
        acts[act.flag_id].append(act)
    return [_card(flag, of[flag.pk], opened, days.get(of[flag.pk], Counter()), acts[flag.pk]) for flag in flags]


def _days(matters: QuerySet[Any]) -> dict[str, Counter[date]]:
    """Letters of each matter by the day on which they came; those without a date are left out."""
    from pipeline.desk.models import Link

    rows = Link.objects.filter(matter__in=matters, letter__received_at__isnull=False).order_by()
    rows = rows.values_list("matter", TruncDate("letter__received_at", tzinfo=SHANGHAI)).annotate(Count("pk"))
    found: dict[str, Counter[date]] = defaultdict(Counter)
    for matter, day, count in rows:
        found[matter][day] += count
    return found


def _card(flag: Flag, matter_id: str, opened: set[str], days: Counter[date], acts: Sequence[FlagAct]) -> Card:
    told, since = flag.told, date.fromisoformat(flag.told["since"])
    usual = f"{told['expected']:.1f}" if told["expected"] >= 0.05 else "不到 0.1"
    bars = _buckets(days, since, max(max(days, default=since), flag.on)) if days else []
    return Card(
        flag=flag, told=told, since=since, usual=usual, matter_id=matter_id, acts=acts,
        letters=[(letter, title, letter in opened) for letter, title in told["letters"]],
        later=sum(count for day, count in days.items() if day > flag.on),
        picture=_picture(bars, flag, usual) if bars else charts.against(told["writers"], told["expected"], usual),
        bars=[(name, f"{count} 封") for name, count, _ in bars] or [("往常", f"{usual} 人"), ("这次", f"{told['writers']} 人")],
    )  # fmt: skip


def _buckets(days: Counter[date], first: date, last: date) -> list[tuple[str, int, date]]:
    """(name, letters, last day) of each day, or of each seven days when there are many."""
    step = DAY if (last - first).days < BY_DAY else WEEK
    found = []
    while first <= last:
        count = sum(days[first + number * DAY] for number in range(step.days))
        found.append((f"{first.month}月{first.day}日" + ("起" if step == WEEK else ""), count, first + step - DAY))
        first += step
    return found


def _picture(bars: Sequence[tuple[str, int, date]], flag: Flag, usual: str) -> charts.Option:
    names, counts = [name for name, _, _ in bars], [count for _, count, _ in bars]
    night = next((name for name, _, last in bars if last >= flag.on), names[-1])
    every = "每周来信" if names[0].endswith("起") else "每天来信"
    return charts.course(names, counts, every, night, flag.told["expected"], usual)


def judge(flag: Flag, user: User, state: str, reason: str, seen: int) -> None:
    """Say what the office makes of a tendency.

    Args:
        seen: the last act that the person had before the eyes (`Card.seen`).

    Raises:
        MatterError: an unknown state, no reason where one is needed, or nothing new. JudgedError: somebody was there first.
    """
    from pipeline.desk.models import Flag, FlagAct

    reason = reason.strip()
    if state not in ACTS:
        raise MatterError(f"请从{'、'.join(ACTS.values())}中选一个。")
    if state == Flag.State.DISMISSED and not reason:
        raise MatterError("判为“不成立”要写一句理由，便于以后核对。")
    with translated("judge a tendency"), transaction.atomic():
        held = Flag.objects.select_for_update(of=("self",)).get(pk=flag.pk)
        last = held.acts.select_related("by").order_by("-pk").first()
        if last and last.pk != seen:
            at = f"{timezone.localtime(last.at):%-m月%-d日%H:%M}"
            raise JudgedError(f"您打开后，{last.by.name}已于{at}判为“{held.get_state_display()}”。您的意见没有保存，请看过再定。")
        if held.state == state and not reason:
            raise MatterError(f"已经是“{held.get_state_display()}”；要补充意见，请写明理由。")
        FlagAct.objects.create(flag=held, at=timezone.now(), by=user, state=state, reason=reason)
        before, held.state = held.state, state
        held.save(update_fields=["state"])
        record("judged", by=user, matter=held.matter_id, before={"flag": held.pk, "state": before}, after={"flag": held.pk, "state": state})
