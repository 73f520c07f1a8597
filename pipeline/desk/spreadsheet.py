"""Tables that leave for Excel: no text in them runs as a formula (CWE-1236). How they come back stands in spreadsheet_reading.py."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Literal

from pipeline.intake.letter import SHANGHAI

MAX_TEXT = 32_767
"""UTF-16 units that one cell of Excel holds."""
FIRST_DAY = "1900-03-01"
"""Excel counts a 29 February 1900 that never was: days before this one are written as text."""
EXACT = 10**15
"""Excel keeps fifteen digits: longer whole numbers are written as text."""
NOTES, LISTS = "说明", "选项"

_UNHOLDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Apostrophes in front count as well: a text that had one before must be told from one that got it here.
_DANGEROUS = re.compile("'*(?:[\t\r\n]|[\\s\u200b-\u200f\u2060\ufeff]*[=+\\-@＝＋－＠])")
_LIKE_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
FEW = 8
"""So many choices are named in a sentence; of more it only says that there is a list."""

Kind = Literal["text", "date", "int", "float", "choice"]
Cell = str | int | float | Decimal | date | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        key: of the rows. name: the heading. width: in characters, as Excel counts them.
        choices: what a cell of the kind "choice" may say, in the words that the clerk sees.
        editable: the clerk may change it. note: one sentence for the sheet “说明”.
    """

    key: str
    name: str
    width: float
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    editable: bool = False
    note: str = ""


Row = Mapping[str, object]


def holdable(text: str) -> str:
    """The text without the control characters and half characters that XML, and so an Office file, cannot hold."""
    return _UNHOLDABLE.sub("", text)


def safe_cell(value: object) -> Cell:
    """What may stand in a cell: numbers and days as they are (a time in Shanghai's, no NaN), all else as text that no spreadsheet runs.

    A text that could be taken for a formula gets an apostrophe in front; one that is too long for a cell is cut with “…”.
    """
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).replace(tzinfo=None) if value.tzinfo else value
    if value is None or isinstance(value, int | date):
        return value
    if isinstance(value, float | Decimal):
        return value if math.isfinite(value) else None
    text = holdable(str(value))
    return _cut("'" + text if _DANGEROUS.match(text) else text)


def restored(value: object) -> object:
    """The inverse of `safe_cell`, but for what it had to take away: an apostrophe goes only where `safe_cell` would have put it."""
    return value[1:] if isinstance(value, str) and value.startswith("'") and _DANGEROUS.match(value) else value


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT // 2:
        return text
    units = text.encode("utf-16-le")
    return text if len(units) <= 2 * MAX_TEXT else units[: 2 * MAX_TEXT - 2].decode("utf-16-le", "ignore") + "…"


