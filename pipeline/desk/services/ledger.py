"""The ledger (台账): matters of a period to Excel, and back with what the office filled in. No petitioner in it; personal data is masked.

What comes back is compared cell by cell with what stands there now. A row whose matter was changed since the export (column 版本) is refused
with both values; a text that had to be masked or cut on the way out is never written back over the whole one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from django.db.models import Q

from pipeline.desk.services import claims
from pipeline.desk.services.access import note_access, stated
from pipeline.desk.services.connection import translated
from pipeline.desk.services.figures import Period
from pipeline.desk.services.letters import masked_words
from pipeline.desk.services.steps import edit
from pipeline.desk.spreadsheet import Column, restored, safe_cell, write_xlsx
from pipeline.desk.spreadsheet_reading import read_xlsx
from pipeline.desk.workflow import CHOICES, DONE, Satisfaction, Status, Way
from pipeline.errors import MatterError, ZhiweiError
from pipeline.scoring.labels import load_labels
from pipeline.triage.regulation import RULES

if TYPE_CHECKING:  # the models exist only once Django is set up
    from django.db.models import QuerySet

    from pipeline.desk.models import Matter, User

MOST_ROWS = 5_000
MOST_CHANGES = 500
MATTER, VERSION = "matter_id", "version"
COLUMNS = (
    Column(MATTER, "事项编号", 20, note="系统的编号，交回时按它认出事项。"),
    Column("title", "标题", 32, note="个人信息已隐去。"),
    Column("issue", "问题类别", 14),
    Column("level", "等级", 10),
    Column("place", "地点", 24),
    Column("unit", "责任单位", 16),
    Column("leader", "包保领导", 14, editable=True, note="填单位领导的姓名和职务。"),
    Column("status", "状态", 10),
    Column("first_on", "首次来信", 12, "date"),
    Column("last_on", "最近来信", 12, "date"),
    Column("letters", "来信件数", 9, "int"),
    Column("due_clock", "在走的时限", 12, note="最先到期的时限。"),
    Column("due_on", "到期日", 12, "date"),
    Column("way", "化解渠道", 12, "choice", tuple(Way.labels), editable=True),
    Column("outcome", "办理结果", 12, note="由办理步骤填写，在台账里改了也不算。"),
    Column("satisfaction", "满意度", 12, "choice", tuple(Satisfaction.labels), editable=True),
    Column("plan", "一案一策", 48, editable=True, note="请勿写来信人的姓名、电话、住址。"),
    Column(VERSION, "版本", 8, "int", note="系统用它判断导出以后有没有人改过，请勿改动。"),
)
EDITABLE = {column.key: column for column in COLUMNS if column.editable}
WORDS: Mapping[str, Mapping[str, str]] = {name: dict(found.choices) for name, found in CHOICES.items()}


def matters_of(user: User, period: Period, unit: str = "", *, live: bool = False) -> QuerySet[Matter]:
    """Matters that were on the books at some time of the period: a first letter by its end, and at its beginning open or with letters since."""
    from pipeline.desk.models import Matter

    begun = Q(first_on__lte=period.last) | Q(first_on=None)
    open_then = Q(live=True) | Q(closed_on__gte=period.first) | Q(last_on__gte=period.first)
    rows = Matter.objects.for_user(user).filter(begun, open_then)
    if unit:
        rows = rows.filter(unit=unit)
    return (rows.exclude(status__in=DONE) if live else rows).order_by("-rank", "matter_id")


def export(user: User, period: Period, purpose: str, address: str | None, *, unit: str = "", live: bool = False) -> tuple[str, bytes]:
    """The ledger as a file: its name and content. That it was taken out is kept before it is written.

    Raises:
        MatterError: no purpose, nothing to export, or more than MOST_ROWS matters.
    """
    from pipeline.desk.models import Access

    purpose = stated(purpose, "导出台账", "月度调度会")
    with translated("export a ledger"):
        rows = list(matters_of(user, period, unit, live=live)[: MOST_ROWS + 1])
        if not rows:
            raise MatterError("这段时间没有事项可以导出，请放宽条件。")
        if len(rows) > MOST_ROWS:
            raise MatterError(f"超过 {MOST_ROWS:,} 件，请缩短期间或按单位导出。")
        detail = {"rows": len(rows), "first": period.first.isoformat(), "last": period.last.isoformat(), "unit": unit, "form": "台账"}
        note_access(Access.Kind.EXPORT, user, address, purpose=purpose, detail=detail)
    file = BytesIO()
    write_xlsx(file, "台账", COLUMNS, (_row(matter) for matter in rows))
    return f"台账-{period.first:%Y%m}-{period.last:%Y%m}.xlsx", file.getvalue()


def _row(matter: Matter) -> dict[str, object]:
    area = matter.area.split("/")
    return {
        MATTER: matter.pk, "title": matter.title, "issue": matter.shown_issue, "level": load_labels().level_names[matter.level],
        "place": " ".join(area[2:] or area), "unit": matter.unit, "status": Status(matter.status).label, "first_on": matter.first_on,
        "last_on": matter.last_on, "letters": matter.letters, "due_on": matter.due_on,
        "due_clock": RULES[matter.due_clock].name if matter.due_clock in RULES else "", VERSION: matter.version,
        "outcome": WORDS["outcome"].get(matter.outcome, ""), **{key: shown(matter, key) for key in EDITABLE},
    }  # fmt: skip


def shown(matter: Matter, key: str) -> str:
    """What the ledger says of an editable field: a choice in words, a plan with personal data masked."""
    value = getattr(matter, key)
    if key in WORDS:
        return WORDS[key].get(value, "")
    return masked_words(value) if key == "plan" and value else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row that changes something. `fields`: field -> new value as the store keeps it. `cells`: (column, old, new) in words."""

    row: int
    matter_id: str
    version: int
    title: str
    fields: dict[str, str]
    cells: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A row whose matter was changed since the export. `cells`: (column, what the ledger says, what stands there now)."""

    row: int
    matter_id: str
    title: str
    cells: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a returned ledger would do. `rows`: how many were read. `problems`: sentences for the clerk; those rows or cells do nothing."""

    rows: int
    changes: Sequence[Change]
    late: Sequence[Late]
    problems: Sequence[str]


