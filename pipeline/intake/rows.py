"""One row of a table becomes a Letter, or a Rejected with the reason."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain, islice

from pipeline.intake.columns import Columns, find_header, no_header
from pipeline.intake.dates import parse_when
from pipeline.intake.letter import Letter, Rejected

MAX_CELL = 200_000
"""Characters in one cell; a longer letter is rejected, never cut."""
HEADER_ROWS = 10
MAX_RAW = 500
MAX_EXTRAS = 40
MAX_EXTRA = 1_000
MAX_ID = 200

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\ufeff\ud800-\udfff]")
_ROUNDED = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE)
_NOBODY = frozenset({"匿名", "匿名用户", "匿名网友", "网友", "不详", "未知", "无", "-", "/", "none", "null"})


class FileRefused(Exception):
    """A whole file cannot be read; carries the Chinese sentence for its row 0."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell that stands for a value which is not there (a formula without a result); `reason` is for the clerk."""

    reason: str


@dataclass(slots=True)
class Row:
    """One row as read: its number as Excel shows it, its cells, or the problem that made it unreadable."""

    number: int
    cells: Sequence[object]
    problem: str = ""


def text_of(value: object) -> str:
    """A cell as text: whole floats without `.0`, times in ISO form, structures as JSON."""
    if value is None or isinstance(value, Unreadable):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def clean(text: str) -> str:
    """Without control characters (line ends become \\n) and outer blanks. Raises ValueError on NUL and undecodable bytes."""
    if not _UNWANTED.search(text):
        return text.strip()
    if "\x00" in text:
        raise ValueError("这一行含有空字符（NUL），文件可能已损坏：请从原系统重新导出。")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _UNWANTED.sub(lambda found: found[0] if "\ud800" <= found[0] <= "\udfff" else "", text)
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("这一行有无法识别的字符（编码混乱）：请从原系统重新导出，保存为 UTF-8。")
    return text.strip()


def writer_digest(name: str) -> str:
    """An opaque reference to a writer: equal names give equal references, and the name does not leave. "" for nobody.

    HMAC-SHA-256, 48 bits; the office may set its own key in ZHIWEI_WRITER_KEY so that names cannot be tried against it.
    """
    name = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    if not name or name in _NOBODY:
        return ""
    key = os.environ.get("ZHIWEI_WRITER_KEY", "") or "zhiwei"
    return "w" + hmac.digest(key.encode(), name.encode("utf-8", "surrogatepass"), "sha256").hex()[:12]


def content_id(title: str, body: str, received_at: datetime | None) -> str:
    """The id of a letter that came without one: the same letter read from another file gets the same id."""
    content = "\0".join((title, body, received_at.isoformat() if received_at else ""))
    return "auto-" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _given_id(value: object) -> str:
    # Excel keeps 15 digits: a longer number has lost its end, and two letters would share one id.
    if isinstance(value, float) and abs(value) >= 1e15:
        return ""
    text = clean(text_of(value))
    if len(text) > MAX_ID:
        raise ValueError(f"编号超过 {MAX_ID} 个字：请检查编号列是否错位。")
    return "" if _ROUNDED.fullmatch(text) else text


def make_letter(values: Mapping[str, object], extra: Mapping[str, str]) -> Letter:
    """A letter from the fields' raw values. Raises ValueError with a sentence for the clerk."""
    for value in values.values():
        if isinstance(value, Unreadable):
            raise ValueError(value.reason)
    given = {field: clean(text_of(values.get(field))) for field in ("title", "body", "channel", "writer_ref", "place_hint")}
    when = values.get("received_at")
    received_at = parse_when(clean(when) if isinstance(when, str) else when)
    letter_id = _given_id(values.get("letter_id")) or content_id(given["title"], given["body"], received_at)
    return Letter(
        letter_id=letter_id,
        title=given["title"],
        body=given["body"],
        received_at=received_at,
        channel=given["channel"],
        writer_ref=writer_digest(given["writer_ref"]),
        place_hint=given["place_hint"],
        extra=extra,
    )


def _extra(columns: Columns, cells: Sequence[object]) -> dict[str, str]:
    extra: dict[str, str] = {}
    for index, name in columns.others:
        text = clean(text_of(cells[index])) if index < len(cells) else ""
        if text:
            extra[name] = text if len(text) <= MAX_EXTRA else text[:MAX_EXTRA] + "…"
            if len(extra) == MAX_EXTRAS:
                break
    return extra