def write_csv(buffer: IO[bytes], columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """UTF-8 with BOM, so that Excel opens it; headings, then a line a row."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow([safe_cell(column.name) for column in columns])
    lines.writerows([_csv_cell(safe_cell(row.get(column.key))) for column in columns] for row in rows)
    buffer.write(codecs.BOM_UTF8 + text.getvalue().encode("utf-8"))


def _csv_cell(value: Cell) -> Cell:
    return value.isoformat(" ", "minutes") if isinstance(value, datetime) else value


def write_xlsx(target: IO[bytes], title: str, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Write the table, and a sheet that explains its columns. All but the editable columns are locked, without a password: it shows the clerk what
    to change, it keeps nobody out."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    book.properties.creator, book.properties.title = "知微", holdable(title)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\']", " ", holdable(title))[:31] or "台账")
    _lay_out(sheet, columns)
    height = _fill(sheet, columns, rows)
    sheet.auto_filter.ref = f"A1:{_letter(len(columns))}{height}"
    _explain(book.create_sheet(NOTES), columns)
    _offer(book, sheet, columns, height)
    book.save(target)


def _letter(number: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(number))


def _lay_out(sheet: Any, columns: Sequence[Column]) -> None:
    sheet.freeze_panes = "A2"
    for at, column in enumerate(columns, 1):
        sheet.column_dimensions[_letter(at)].width = column.width
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9  # A4
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True
    sheet.print_title_rows = "1:1"
    sheet.protection.sheet = True
    for allowed in ("autoFilter", "formatColumns", "formatRows"):  # the flags say what is forbidden
        setattr(sheet.protection, allowed, False)


def _fill(sheet: Any, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write the heading and the rows; tells the number of the last one."""
    styles = _styles(sheet.parent, columns)
    sheet.append([_cell(sheet, column.name, _HEAD) for column in columns])
    height = 1
    for row in rows:
        sheet.append([_cell(sheet, row.get(column.key), style) for column, style in zip(columns, styles, strict=True)])
        height += 1
    return height


_HEAD, _BODY, _FONT = "知微表头", "知微", "宋体"


def _styles(book: Any, columns: Sequence[Column]) -> list[str]:
    """The styles' names, column by column; named styles, since those are made once and not for each cell."""
    from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side

    line = Side(style="thin", color="BFBFBF")
    border, wrap = Border(line, line, line, line), Alignment(wrap_text=True, vertical="top")
    head = NamedStyle(
        _HEAD, Font(_FONT, 11, bold=True), PatternFill("solid", fgColor="E7E6E6"), border, Alignment("center", "center", wrap_text=True)
    )
    book.add_named_style(head)
    names = []
    for column in columns:
        name = f"{_BODY}·{column.kind}·{'可改' if column.editable else '不改'}"
        if name not in names:
            fill = PatternFill("solid", fgColor="FFF8DC") if column.editable else PatternFill()
            style = NamedStyle(name, Font(_FONT, 11), fill, border, wrap, _number_format(column), Protection(locked=not column.editable))
            book.add_named_style(style)
        names.append(name)
    return names


def _number_format(column: Column) -> str:
    """What a clerk types into an editable text stays text, also "=1" or a long number."""
    if column.kind == "date":
        return "yyyy-mm-dd"
    return "@" if column.editable and column.kind in ("text", "choice") else "General"


def _cell(sheet: Any, value: object, style: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    value = safe_cell(value)
    if isinstance(value, int) and abs(value) >= EXACT:
        value = safe_cell(str(value))
    elif isinstance(value, date) and value.isoformat()[:10] < FIRST_DAY:
        value = value.isoformat()[:10]
    cell = WriteOnlyCell(sheet, _LIKE_ESCAPE.sub("_x005F_", value) or None if isinstance(value, str) else value)
    cell.style = style
    if isinstance(value, str) and value:
        cell.data_type = "s"  # openpyxl takes "=…" for a formula and "#N/A" for an error
    elif isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm"
    return cell


def _explain(sheet: Any, columns: Sequence[Column]) -> None:
    """One line a column: its name, what it is, whether it may be changed."""
    for letter, width in zip("ABC", (18, 80, 14), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
    plain = _styles_of_notes(sheet.parent)
    sheet.append([_cell(sheet, name, _HEAD) for name in ("列名", "内容", "能否修改")])
    for column in columns:
        what = column.note + (_form(column) if column.editable else "")
        sheet.append([_cell(sheet, text, plain) for text in (column.name, what, "可以修改" if column.editable else "请勿修改")])
    sheet.append([])
    for note in (
        "浅黄底色的列可以修改，其余各列请勿改动；表头请勿改名。",
        "文字最前面多出的 ' 号是为防止被当作公式运行而加的，交回时系统会自动去掉。",
    ):
        sheet.append(["", _cell(sheet, note, plain)])


def _styles_of_notes(book: Any) -> str:
    from openpyxl.styles import Alignment, Font, NamedStyle

    book.add_named_style(NamedStyle(_BODY + "·说明", Font(_FONT, 11), alignment=Alignment(wrap_text=True, vertical="top")))
    return _BODY + "·说明"


def _form(column: Column) -> str:
    forms = {"date": "填日期，如 2026-03-05。", "int": "填整数。", "float": "填数字。"}
    if column.choices:
        return f"从下拉列表中选：{'、'.join(column.choices)}。" if len(column.choices) <= FEW else "从下拉列表中选。"
    return forms.get(column.kind, "")


def _offer(book: Any, sheet: Any, columns: Sequence[Column], height: int) -> None:
    """Drop-down lists, kept on a hidden sheet: a list inside the rule itself may have 255 characters and no commas."""
    from openpyxl.worksheet.datavalidation import DataValidation

    offered = [(at, column, column.choices) for at, column in enumerate(columns, 1) if column.editable and column.choices]
    if not offered:
        return
    kept = book.create_sheet(LISTS)
    kept.sheet_state = "hidden"
    for line in range(max(len(texts) for _, _, texts in offered)):
        kept.append([_cell(kept, texts[line] if line < len(texts) else None, "Normal") for _, _, texts in offered])
    for place, (at, column, texts) in enumerate(offered, 1):
        rule = DataValidation("list", f"'{LISTS}'!${_letter(place)}$1:${_letter(place)}${len(texts)}", allow_blank=True)
        rule.showErrorMessage, rule.errorTitle, rule.error = True, column.name[:32], "请从下拉列表中选择。"
        rule.add(f"{_letter(at)}2:{_letter(at)}{max(height, 2)}")
        sheet.data_validations.append(rule)
