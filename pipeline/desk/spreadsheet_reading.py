"""Tables that come back from Excel: looked at before they are opened (files made to exhaust whoever opens them), every cell checked by its kind."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from types import MappingProxyType
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from pipeline.desk.spreadsheet import FEW, Column, holdable, restored
from pipeline.errors import SpreadsheetError
from pipeline.intake.archives import inspect
from pipeline.intake.rows import FileRefused

MAX_ROWS = 20_000
MAX_COLUMNS = 100
"""Columns that are read: a row of Excel may hold 16,384, and those of a bomb would fill the memory."""
MAX_BYTES = 10 * 1024**2
MAX_INFLATED = 200 * 1024**2
EXCEL_ROWS = 1_048_576
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_SHOWN = 20


def read_xlsx(source: IO[bytes], columns: Sequence[Column]) -> tuple[list[dict[str, object]], list[str]]:
    """Rows of the first sheet, and what is wrong with single cells in sentences for the clerk.

    Returns:
        Rows by the columns' keys, with their number in Excel under "_row": "text" and "choice" as str ("" when empty), "date" as date, "int"
        and "float" as numbers (None when empty). Blank rows are passed over; a row with a wrong cell is not among them, only told.

    Raises:
        SpreadsheetError: not an xlsx, unsafe, too big, or its first row lacks a column.
    """
    _check(source)
    lines = _lines(source)
    head = [_text(_plain(cell.value)).strip() for cell in lines[0][1]] if lines and lines[0][0] == 1 else []
    places = _places(head, columns)
    rows: list[dict[str, object]] = []
    problems: list[str] = []
    for number, cells in lines[1:]:
        row: dict[str, object] = {"_row": number}
        wrong = len(problems)
        for column, place in zip(columns, places, strict=True):
            cell = cells[place] if place < len(cells) else None
            try:
                row[column.key] = None if cell is None else _read(cell, column)
            except ValueError:
                problems.append(_problem(number, column, cell.value if cell else ""))
            if row.get(column.key) is None and column.kind in ("text", "choice"):
                row[column.key] = ""
        if len(problems) == wrong:
            rows.append(row)
    return rows, problems


def _check(source: IO[bytes]) -> None:
    """Raises SpreadsheetError unless the file is safe to open."""
    if source.seek(0, io.SEEK_END) > MAX_BYTES:
        raise SpreadsheetError(f"表格超过 {MAX_BYTES // 1024**2} MB：请拆成几个文件再交。")
    source.seek(0)
    if source.read(2) != b"PK":
        raise SpreadsheetError("这不是 xlsx 表格，或者设了密码：请用 Excel 或 WPS 打开，去掉密码，另存为 xlsx 再交。")
    try:
        with ZipFile(source) as archive:
            # What the directory claims binds: no member is inflated beyond it.
            inflated = sum(member.file_size for member in archive.infolist())
        if inflated > MAX_INFLATED:
            raise SpreadsheetError("表格解压后过大（可能是压缩炸弹），没有打开：请确认来源，拆成几个文件再交。")
        inspect(source)
    except (BadZipFile, NotImplementedError, OSError, ValueError) as exc:
        raise SpreadsheetError("表格已损坏，打不开：请用 Excel 或 WPS 打开，另存为 xlsx 再交。") from exc
    except FileRefused as exc:
        raise SpreadsheetError(str(exc)) from exc


def _lines(stream: IO[bytes]) -> list[tuple[int, tuple[Any, ...]]]:
    """The rows of the first sheet that are not blank, with their numbers."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and rules that it drops
        try:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # the size that a file claims for a sheet is often wrong
            numbered = enumerate(islice(sheet.iter_rows(max_col=MAX_COLUMNS), EXCEL_ROWS), 1)
            lines = list(islice(((at, row) for at, row in numbered if not _is_blank(row)), MAX_ROWS + 2))
            book.close()
        except Exception as exc:  # a file made by hand can make the library raise nearly anything
            raise SpreadsheetError("表格的内容读不出来：请用 Excel 或 WPS 打开，另存为 xlsx 再交。") from exc
    if len(lines) > MAX_ROWS + 1:
        raise SpreadsheetError(f"表格超过 {MAX_ROWS:,} 行：请拆成几个文件再交。")
    return lines


def _is_blank(row: tuple[Any, ...]) -> bool:
    return all(cell.value is None or (isinstance(cell.value, str) and not cell.value.strip()) for cell in row)


def _places(head: Sequence[str], columns: Sequence[Column]) -> list[int]:
    names = [column.name.strip() for column in columns]
    if missing := [name for name in names if name not in head]:
        raise SpreadsheetError(f"表格第 1 行缺少这些列：{'、'.join(missing)}。请用系统导出的表填写，表头请勿改名。")
    if double := [name for name in names if head.count(name) > 1]:
        raise SpreadsheetError(f"表格第 1 行有重复的列：{'、'.join(double)}。请每列只留一个再交。")
    return [head.index(name) for name in names]


def _plain(value: object) -> object:
    """A text as it was before it was written: Excel's escapes undone, then `restored`."""
    if not isinstance(value, str):
        return value
    return restored(holdable(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)))


def _read(cell: Any, column: Column) -> object:
    """Raises ValueError when the cell is not of the column's kind."""
    if cell.data_type == "e":
        raise ValueError
    value = _plain(cell.value)
    if column.kind == "text":
        return _text(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if column.kind == "choice":
        if _text(value).strip() not in column.choices:
            raise ValueError
        return _text(value).strip()
    return _READERS[column.kind](value)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ", "minutes")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _day(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str) and (found := _DAY.fullmatch(value.strip())):
        year, month, day = map(int, found.groups())
        return date(year, month, day)
    raise ValueError


def _whole(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value != int(value):
        raise ValueError
    return int(value)


def _number(value: object) -> float:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d+)?", value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


_READERS: Mapping[str, Callable[[object], object]] = MappingProxyType({"date": _day, "int": _whole, "float": _number})


def _problem(row: int, column: Column, value: object) -> str:
    forms = {"date": "日期（如 2026-03-05）", "int": "整数", "float": "数字", "text": "文字", "choice": "下拉列表中的一项"}
    few = column.kind == "choice" and len(column.choices) <= FEW
    expected = f"应为 {'、'.join(column.choices)} 之一" if few else f"应为{forms[column.kind]}"
    shown = " ".join(_text(_plain(value)).split())
    return f"第 {row} 行 {column.name}：{expected}，填的是 ‘{shown[:_SHOWN] + '…' * (len(shown) > _SHOWN)}’，请改正。"