def raw_of(cells: Iterable[object]) -> str:
    """At most 500 characters of a row, safe to write to a file."""
    shown = " | ".join(text_of(cell)[:MAX_RAW] for cell in cells)
    return _UNWANTED.sub("\ufffd", shown)[:MAX_RAW]


def letter_of(columns: Columns, row: Row, source: str) -> Letter | Rejected:
    """The row as a letter, or rejected with the reason."""
    cells = row.cells
    try:
        if row.problem:
            raise ValueError(row.problem)
        if any(isinstance(cell, str) and len(cell) > MAX_CELL for cell in cells):
            raise ValueError(f"有一格超过{MAX_CELL // 10_000}万字，请另存为附件，表里只写摘要。")
        values = {field: cells[i] for field, i in columns.fields.items() if i < len(cells)}
        return replace(make_letter(values, _extra(columns, cells)), source=source, row=row.number)
    except ValueError as exc:
        return Rejected(source=source, row=row.number, reason=str(exc), raw=raw_of(cells))


def is_blank(row: Row) -> bool:
    """Whether nothing at all stands in the row."""
    return not row.problem and not any(cell.strip() if isinstance(cell, str) else cell is not None for cell in row.cells)


def letters_of(rows: Iterable[Row], source: str, column_map: Mapping[str, str], *, ragged: bool = True) -> Iterator[Letter | Rejected]:
    """The letters of a table whose header is among its first ten rows; blank rows and repeated headers are passed over.

    With `ragged` false (csv) a row must have as many cells as the header. Raises InputError when no row names a body.
    """
    rows = iter(rows)
    head = list(islice(rows, HEADER_ROWS))
    found = find_header([row.cells for row in head], column_map)
    if found is None:
        yield from _headless(head, rows, source, column_map)
        return
    at, columns = found
    rest = (row for row in chain(head[at + 1 :], rows) if not is_blank(row) and not _is(columns, row))
    for row in rest if ragged else _measured(columns, rest):
        yield letter_of(columns, row, source)


def _headless(head: list[Row], rows: Iterator[Row], source: str, column_map: Mapping[str, str]) -> Iterator[Rejected]:
    problems = [row for row in head if row.problem]
    if problems:  # the header itself may be what could not be read: say so, rather than that it is missing
        for row in problems:
            yield Rejected(source=source, row=row.number, reason=row.problem, raw=raw_of(row.cells))
        raise FileRefused("表头无法读取：请用 Excel 打开后另存为 xlsx 再交。")
    if all(is_blank(row) for row in head) and next(rows, None) is None:
        raise FileRefused("文件是空的，没有可读的内容。")
    raise no_header(source, [row.cells for row in head], column_map, schema=False)


def _is(columns: Columns, row: Row) -> bool:
    at = columns.fields["body"]
    same = len(row.cells) > at and row.cells[at] == columns.names[at]
    return same and [text_of(cell).strip() for cell in row.cells] == [*columns.names]


def _measured(columns: Columns, rows: Iterable[Row]) -> Iterator[Row]:
    """Rows with the header's number of cells; trailing empty cells may be missing or too many.

    A line break outside quotes splits one letter over two short rows. So a short row is let through only when the next row
    does not look like its other half.
    """
    held: Row | None = None
    after_half = False
    for row in rows:
        short = not row.problem and len(row.cells) < columns.width
        _judge_width(columns, row)
        half = short and (bool(row.problem) or (held is not None and len(held.cells) + len(row.cells) - 1 == columns.width))
        if held is not None:
            held.problem = _short(columns, held) if half else ""
            yield held
        if short and (half or after_half):
            row.problem = _short(columns, row)
        after_half = half
        held = row if short and not row.problem else None
        if held is None:
            yield row
    if held is not None:
        yield held


def _judge_width(columns: Columns, row: Row) -> None:
    if row.problem:
        return
    if len(row.cells) > columns.width and any(row.cells[columns.width :]):
        row.problem = f"这一行有 {len(row.cells)} 格，表头只有 {columns.width} 格：多半是文中的分隔符没有加引号，请改正后重交。"
    elif len(row.cells) < columns.reach:
        row.problem = _short(columns, row)


def _short(columns: Columns, row: Row) -> str:
    return f"这一行只有 {len(row.cells)} 格，表头有 {columns.width} 格：多半是文中的换行没有加引号，请改正后重交。"
