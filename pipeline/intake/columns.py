"""Which column of a table holds which field of a letter, by its Chinese or English name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import InputError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "letter_id": (
        "信件编号",
        "留言编号",
        "工单编号",
        "工单号",
        "信访件编号",
        "事项编号",
        "来信编号",
        "受理编号",
        "编号",
        "letter_id",
        "id",
    ),
    "title": (
        "标题",
        "留言主题",
        "留言标题",
        "信件标题",
        "来信标题",
        "工单标题",
        "诉求标题",
        "事项标题",
        "信件主题",
        "主题",
        "title",
        "subject",
    ),
    "body": (
        "正文",
        "留言详情",
        "留言内容",
        "信件内容",
        "来信内容",
        "信件正文",
        "诉求内容",
        "反映内容",
        "信访内容",
        "工单内容",
        "诉求描述",
        "反映问题",
        "问题描述",
        "内容",
        "body",
        "content",
        "text",
    ),
    "received_at": (
        "收件时间",
        "留言时间",
        "来信时间",
        "登记时间",
        "信访时间",
        "来电时间",
        "提交时间",
        "创建时间",
        "收件日期",
        "留言日期",
        "来信日期",
        "登记日期",
        "信访日期",
        "时间",
        "日期",
        "received_at",
        "created_at",
        "date",
        "time",
    ),
    "channel": ("来源", "信件来源", "渠道", "来信渠道", "受理渠道", "信访形式", "channel", "source"),
    "writer_ref": (
        "写信人",
        "留言用户",
        "留言人",
        "来信人",
        "信访人",
        "信访人姓名",
        "来电人",
        "诉求人",
        "投诉人",
        "反映人",
        "姓名",
        "用户",
        "writer",
        "writer_ref",
        "author",
        "user",
    ),
    "place_hint": (
        "属地",
        "所属地区",
        "问题属地",
        "事发地",
        "事发地点",
        "所在地",
        "所属区县",
        "区县",
        "行政区划",
        "地区",
        "地点",
        "place",
        "place_hint",
        "region",
    ),
}
"""Field of a letter -> the column names that mean it, the surest first."""

FIELD_NAMES: Mapping[str, str] = {"writer": "writer_ref", "place": "place_hint", **{name: name for name in ALIASES}}
"""What `--map` may call a field -> the field."""

_BRACKETED = re.compile(r"\(.*?\)|\[.*?\]|【.*?】")
_NOISE = re.compile(r"[\s_\-:*#.“”\"'\ufeff\u200b]+")


def plain(name: object) -> str:
    """A column name without case, width, spaces, marks and bracketed remarks: `留言时间（必填）*` -> `留言时间`."""
    text = unicodedata.normalize("NFKC", str(name or "")[:200]).casefold()
    return _NOISE.sub("", _BRACKETED.sub("", text)) or _NOISE.sub("", text)


_FIELD_OF: Mapping[str, tuple[str, int]] = {
    plain(alias): (field, rank) for field, aliases in ALIASES.items() for rank, alias in enumerate(aliases)
}


def field_of(name: object) -> str | None:
    """The field that a column name or a form's label means, or None."""
    found = _FIELD_OF.get(plain(name))
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the fields stand. `others` are (index, name) of the columns that go to a letter's `extra`."""

    width: int
    fields: Mapping[str, int]
    others: tuple[tuple[int, str], ...]
    names: tuple[str, ...] = ()

    @property
    def reach(self) -> int:
        """Cells that a row must have at least, so that its title and body are not cut off."""
        return 1 + max((i for field, i in self.fields.items() if field in ("title", "body")), default=-1)


def check_map(column_map: Mapping[str, str]) -> dict[str, str]:
    """The map with the fields' full names. Raises InputError for an unknown field or an empty column name."""
    for name, column in column_map.items():
        if name not in FIELD_NAMES:
            raise InputError(f"列对应关系里的字段“{name}”不认识：可以用的字段有 {'、'.join(ALIASES)}。请改正 --map。")
        if not plain(column):
            raise InputError(f"字段“{name}”没有写明对应哪一列。请写成 --map {name}=列名。")
    return {FIELD_NAMES[name]: column for name, column in column_map.items()}


def _best(names: Sequence[str], column_map: Mapping[str, str]) -> dict[str, int]:
    ranks: dict[str, tuple[int, int]] = {}
    for index, name in enumerate(names):
        found = _FIELD_OF.get(name)
        if found and found[0] not in column_map:
            ranks[found[0]] = min(ranks.get(found[0], (999, 0)), (found[1], index))
    mapped = {field: names.index(plain(column)) for field, column in column_map.items() if plain(column) in names}
    taken = set(mapped.values())
    return {**{field: index for field, (_, index) in ranks.items() if index not in taken}, **mapped}


def _others(cells: Sequence[object], names: Sequence[str], used: set[int]) -> tuple[tuple[int, str], ...]:
    # A second column of names (写信人 and 姓名) is personal and serves nothing: it is left out.
    others: dict[str, int] = {}
    for index, cell in enumerate(cells):
        if index in used or _FIELD_OF.get(names[index], ("", 0))[0] == "writer_ref":
            continue
        name = str(cell).strip()[:100] if names[index] else f"第{index + 1}列"
        others[name if name not in others else f"{name}({index + 1})"] = index
    return tuple((index, name) for name, index in others.items())


def columns_of(cells: Sequence[object], column_map: Mapping[str, str]) -> Columns:
    """The columns of a header row; `fields` lacks what was not found, perhaps even the body. `column_map` as by `check_map`."""
    names = [plain(cell) for cell in cells]
    fields = _best(names, column_map)
    return Columns(len(cells), fields, _others(cells, names, set(fields.values())), tuple(str(c or "").strip() for c in cells))


def is_header(columns: Columns, column_map: Mapping[str, str]) -> bool:
    """Whether the row names a body and every column of the map."""
    return "body" in columns.fields and all(field in columns.fields for field in column_map)


def find_header(rows: Sequence[Sequence[object]], column_map: Mapping[str, str]) -> tuple[int, Columns] | None:
    """(index, columns) of the row that names most fields, the first among equals; None when no row names a body."""
    found = [(i, columns_of(cells, column_map)) for i, cells in enumerate(rows)]
    found = [(i, columns) for i, columns in found if is_header(columns, column_map)]
    return max(found, key=lambda pair: (len(pair[1].fields), -pair[0]), default=None)


def no_header(source: str, rows: Sequence[Sequence[object]], column_map: Mapping[str, str], *, schema: bool = True) -> InputError:
    """The error for a table without a usable header: what is missing, what stands there, what to do.

    Unless the names are a `schema`, a row without one known name is taken for a letter's data and not shown: it may name people.
    """
    widest = max(rows, key=lambda cells: (len(columns_of(cells, column_map).fields), sum(map(bool, cells))), default=())
    there = "、".join(f"“{str(cell).strip()[:12]}”" for cell in list(widest)[:15] if cell) or "（没有列名）"
    columns = columns_of(widest, column_map)
    if not schema and not any(map(field_of, widest)):
        there = "（没有一个认得的列名，第一行可能不是表头）"
    missing = [column for field, column in column_map.items() if field not in columns.fields]
    if missing:
        return InputError(f"{source}：没有 --map 指定的列“{'”“'.join(missing)}”。表里的列是：{there}。请核对列名。")
    return InputError(
        f"{source}：没有找到正文列。需要一列叫“正文”“留言详情”“内容”“诉求内容”等，表里的列是：{there}。"
        "请改表头，或用 --map body=列名 指明。"
    )
