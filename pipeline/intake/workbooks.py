"""Excel workbooks: xlsx by openpyxl, xls by xlrd."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, TypeVar

from pipeline.errors import InputError
from pipeline.intake.archives import inspect
from pipeline.intake.letter import Letter, Rejected
from pipeline.intake.rows import HEADER_ROWS, FileRefused, Row, Unreadable, is_blank, letters_of

MAX_ROWS = 1_048_576
MAX_COLUMNS = 512
MAX_XLS_BYTES = 100 * 1024**2
BATCH_ROWS = 200

_ERRORS = frozenset({"#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#N/A", "#NULL!", "#NUM!"})
_NO_RESULT = Unreadable("这一行的公式没有保存计算结果：请用 Excel 打开该文件，保存后再交。")
_WRONG = Unreadable("这一行的公式出错（如 #REF!、#VALUE!）或日期无效：请在 Excel 里改正后重交。")
_NO_HEADER = "这个工作表像一张表，但没有可认的表头，没有读入：请补上表头（如“标题”“正文”）。"
_ZIP, _OLE = b"PK", b"\xd0\xcf\x11\xe0"

Letters = Iterator[Letter | Rejected]
Sheet = tuple[str, Iterator[Row]]
_T = TypeVar("_T")


def read_workbook(path: Path, column_map: Mapping[str, str]) -> Letters:
    """Letters of every sheet with a header, of an xlsx or xls file, told apart by what it is and not by its name.

    Raises InputError when no sheet names a body, FileRefused when the file is locked, damaged or unsafe.
    """
    with open(path, "rb") as stream:
        magic = stream.read(8)
        if magic.startswith(_ZIP):
            yield from _letters(path, _xlsx_sheets(stream), column_map)
        elif magic.startswith(_OLE) or magic[:1] == b"\x09":
            yield from _letters(path, _xls_sheets(path), column_map)
        elif not magic:
            raise FileRefused("文件是空的，没有可读的内容。")
        else:
            raise FileRefused("这不是真正的 Excel 文件（可能是网页或文本改了名）：请用 Excel 打开，另存为 xlsx 再交。")


def _letters(path: Path, sheets: Iterator[Sheet], column_map: Mapping[str, str]) -> Letters:
    missing: InputError | None = None
    any_read = any_rows = False
    passed_over: list[Rejected] = []
    for name, rows in sheets:
        source = f"{path}#{name}"
        head = list(islice(rows, HEADER_ROWS))
        if all(map(is_blank, head)):
            continue
        any_rows = True
        try:
            yield from letters_of(chain(head, rows), source, column_map)
            any_read = True
        except InputError as exc:
            missing = missing or exc
            if sum(sum(1 for cell in row.cells if cell) >= 3 for row in head) >= 2:
                passed_over.append(Rejected(source=source, row=0, reason=_NO_HEADER))
    if missing and not any_read:
        raise missing
    if not any_rows:
        raise FileRefused("文件是空的，没有可读的内容。")
    yield from passed_over


def _quietly(act: Callable[[], _T]) -> _T:
    # openpyxl warns of styles and extensions that it drops and of dates that it cannot read; the latter come back as errors in cells.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return act()


def _xlsx_sheets(stream: IO[bytes]) -> Iterator[Sheet]:
    formulas = inspect(stream).formulas
    book = _open_xlsx(stream, data_only=True)
    second = _open_xlsx(stream, data_only=False) if formulas else None
    try:
        for sheet in book.worksheets:
            rows = _xlsx_rows(sheet, values_only=second is None)
            if second is None:
                yield sheet.title, _plain_rows(rows)
            else:
                yield sheet.title, _checked_rows(rows, _xlsx_rows(second[sheet.title], values_only=False))
    finally:
        book.close()
        if second is not None:
            second.close()


def _open_xlsx(stream: IO[bytes], *, data_only: bool) -> Any:
    import openpyxl

    return _quietly(lambda: openpyxl.load_workbook(stream, read_only=True, data_only=data_only, keep_links=False))


def _xlsx_rows(sheet: Any, *, values_only: bool) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()  # the size that a file claims for a sheet is often wrong
    rows = sheet.iter_rows(values_only=values_only)
    for row in rows_in_batches(rows):
        yield row[:MAX_COLUMNS]


def rows_in_batches(rows: Iterator[Any]) -> Iterator[Any]:
    """The same rows, fetched some at a time with the library's warnings off, and no more than Excel has."""
    rows = islice(rows, MAX_ROWS)
    while batch := _quietly(lambda: list(islice(rows, BATCH_ROWS))):
        yield from batch


def _plain_rows(rows: Iterator[tuple[Any, ...]]) -> Iterator[Row]:
    for number, cells in enumerate(rows, 1):
        yield Row(number, [_value(cell) for cell in cells])


def _checked_rows(rows: Iterator[tuple[Any, ...]], formulas: Iterator[tuple[Any, ...]]) -> Iterator[Row]:
    """Rows of values beside the same rows of formulas: a formula without a value was never calculated."""
    for number, (cells, sources) in enumerate(zip(rows, formulas, strict=False), 1):
        yield Row(
            number,
            [
                # A formula whose result is the empty text has the type "str", one without a result has none.
                _NO_RESULT if source.data_type == "f" and cell.value is None and cell.data_type != "str" else _value(cell.value)
                for cell, source in zip(cells, sources, strict=False)
            ],
        )


def _value(value: Any) -> object:
    if isinstance(value, str):
        return _WRONG if value in _ERRORS else value.replace("_x000D_", "")
    return value


def _xls_sheets(path: Path) -> Iterator[Sheet]:
    import xlrd

    if path.stat().st_size > MAX_XLS_BYTES:
        raise FileRefused("xls 文件过大：请另存为 xlsx，或拆成几个文件再交。")
    with open(os.devnull, "w", encoding="utf-8") as silent:
        try:
            book = xlrd.open_workbook(path, logfile=silent, on_demand=True, ragged_rows=True)
        except xlrd.XLRDError as exc:
            raise FileRefused("文件设了密码、已损坏，或不是 Excel 表：请用 Excel 打开，去掉密码，另存为 xlsx 再交。") from exc
        with book:
            for index, name in enumerate(book.sheet_names()):
                yield name, _xls_rows(book, book.sheet_by_index(index))
                book.unload_sheet(index)


def _xls_rows(book: Any, sheet: Any) -> Iterator[Row]:
    for index in range(sheet.nrows):
        yield Row(index + 1, [_xls_value(book, cell) for cell in sheet.row(index)])


def _xls_value(book: Any, cell: Any) -> object:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_ERROR:
        return _WRONG
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlrd.xldate_as_datetime(cell.value, book.datemode)
        except (ValueError, OverflowError, xlrd.xldate.XLDateError):
            return _WRONG
    return None if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) else cell.value
