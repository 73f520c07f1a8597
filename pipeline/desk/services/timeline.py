"""The course of a matter: its letters, what was done about it and what was written down, in words and newest first; and how it grew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.desk.services.corrections import REASONS
from pipeline.desk.services.letters import heading
from pipeline.desk.services.reading import answer_name, value_name
from pipeline.desk.workflow import CHOICES, FIELDS, STEPS, Outcome, Status
from pipeline.intake.letter import SHANGHAI
from pipeline.triage.regulation import RULES

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Event, Link, Matter, Note, User

SHOWN = 30
"""Entries before “全部显示”."""
PROGRAM = "系统"
QUIET = ("claimed", "released", "noted")
"""Events that only the whole course shows; a note is shown itself."""
WEEK = timedelta(days=7)
ELSEWHERE = "（不归本单位）"
"""What stands for the id of a matter that the reader is not to know of."""

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the course. `kind`: letter, event or note. `text`: what a person wrote. `letter_id`: where a letter came in or was corrected."""

    at: datetime
    who: str
    what: str
    kind: str
    text: str = ""
    letter_id: str = ""
    important: bool = False


def course(matter: Matter, user: User, *, whole: bool = False) -> tuple[list[Entry], bool]:
    """The newest entries, or all; and whether there are more than these. Of matters that were put into this one too."""
    names, most = family(matter), None if whole else SHOWN + 1
    entries = [*_letters(matter, most), *_events(names, user, most, whole), *_notes(names, most)]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return (entries, False) if whole else (entries[:SHOWN], len(entries) > SHOWN)


def family(matter: Matter) -> list[str]:
    """The matter, and those that were put into it, at whatever remove."""
    from pipeline.desk.models import Matter

    names, last = [matter.pk], [matter.pk]
    while last:
        last = list(Matter.objects.filter(united_into__in=last).exclude(pk__in=names).values_list("pk", flat=True))
        names += last
    return names


def _letters(matter: Matter, most: int | None) -> list[Entry]:
    links = (
        matter.links.filter(letter__received_at__isnull=False).select_related("letter").order_by("-letter__received_at", "letter")[:most]
    )
    return [_letter(link) for link in links]


def _letter(link: Link) -> Entry:
    letter = link.letter
    assert letter.received_at is not None
    return Entry(
        at=letter.received_at, who=letter.channel or "来信", what=f"收到来信《{heading(letter)}》", kind="letter", letter_id=letter.pk
    )


def _events(names: Iterable[str], user: User, most: int | None, whole: bool) -> list[Entry]:
    from pipeline.desk.models import Event

    rows = Event.objects.filter(matter__in=names).select_related("by").order_by("-at", "-pk")
    if not whole:
        rows = rows.exclude(kind__in=QUIET)
    return [event_entry(row) for row in screened(rows[:most], user)]


def screened(events: Iterable[Event], user: User) -> list[Event]:
    """The events, without the ids of other matters that this person is not to know of. One query."""
    from pipeline.desk.models import Matter

    events = list(events)
    hidden = Matter.objects.hidden_from(user, {event.after["other"] for event in events if "other" in event.after})
    for event in events:
        if event.after.get("other") in hidden:
            event.after = {**event.after, "other": ELSEWHERE}
    return events


def event_entry(event: Event) -> Entry:
    """An event as a line of the course."""
    return Entry(
        at=event.at, who=event.by.name if event.by else PROGRAM, what=said(event), kind="event", letter_id=event.letter_id or "",
        important=event.kind in STEPS,
    )  # fmt: skip


def _notes(names: Iterable[str], most: int | None) -> list[Entry]:
    from pipeline.desk.models import Note

    rows = Note.objects.filter(matter__in=names).select_related("by").order_by("-at", "-pk")[:most]
    return [note_entry(row) for row in rows]


def note_entry(note: Note) -> Entry:
    """A note as a line of the course."""
    return Entry(at=note.at, who=note.by.name, what=note.get_kind_display(), kind="note", text=note.text)


def said(event: Event) -> str:
    """An event in a short Chinese sentence."""
    before, after = event.before, event.after
    if event.kind in STEPS:
        return _step(event.kind, before, after)
    tell = TOLD.get(event.kind)
    return tell(before, after) if tell else f"其他操作（{event.kind}）"


def _step(kind: str, before: Told, after: Told) -> str:
    parts = [STEPS[kind].name]
    if before.get("unit", "") != after.get("unit", "") or kind == "forward":
        parts.append(f"责任单位：{after.get('unit') or '未定'}")
    if before.get("status") != after.get("status"):
        parts.append(f"{_label(Status, before.get('status'))} → {_label(Status, after.get('status'))}")
    if after.get("outcome"):
        parts.append(f"办理结果：{_label(Outcome, after['outcome'])}")
    if after.get("reason"):
        parts.append(f"理由：{after['reason']}")
    return "；".join(parts)


