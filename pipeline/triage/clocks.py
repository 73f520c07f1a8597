"""The statutory clocks, reckoned. Pure: every answer is as of `today`.

The day on which a clock starts does not count. Days are calendar days unless the text says 工作日; a last day that falls on a day off is not
moved, as the regulation does not say so: the stricter reading for whoever has a duty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import IntEnum

import chinese_calendar

from pipeline.errors import ClockError
from pipeline.intake.letter import SHANGHAI
from pipeline.triage.regulation import PAUSES, REGISTER_DAYS, RULES

DAY = timedelta(days=1)


class Band(IntEnum):
    """How near the last day is."""

    CALM = 0
    SOON = 1
    NOW = 2  # today or tomorrow
    LATE = 3


@dataclass(frozen=True, slots=True)
class Pause:
    """A clock stood still from `since`, that day included, to `until`, that day not included (None: still does); `key` is one of PAUSES."""

    key: str
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What runs, or ran, for one matter: `rule` is a key of RULES, `extended` the days added, `pauses` in order and not overlapping."""

    rule: str
    started_on: date
    ended_on: date | None = None
    extended: int = 0
    pauses: tuple[Pause, ...] = ()


def register_by(received_at: datetime) -> date:
    """The last day to register a letter and decide who handles it: 15 calendar days after it was received (Art. 22).

    The day of receipt itself does not count; it is the day in the office's time zone.
    """
    return received_at.astimezone(SHANGHAI).date() + timedelta(days=REGISTER_DAYS)


def calendar_known(year: int) -> bool:
    """Whether the State Council's days off and make-up days (调休) of that year are known here."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def is_working(day: date) -> bool:
    """Whether offices work on that day; in a year whose calendar is not known, Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def working_days_after(day: date, count: int) -> date:
    """The count-th working day after `day`, which itself does not count; 0 is the day itself. Raises ValueError below 0."""
    if count < 0:
        raise ValueError(f"count must be 0 or more, found {count}")
    while count:
        day += DAY
        count -= is_working(day)
    return day


def due(clock: Clock, today: date) -> date:
    """The last day: days of the rule, extension, and days stood still so far. With a pause open it moves on by a day each day."""
    rule = RULES[clock.rule]
    days = rule.days + clock.extended + _stood_still(clock, clock.ended_on or today)
    return working_days_after(clock.started_on, days) if rule.working else clock.started_on + timedelta(days=days)


def _stood_still(clock: Clock, now: date) -> int:
    """Days stood still before `now`; of a clock of working days, working days."""
    days = (pause.since + number * DAY for pause in clock.pauses for number in range(_length(pause, now)))
    return sum(is_working(day) for day in days) if RULES[clock.rule].working else sum(1 for _ in days)


def _length(pause: Pause, now: date) -> int:
    """Calendar days of a pause before `now`, cut at the most that is allowed."""
    most, days = PAUSES[pause.key].most, (min(pause.until or now, now) - pause.since).days
    return max(0, days if most is None else min(days, most))


def paused(clock: Clock, today: date) -> Pause | None:
    """The pause that holds the clock today; None when none does, or when it has lasted the most days allowed and the clock runs again."""
    last = _open(clock)
    if last is None or clock.ended_on is not None or last.since > today:
        return None
    return None if _used_up(last, today) else last


def _open(clock: Clock) -> Pause | None:
    return clock.pauses[-1] if clock.pauses and clock.pauses[-1].until is None else None


def _used_up(pause: Pause, today: date) -> bool:
    most = PAUSES[pause.key].most
    return most is not None and _length(pause, today) >= most


def remaining(clock: Clock, today: date) -> int:
    """Calendar days till the last day, negative when late; of an ended clock, as of its end."""
    return (due(clock, today) - (clock.ended_on or today)).days


def band(clock: Clock, today: date) -> Band:
    """How near the last day is. What has ended, is paused, or is a right that ran out, is calm."""
    rule, left = RULES[clock.rule], remaining(clock, today)
    if clock.ended_on is not None or paused(clock, today) or (rule.right and left < 0):
        return Band.CALM
    if left < 0:
        return Band.LATE
    if left <= 1:
        return Band.NOW
    days = sum(is_working(today + number * DAY) for number in range(1, left + 1)) if rule.working else left
    return Band.SOON if days <= rule.soon else Band.CALM


def said(clock: Clock, today: date) -> str:
    """The clock in words, as “登记受理还剩 3 天（11月28日前）”; the last day named is still in time."""
    rule, left, last = RULES[clock.rule], remaining(clock, today), _day(due(clock, today), today)
    if clock.ended_on is not None:
        return _said_ended(clock, clock.ended_on, today)
    if held := paused(clock, today):
        return f"{rule.name}暂停中（{PAUSES[held.key].name}，自{_day(held.since, today)}起）"
    note = _said_used_up(clock, today)
    if left < 0:
        return f"{rule.name}期限已过（{last}止）" if rule.right else f"{rule.name}已超 {-left} 天（应于{last}{rule.done}{note}）"
    if left == 0:
        return f"{rule.name}今天到期（{last}{note}）"
    return f"{rule.name}还剩 {left} 天（{last}前{note}）"