def preview(user: User, file: IO[bytes]) -> Preview:
    """Read a returned ledger and compare it with what stands there now; changes nothing. One query for every 500 rows.

    Raises:
        SpreadsheetError: not a ledger. MatterError: more than MOST_CHANGES rows change something.
    """
    needed = [column for column in COLUMNS if column.editable or column.key in (MATTER, VERSION, "outcome")]
    rows, problems = read_xlsx(file, needed)
    there = _there(user, [str(row[MATTER]).strip() for row in rows])
    changes: list[Change] = []
    late: list[Late] = []
    told: set[str] = set()
    for row in rows:
        number, name = int(str(row["_row"])), str(row[MATTER]).strip()
        if name not in there or name in told:
            problems.append(f"第 {number} 行 事项编号：{_no_matter(name, twice=name in told)}")
            continue
        told.add(name)
        cells, wrong = _compared(there[name], row)
        problems += [f"第 {number} 行 {sentence}" for sentence in wrong]
        if cells and row[VERSION] != there[name].version:
            late.append(
                Late(row=number, matter_id=name, title=there[name].title, cells=[(EDITABLE[key].name, new, old) for key, old, new in cells])
            )
        elif cells:
            changes.append(_change(number, there[name], cells))
    if len(changes) > MOST_CHANGES:
        raise MatterError(f"一次最多改 {MOST_CHANGES} 件，这张表改了 {len(changes)} 件；请拆成几张表交。")
    return Preview(rows=len(rows), changes=changes, late=late, problems=problems)


def _there(user: User, names: Sequence[str]) -> dict[str, Matter]:
    from pipeline.desk.models import Matter

    found: dict[str, Matter] = {}
    for begin in range(0, len(names), 500):
        found |= Matter.objects.for_user(user).in_bulk(names[begin : begin + 500])
    return found


def _no_matter(name: str, *, twice: bool) -> str:
    if twice:
        return f"{name} 在表里出现了两次，只看第一次。"
    return f"没有 {name} 这个事项，可能已并入别的事项，或不归您管；请核对。" if name else "是空的，请从导出的表里抄上。"


def _compared(matter: Matter, row: Mapping[str, object]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """(field, old, new) in words of the cells that differ from what the ledger would say now, and what cannot be changed here."""
    cells, wrong = [], []
    for key, column in EDITABLE.items():
        old, new = _plain(restored(safe_cell(shown(matter, key)))), _plain(row[key])
        if old == new:
            continue
        if key not in WORDS and old != _plain(getattr(matter, key)):
            wrong.append(f"{column.name}：原文有个人信息或过长，导出时没有全部写出，不能从台账改；请到事项 {matter.pk} 的页面改。")
        else:
            cells.append((key, old, new))
    if _plain(row["outcome"]) != WORDS["outcome"].get(matter.outcome, ""):
        wrong.append("办理结果：不能从台账改，要在事项页走办理步骤；这一格没有采用。")
    return cells, wrong


def _plain(value: object) -> str:
    """Line ends differ between browser and Excel."""
    return str(value or "").replace("\r\n", "\n").replace("\r", "\n").strip()


def _change(number: int, matter: Matter, cells: Iterable[tuple[str, str, str]]) -> Change:
    cells = list(cells)
    keys = {key: {label: value for value, label in words.items()} for key, words in WORDS.items()}
    fields = {key: keys[key].get(new, "") if key in keys else new for key, _, new in cells}
    told = [(EDITABLE[key].name, old, new) for key, old, new in cells]
    return Change(row=number, matter_id=matter.pk, version=matter.version, title=matter.title, fields=fields, cells=told)


def apply(user: User, changes: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Make the changes of a preview, each matter in a transaction of its own.

    Args:
        changes: matter_id, version and fields of each, as the server kept them.

    Returns:
        The matters that were changed, and a sentence for each that was not: held by somebody, changed since, or gone.
    """
    done, refused = [], []
    changes = list(changes)
    there = _there(user, [str(change[MATTER]) for change in changes])
    for change in changes:
        matter = there.get(str(change[MATTER]))
        try:
            if matter is None:
                raise MatterError(f"事项 {change[MATTER]}：找不到了，可能已并入别的事项。")
            _edit(matter, user, change)
            done.append(matter.pk)
        except claims.LateError as exc:
            refused.append(_said_late(exc.matter, change["fields"]))
        except ZhiweiError as exc:
            refused.append(str(exc))
    return done, refused


def _edit(matter: Matter, user: User, change: Mapping[str, Any]) -> None:
    """No claim goes with a file, so its token fits none and the version alone decides."""
    edit(matter, user, change["fields"], token=-1, version=int(change[VERSION]))
    claims.let_go_again(matter, user)


def _said_late(matter: Matter, fields: Mapping[str, str]) -> str:
    both = "；".join(
        f"{EDITABLE[key].name} 台账“{WORDS.get(key, {}).get(new, new) or '空'}”，现在“{shown(matter, key) or '空'}”"
        for key, new in fields.items()
    )
    return f"事项 {matter.pk}：导出后已有人改动，没有更新。{both}。"