def _label(choices: Any, value: Any) -> str:
    return dict(choices.choices).get(value, value) or "未填"


def _edited(before: Told, after: Told) -> str:
    changed = []
    for name in after.get("fields", ()):
        if name == "plan":
            changed.append("更新一案一策")
            continue
        old, new = (told.get(name, "") for told in (before, after))
        if name in CHOICES:
            old, new = _label(CHOICES[name], old), _label(CHOICES[name], new)
        changed.append(f"{FIELDS.get(name, name)}：{old or '未填'} → {new or '未填'}")
    return "；".join(changed) or "修改办理信息"


def _corrected(before: Told, after: Told) -> str:
    answer = str(after.get("answer", ""))
    reason = REASONS.get(after.get("reason", ""), "")
    return (
        f"更正来信的{answer_name(answer)}：{value_name(answer, before.get('value'))} → {value_name(answer, after.get('value'))}（{reason}）"
    )


def _prioritised(before: Told, after: Told) -> str:
    if after.get("priority") is None:
        return "优先级恢复按模型排列"
    return f"优先级定为 {after['priority']:g}（理由：{after.get('reason') or '未写'}）"


def _judged(before: Told, after: Told) -> str:
    from pipeline.desk.models import Flag

    return f"苗头研判：{_label(Flag.State, before.get('state'))} → {_label(Flag.State, after.get('state'))}"


def _clock(what: str) -> Any:
    def tell(before: Told, after: Told) -> str:
        rule = RULES.get(after.get("rule", ""))
        return (
            f"{rule.name if rule else '时限'}{what}，到期日 {before.get('due', '')} → {after.get('due', '')}（{after.get('reason', '')}）"
        )

    return tell


def _scored(what: str) -> Any:
    return lambda before, after: f"{what}（模型 {after.get('model_version', '')}，优先级 {after.get('priority', 0):g}）"


TOLD: Mapping[str, Any] = MappingProxyType(
    {
        "queued": _scored("来信进入队列"),
        "rescored": _scored("换用新模型重新评分"),
        "brought_back": lambda before, after: f"办结后又有来信，重新进入队列（原状态：{_label(Status, before.get('status'))}）",
        "claimed": lambda before, after: "认领事项",
        "released": lambda before, after: "放回事项",
        "assigned": lambda before, after: f"指派给{after.get('assignee', '')}",
        "edited": _edited,
        "noted": lambda before, after: "写了一条记录",
        "routed": lambda before, after: f"责任单位：{before.get('unit') or '未定'} → {after.get('unit') or '未定'}",
        "issue_set": lambda before, after: f"事项类别：{before.get('issue') or '未定'} → {after.get('issue') or '未定'}",
        "prioritised": _prioritised,
        "corrected": _corrected,
        "judged": _judged,
        "extended": _clock("延期"),
        "paused": _clock("暂停"),
        "resumed": _clock("恢复计时"),
        "merged": lambda before, after: f"与事项 {after.get('other', '')} 合并（{after.get('letters', 0)} 封）",
        "split": lambda before, after: f"拆分：{after.get('letters', 0)} 封分开，另一事项 {after.get('other', '')}",
        "moved": lambda before, after: f"移动 {after.get('letters', 0)} 封，另一事项 {after.get('other', '')}",
        "declined": lambda before, after: f"与事项 {after.get('other', '')} 不是同一件，不合并",
        "undone": lambda before, after: f"撤销上一次合并、拆分或移动（{after.get('letters', 0)} 封，另一事项 {after.get('other', '')}）",
    }
)
"""kind of event -> its sentence; the steps of the workflow are told by their names."""


def weeks(matter: Matter) -> list[tuple[date, int, int]]:
    """(Monday, letters of that week, letters so far), without gaps from the first week to the last. Letters only; no writer is looked at."""
    from pipeline.desk.models import Letter

    days = Letter.objects.filter(link__matter=matter, received_at__isnull=False).values_list("received_at", flat=True)
    counts = Counter(_monday(at.astimezone(SHANGHAI).date()) for at in days)
    if not counts:
        return []
    first, last = min(counts), max(counts)
    mondays = [first + number * WEEK for number in range((last - first) // WEEK + 1)]
    numbers = [counts[monday] for monday in mondays]
    return list(zip(mondays, numbers, accumulate(numbers), strict=True))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
