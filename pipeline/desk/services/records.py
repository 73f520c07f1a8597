"""What the auditor looks through: readings of what is guarded, events, logins. Ids only, no word of a letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q

from pipeline.desk.roles import Role
from pipeline.desk.services.access import note_access, stated
from pipeline.desk.services.day import office_day
from pipeline.desk.services.timeline import TOLD, said
from pipeline.desk.spreadsheet import Column, write_xlsx
from pipeline.desk.workflow import STEPS
from pipeline.intake.letter import SHANGHAI

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import Event, User

MOST_ROWS = 20_000
"""Rows of one export."""
KINDS: Mapping[str, str] = MappingProxyType(
    {
        **{step.key: step.name for step in STEPS.values()},
        "queued": "来信入队", "rescored": "重新评分", "brought_back": "重新进入队列", "claimed": "认领", "released": "放回", "assigned": "指派",
        "edited": "修改办理信息", "noted": "写记录", "routed": "改责任单位", "issue_set": "改类别", "prioritised": "改优先级", "corrected": "更正模型答案",
        "extended": "延期", "paused": "暂停计时", "resumed": "恢复计时", "merged": "合并", "split": "拆分", "moved": "移动", "declined": "不合并",
        "undone": "撤销", "judged": "研判苗头", "person_made": "新建人员", "person_changed": "修改人员", "password_reset": "重置密码",
        "password_changed": "本人改密码", "office_file": "更换本单位表格", "retention": "清除原文", "accessed": "登记查阅",
    }
)  # fmt: skip
"""Kind of event -> its short name, for the list and the filter; one that is not here shows its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which records: `what` is "access", "events" or "logins"; the rest may be empty. `matter` is the id of a matter or a letter."""

    what: str = "access"
    person: int | None = None
    kind: str = ""
    matter: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One record as it is shown: when, who, the short name of what it is, its sentence, why, from where, which matter or letter."""

    at: datetime
    who: str
    kind: str
    told: str = ""
    why: str = ""
    address: str = ""
    matter: str = ""
    letter: str = ""


COLUMNS = (
    Column("at", "时间", 18, "date"), Column("who", "人员", 14), Column("kind", "类型", 14), Column("matter", "事项编号", 24),
    Column("letter", "来信编号", 24), Column("told", "内容", 60), Column("why", "用途", 40), Column("address", "来自", 18),
)  # fmt: skip


def found(sought: Sought) -> Any:
    """The rows that fit, newest first, as a query; `lines` makes them readable."""
    rows: Any = {"access": _accesses, "events": _events, "logins": _logins}[sought.what](sought)
    moment = "attempt_time" if sought.what == "logins" else "at"
    if sought.since:
        rows = rows.filter(**{f"{moment}__gte": datetime.combine(sought.since, time(), SHANGHAI)})
    if sought.until:
        rows = rows.filter(**{f"{moment}__lt": datetime.combine(sought.until + timedelta(days=1), time(), SHANGHAI)})
    return rows.order_by("-pk")  # all three only grow, so this is the order of time, along the key


def _accesses(sought: Sought) -> Any:
    from pipeline.desk.models import Access

    return _of_matter(Access.objects.select_related("by"), sought)


def _events(sought: Sought) -> Any:
    from pipeline.desk.models import Event

    return _of_matter(Event.objects.select_related("by"), sought)


def _of_matter(rows: Any, sought: Sought) -> Any:
    if sought.person:
        rows = rows.filter(by=sought.person)
    if sought.kind:
        rows = rows.filter(kind=sought.kind)
    return rows.filter(Q(matter=sought.matter) | Q(letter=sought.matter)) if sought.matter else rows


def _logins(sought: Sought) -> Any:
    from axes.models import AccessLog

    from pipeline.desk.models import User

    rows = AccessLog.objects.only("username", "ip_address", "attempt_time", "logout_time")
    return rows.filter(username__in=User.objects.filter(pk=sought.person).values("username")) if sought.person else rows


def lines(rows: Iterable[Any], what: str) -> Iterator[Line]:
    """Records as they are shown."""
    tell = {"access": _access, "events": _event, "logins": _login}[what]
    return (tell(row) for row in rows)