def _said_ended(clock: Clock, ended_on: date, today: date) -> str:
    rule, left, day = RULES[clock.rule], remaining(clock, today), _day(ended_on, today)
    if rule.right:
        return f"{rule.name}已{rule.done}（{day}）"
    return f"{rule.name}按期（{day}）" if left >= 0 else f"{rule.name}逾期 {-left} 天{rule.done}"


def _said_used_up(clock: Clock, today: date) -> str:
    """What to add when a pause was left open past its most days."""
    last = _open(clock)
    if last is None or not _used_up(last, today):
        return ""
    kind, days = PAUSES[last.key], _length(last, today)
    return f"；{kind.name}暂停已满 {days} 天，{_day(last.since + days * DAY, today)}起恢复计时"


def _day(day: date, today: date) -> str:
    """A day as people say it; with the year when it is not today's."""
    return f"{day.month}月{day.day}日" if day.year == today.year else f"{day.year}年{day.month}月{day.day}日"


def extend(clock: Clock, days: int, today: date) -> Clock:
    """The clock with its one extension. Raises ClockError.

    `today` is the day of the approval: on the last day at the latest, as what has run out cannot be extended (our reading of Art. 34).
    """
    rule = RULES[clock.rule]
    if not rule.extendable_days:
        raise ClockError(f"{rule.name}不能延期：条例只规定了办结可以延期。")
    _check_running(clock, today, "延期")
    if clock.extended:
        raise ClockError(f"{rule.name}已经延期过一次（{clock.extended} 天），只能延期一次。")
    if not 1 <= days <= rule.extendable_days:
        raise ClockError(f"延期应为 1 至 {rule.extendable_days} 天，填的是 {days} 天，请改正。")
    return replace(clock, extended=days)


def pause(clock: Clock, key: str, today: date) -> Clock:
    """The clock standing still from `today` on, for one of the reasons of PAUSES. Raises ClockError; as with `extend`, what is late stays late."""
    rule, kind = RULES[clock.rule], PAUSES.get(key)
    ways = [way.name for way in PAUSES.values() if clock.rule in way.rules]
    if not ways:
        raise ClockError(f"{rule.name}不能暂停。")
    if kind is None or clock.rule not in kind.rules:
        raise ClockError(f"{rule.name}不能因“{kind.name if kind else key}”暂停，理由应为{'、'.join(ways)}。")
    _check_running(clock, today, "暂停")
    if last := _open(clock):
        raise ClockError(f"{rule.name}已经暂停（{PAUSES[last.key].name}，自{_day(last.since, today)}起），请先恢复。")
    before = max((past.until for past in clock.pauses if past.until), default=clock.started_on)
    if today < before:
        raise ClockError(f"暂停不能早于{_day(before, today)}：那天{'之前已暂停过' if clock.pauses else '才开始计时'}。")
    return replace(clock, pauses=(*clock.pauses, Pause(key, today)))


def resume(clock: Clock, today: date) -> Clock:
    """The clock running again from `today` on; a pause that lasted no day is dropped. Raises ClockError."""
    rule, last = RULES[clock.rule], _open(clock)
    if clock.ended_on is not None:
        raise ClockError(f"{rule.name}已于{_day(clock.ended_on, today)}{rule.done}，不能恢复。")
    if last is None:
        raise ClockError(f"{rule.name}没有暂停，不用恢复。")
    if today < last.since:
        raise ClockError(f"恢复不能早于暂停的那天（{_day(last.since, today)}）。")
    ended = () if today == last.since else (replace(last, until=today),)
    return replace(clock, pauses=(*clock.pauses[:-1], *ended))


def _check_running(clock: Clock, today: date, what: str) -> None:
    rule = RULES[clock.rule]
    if clock.ended_on is not None:
        raise ClockError(f"{rule.name}已于{_day(clock.ended_on, today)}{rule.done}，不能{what}。")
    if remaining(clock, today) < 0:
        last = _day(due(clock, today), today)
        raise ClockError(f"{rule.name}已过期（应于{last}{rule.done}），不能再{what}：{what}要在到期之前（含当天）。")


def nearest(clocks: Iterable[Clock], today: date) -> Clock | None:
    """The running clock due first: duties before rights and what is paused. Ended clocks and rights that ran out are left out."""
    running = [clock for clock in clocks if clock.ended_on is None and not (RULES[clock.rule].right and remaining(clock, today) < 0)]

    def order(clock: Clock) -> tuple[bool, date]:
        return RULES[clock.rule].right or paused(clock, today) is not None, due(clock, today)

    return min(running, key=order, default=None)
