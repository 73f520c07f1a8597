"""Matters of the queue as a file for Excel: masked words only, nothing about a writer; kept in Access before it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pipeline.desk.services.access import note_access, stated
from pipeline.desk.services.day import office_day
from pipeline.desk.services.filters import Filters, fitting, ordered
from pipeline.desk.services.queue import rows
from pipeline.desk.spreadsheet import Column, write_csv, write_xlsx
from pipeline.errors import MatterError
from pipeline.triage.regulation import RULES

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import User

MOST = 5_000
AT_ONCE = 500
FORMS = ("xlsx", "csv")
COLUMNS = (
    Column("matter_id", "事项编号", 22),
    Column("title", "事项", 44, note="信件标题或首句，已遮盖个人信息"),
    Column("level", "等级", 10),
    Column("risk", "风险", 8, "float", note="模型估计这件事属于苗头件的可能，0 到 1"),
    Column("issue", "类别", 16),
    Column("signals", "迹象", 24),
    Column("place", "地点", 18),
    Column("unit", "责任单位", 16),
    Column("status", "进度", 10),
    Column("letters", "来信件数", 10, "int"),
    Column("fresh", "待登记来信", 10, "int"),
    Column("first_on", "首次来信", 12, "date"),
    Column("last_on", "最近来信", 12, "date"),
    Column("clock", "最近时限", 14),
    Column("due_on", "到期日", 12, "date"),
    Column("why", "排序理由", 60),
)


def export(user: User, ids: Sequence[str], filters: Filters, form: str, purpose: str, address: str | None) -> tuple[str, bytes]:
    """A file's name and content: the matters chosen, or with none chosen all that fit, in the queue's order.

    Raises:
        MatterError: no purpose, an unknown form, nothing to write, or more than MOST matters.
    """
    from pipeline.desk.models import Access

    purpose = stated(purpose, "导出", "周例会研判")
    if form not in FORMS:
        raise MatterError("文件格式应为 xlsx 或 csv。")
    names = _names(user, ids, filters)
    name = f"队列-{office_day():%Y%m%d}.{form}"
    note_access(Access.Kind.EXPORT, user, address, purpose=purpose, detail={"count": len(names), "file": name})
    buffer = BytesIO()
    if form == "csv":
        write_csv(buffer, COLUMNS, _lines(user, names))
    else:
        write_xlsx(buffer, "队列", COLUMNS, _lines(user, names))
    return name, buffer.getvalue()


def _names(user: User, ids: Sequence[str], filters: Filters) -> list[str]:
    from pipeline.desk.models import Matter

    matters = Matter.objects.for_user(user).filter(pk__in=ids) if ids else fitting(user, filters)
    names = list(ordered(matters, filters.order).values_list("pk", flat=True)[: MOST + 1])
    if not names:
        raise MatterError("没有可以导出的事项。")
    if len(names) > MOST:
        raise MatterError(f"一次最多导出 {MOST:,} 件，请缩小筛选范围。")
    return names


def _lines(user: User, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for begin in range(0, len(names), AT_ONCE):
        for row in rows(user, names[begin : begin + AT_ONCE]):
            matter = row.matter
            yield {
                "matter_id": matter.pk,
                "title": matter.title,
                "level": row.level,
                "risk": round(matter.risk, 3),
                "issue": matter.shown_issue,
                "signals": "、".join(row.signals),
                "place": row.place,
                "unit": matter.unit,
                "status": matter.get_status_display(),
                "letters": matter.letters,
                "fresh": matter.fresh,
                "first_on": matter.first_on,
                "last_on": matter.last_on,
                "clock": RULES[matter.due_clock].name if matter.due_clock else "",
                "due_on": matter.due_on,
                "why": row.why,
            }