def _access(row: Any) -> Line:
    told = "；".join(f"{DETAILS.get(key, key)} {value}" for key, value in row.detail.items() if value not in ("", None, [], {}))
    return Line(
        at=row.at, who=row.by.name, kind=row.get_kind_display(), told=told, why=row.purpose, address=row.address or "", matter=row.matter_id or "",
        letter=row.letter_id or "",
    )  # fmt: skip


DETAILS: Mapping[str, str] = MappingProxyType(
    {"found": "找到", "count": "件数", "rows": "行数", "words": "检索词", "query": "检索词", "file": "文件", "name": "文件", "format": "格式", "list": "清单",
     "first": "从", "last": "到", "unit": "责任单位", "form": "种类", "letters": "来信数"}
)  # fmt: skip
"""Keys of Access.detail -> what staff read."""


def _event(row: Event) -> Line:
    who = row.by.name if row.by else str(row.after.get("by") or "系统")
    return Line(
        at=row.at, who=who, kind=KINDS.get(row.kind, row.kind), told=_sentence(row), matter=row.matter_id or "", letter=row.letter_id or ""
    )


def _sentence(event: Event) -> str:
    after = event.after
    if event.kind in ("person_made", "person_changed"):
        return _person_change(event.before, after)
    if event.kind in ("password_reset", "password_changed"):
        return f"账号 {after.get('username', '')}"
    if event.kind == "office_file":
        return f"{after.get('file', '')}，{after.get('rows', 0)} 行"
    if event.kind == "retention":
        return f"清除 {after.get('letters', 0)} 封的原文和来信人标识（办结超过 {after.get('days', '')} 天）"
    return said(event) if event.kind in TOLD or event.kind in STEPS else ""


FIELDS: Mapping[str, str] = MappingProxyType({"name": "姓名", "role": "角色", "unit": "单位", "is_active": "在用"})


def _person_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    changed = [f"{name} {_value(key, before.get(key))} → {_value(key, after.get(key))}" for key, name in FIELDS.items() if before and before.get(key) != after.get(key)]  # fmt: skip
    first = f"{name} " if (name := str(after.get("name", ""))) and not before else ""
    return f"账号 {after.get('username', '')} {first}" + (
        "；".join(changed) or f"{_value('role', after.get('role'))} {after.get('unit', '')}"
    )


def _value(key: str, value: Any) -> str:
    if key == "role":
        return dict(Role.choices).get(str(value), str(value))
    return {True: "是", False: "否"}.get(value, str(value or "空")) if isinstance(value, bool) else str(value or "空")


def _login(row: Any) -> Line:
    out = f"{row.logout_time.astimezone(SHANGHAI):%m-%d %H:%M} 退出" if row.logout_time else ""
    return Line(at=row.attempt_time, who=row.username or "", kind="登录", told=out, address=row.ip_address or "")


def failures() -> list[Line]:
    """User names with failed logins since the last success or cool-off, the latest first; at most fifty."""
    from axes.models import AccessAttempt

    told = []
    for row in AccessAttempt.objects.order_by("-attempt_time")[:50]:
        locked = (
            row.failures_since_start >= settings.AXES_FAILURE_LIMIT
            and row.attempt_time > datetime.now(SHANGHAI) - settings.AXES_COOLOFF_TIME
        )
        told.append(
            Line(
                at=row.attempt_time, who=row.username or "", kind="锁定中" if locked else "登录失败", told=f"连续 {row.failures_since_start} 次不对",
                address=row.ip_address or "",
            )
        )  # fmt: skip
    return told


def export(sought: Sought, user: User, purpose: str, address: str | None) -> tuple[str, bytes]:
    """The records that fit as a table for Excel, the newest MOST_ROWS: its name and content; kept before it leaves.

    Raises:
        MatterError: no purpose.
    """
    from pipeline.desk.models import Access

    purpose = stated(purpose, "导出", "季度审计")
    rows = [
        {column.key: getattr(line, column.key) for column in COLUMNS}
        for line in lines(found(sought)[:MOST_ROWS].iterator(1_000), sought.what)
    ]
    name = NAMES[sought.what]
    note_access(Access.Kind.EXPORT, user, address, purpose=purpose, detail={"list": name, "rows": len(rows)})
    file = BytesIO()
    write_xlsx(file, name, COLUMNS, rows)
    return f"{name}-{office_day():%Y%m%d}.xlsx", file.getvalue()


NAMES: Mapping[str, str] = MappingProxyType({"access": "查阅记录", "events": "操作记录", "logins": "登录记录"})
