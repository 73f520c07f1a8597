"""Tables that leave for Excel and come back: nothing runs as a formula, nothing is lost, what is wrong is told."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.desk import spreadsheet_reading
from pipeline.desk.spreadsheet import Column, holdable, restored, safe_cell, write_csv, write_xlsx
from pipeline.desk.spreadsheet_reading import read_xlsx
from pipeline.errors import SpreadsheetError

OUTCOMES = ("化解", "部分化解", "未化解")
COLUMNS = (
    Column("id", "事项编号", 14, note="事项的编号。"),
    Column("first", "首次来信", 12, "date", note="最早一封来信的日期。"),
    Column("letters", "来信数", 8, "int"),
    Column("risk", "风险", 8, "float"),
    Column("leader", "包保领导", 12, editable=True, note="由谁包保。"),
    Column("outcome", "办理结果", 12, "choice", OUTCOMES, editable=True),
    Column("closed", "办结日期", 12, "date", editable=True),
)
ROW = {"id": "M001", "first": date(2026, 3, 5), "letters": 12, "risk": 0.25, "leader": "", "outcome": "化解", "closed": None}
DANGEROUS = (
    "=1+1",
    "+86",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\x00=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    "  =1",
    "\u3000=1",
    "\ufeff=1",
)


def written(rows: Sequence[dict[str, object]], columns: Sequence[Column] = COLUMNS, title: str = "台账") -> io.BytesIO:
    buffer = io.BytesIO()
    write_xlsx(buffer, title, columns, rows)
    return buffer


def typed(*rows: Sequence[object], head: Sequence[object] = tuple(column.name for column in COLUMNS)) -> io.BytesIO:
    """A workbook as a clerk may have typed it."""
    book = openpyxl.Workbook()
    for row in (head, *rows):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_dangerous_text_gets_an_apostrophe_and_loses_it_again(text: str) -> None:
    assert safe_cell(text) == "'" + holdable(text)
    assert restored(safe_cell(text)) == holdable(text)


@pytest.mark.parametrize("value", ["玉米种子", "a=b", "'引号", "", -5, 0.5, date(2026, 3, 5), None])
def test_what_is_harmless_stays_as_it_is(value: object) -> None:
    assert safe_cell(value) == value
    assert restored(value) == value


def test_times_are_shanghais_and_no_number_is_no_cell() -> None:
    assert safe_cell(datetime(2026, 3, 5, 20, 0, tzinfo=UTC)) == datetime(2026, 3, 6, 4, 0)
    assert safe_cell(float("nan")) is None


@pytest.mark.parametrize("text", ["字" * 40_000, "=" + "1" * 40_000, "😀" * 20_000])
def test_a_text_that_is_too_long_is_cut_to_what_a_cell_holds(text: str) -> None:
    cut = safe_cell(text)
    assert isinstance(cut, str)
    assert cut.endswith("…")
    assert 32_765 <= len(cut.encode("utf-16-le")) // 2 <= 32_767
    [row], problems = read_xlsx(written([ROW | {"leader": text}]), COLUMNS)
    assert (row["leader"], problems) == (restored(cut), [])


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(alphabet=st.characters(), max_size=60)
    | st.from_regex(r"'{0,2}[ \t\r\n]{0,2}[=+@#＝-].{0,9}(_x[0-9A-F]{4}_){0,2}", fullmatch=True),
    day=st.none() | st.dates(),
    whole=st.none() | st.integers(),
    number=st.none() | st.floats(-1e307, 1e307),
)
@example(text="_x0041__x003D_x0041_\r\n", day=date.min, whole=-(10**15), number=-0.5)
@example(text="#N/A", day=date.max, whole=10**15 - 1, number=None)
@example(text="\ud800'=1\x0b\ufffe", day=date(1900, 2, 28), whole=10**15, number=1e300)
def test_what_leaves_comes_back_and_no_cell_is_a_formula(text: str, day: date | None, whole: int | None, number: float | None) -> None:
    row = ROW | {"leader": text, "first": day, "letters": whole, "risk": number}
    buffer = written([row])
    rows, problems = read_xlsx(buffer, COLUMNS)
    back = rows[0] | {"risk": pytest.approx(rows[0]["risk"])} if number is not None else rows[0]
    assert problems == []
    assert row | {"leader": holdable(text), "_row": 2} == back
    with zipfile.ZipFile(buffer) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 3
    assert not any(re.search(rb"<f[ />]|t=\"(e|str)\"", sheet) for sheet in sheets)


def test_a_clerk_sees_what_may_be_changed() -> None:
    book = openpyxl.load_workbook(written([ROW, ROW]))
    sheet, notes = book["台账"], book["说明"]
    assert sheet.protection.sheet
    assert sheet.protection.password is None
    assert [cell.protection.locked for cell in sheet[2]] == [True, True, True, True, False, False, False]
    assert sheet["E2"].fill.fgColor.rgb != sheet["A2"].fill.fgColor.rgb
    assert all(cell.font.bold and cell.protection.locked for cell in sheet[1])
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:G3")
    assert sheet["B2"].is_date
    assert sheet["B2"].value == datetime(2026, 3, 5)
    assert [[cell.value for cell in line] for line in notes.iter_rows(2, 8)] == [
        ["事项编号", "事项的编号。", "请勿修改"],
        ["首次来信", "最早一封来信的日期。", "请勿修改"],
        ["来信数", None, "请勿修改"],
        ["风险", None, "请勿修改"],
        ["包保领导", "由谁包保。", "可以修改"],
        ["办理结果", "从下拉列表中选：化解、部分化解、未化解。", "可以修改"],
        ["办结日期", "填日期，如 2026-03-05。", "可以修改"],
    ]


def test_drop_down_lists_offer_the_choices() -> None:
    leaders = ("张某，副县长", "李某")
    columns = [replace(column, kind="choice", choices=leaders) if column.key == "leader" else column for column in COLUMNS]
    book = openpyxl.load_workbook(written([ROW, ROW], columns))
    offered = {}
    for rule in book["台账"].data_validations.dataValidation:
        name, area = re.fullmatch(r"'(.+)'!(.+)", rule.formula1).groups()  # type: ignore[union-attr]
        offered[str(rule.sqref)] = [line[0].value for line in book[name][area]]
    assert offered == {"E2:E3": list(leaders), "F2:F3": list(OUTCOMES)}
    assert book["选项"].sheet_state == "hidden"


def test_an_awkward_title() -> None:
    assert read_xlsx(written([ROW], title="台账[2026/3]：" + "长" * 40), COLUMNS) == ([ROW | {"_row": 2}], [])


def test_csv_opens_in_excel_and_runs_nothing() -> None:
    buffer = io.BytesIO()
    rows = [ROW | {"leader": text} for text in DANGEROUS] + [ROW | {"letters": -5, "closed": datetime(2026, 3, 5, 4, 0, tzinfo=UTC)}]
    write_csv(buffer, COLUMNS, rows)
    assert buffer.getvalue().startswith(codecs.BOM_UTF8)
    head, *lines = csv.reader(io.StringIO(buffer.getvalue().decode("utf-8-sig"), newline=""))
    assert head == [column.name for column in COLUMNS]
    assert [restored(line[4]) for line in lines[:-1]] == [holdable(text) for text in DANGEROUS]
    assert all(line[4].startswith("'") for line in lines[:-1])
    assert lines[-1] == ["M001", "2026-03-05", "-5", "0.25", "", "化解", "2026-03-05 12:00"]


def test_columns_may_stand_in_any_order_with_others_between() -> None:
    head = ["备用", *(column.name for column in reversed(COLUMNS)), " 我的备注 "]
    rows, problems = read_xlsx(typed(["x", "2026年3月9日", " 未化解 ", 7, "0.5", 3.0, "2026/3/1", "M2", "y"], head=head), COLUMNS)
    assert problems == []
    assert rows == [
        {"id": "M2", "first": date(2026, 3, 1), "letters": 3, "risk": 0.5, "leader": "7", "outcome": "未化解", "closed": date(2026, 3, 9), "_row": 2}
    ]  # fmt: skip


def test_bad_cells_are_told_one_by_one_and_their_rows_left_out() -> None:
    good = ["M1", date(2026, 3, 1), 1, 0.5, "王某", "化解", None]
    blank: list[object] = [None, " "]
    bad = ["M3", "三月", "1.5", "高", "王某", "解决了", "2026-02-30"]
    rows, problems = read_xlsx(typed(good, blank, bad, ["M4", None, True, "1E999", "#REF!", "化" * 30]), COLUMNS)
    assert [row["_row"] for row in rows] == [2]
    assert problems == [
        "第 4 行 首次来信：应为日期（如 2026-03-05），填的是 ‘三月’，请改正。",
        "第 4 行 来信数：应为整数，填的是 ‘1.5’，请改正。",
        "第 4 行 风险：应为数字，填的是 ‘高’，请改正。",
        "第 4 行 办理结果：应为 化解、部分化解、未化解 之一，填的是 ‘解决了’，请改正。",
        "第 4 行 办结日期：应为日期（如 2026-03-05），填的是 ‘2026-02-30’，请改正。",
        "第 5 行 来信数：应为整数，填的是 ‘True’，请改正。",
        "第 5 行 风险：应为数字，填的是 ‘1E999’，请改正。",
        "第 5 行 包保领导：应为文字，填的是 ‘#REF!’，请改正。",
        f"第 5 行 办理结果：应为 化解、部分化解、未化解 之一，填的是 ‘{'化' * 20}…’，请改正。",
    ]


def test_empty_cells_come_back_empty() -> None:
    rows, problems = read_xlsx(typed(["M1"]), COLUMNS)
    assert problems == []
    assert rows == [{"id": "M1", "first": None, "letters": None, "risk": None, "leader": "", "outcome": "", "closed": None, "_row": 2}]


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (["事项编号", "首次来信", "来信数", "风险", "包保领导", "结果"], "缺少这些列：办理结果、办结日期。"),
        ([*(column.name for column in COLUMNS), "包保领导"], "有重复的列：包保领导。"),
        ([], "缺少这些列：事项编号、"),
    ],
)
def test_a_head_that_is_not_ours_is_refused(head: list[str], told: str) -> None:
    with pytest.raises(SpreadsheetError, match=told):
        read_xlsx(typed(head=head), COLUMNS)


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(201):
            part.write(bytes(1024**2))
    return buffer.getvalue()


def archive(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in members.items():
            zipped.writestr(name, text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "这不是 xlsx 表格"),
        ("编号,标题".encode(), "这不是 xlsx 表格"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "这不是 xlsx 表格，或者设了密码"),
        (b"PK\x03\x04" + bytes(100), "表格已损坏"),
        (typed(["M1"]).getvalue()[:-200], "表格已损坏"),
        (archive(readme="你好"), "表格的内容读不出来"),
        (archive(sheet='<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "实体声明"),
        (b"PK" + bytes(spreadsheet_reading.MAX_BYTES), "表格超过 10 MB"),
    ],
    ids=["empty", "csv", "xls", "torn", "cut", "zip", "entity", "big"],
)
def test_what_is_no_sound_xlsx_is_refused_in_a_sentence(content: bytes, told: str) -> None:
    with pytest.raises(SpreadsheetError, match=told):
        read_xlsx(io.BytesIO(content), COLUMNS)


def test_a_zip_bomb_is_not_opened() -> None:
    content = bomb()
    assert len(content) < 1024**2
    with pytest.raises(SpreadsheetError, match="压缩炸弹"):
        read_xlsx(io.BytesIO(content), COLUMNS)


def test_no_more_than_twenty_thousand_rows() -> None:
    column = (Column("id", "事项编号", 14),)
    rows = [{"id": f"M{at}"} for at in range(20_001)]
    assert len(read_xlsx(written(rows[:-1], column), column)[0]) == 20_000
    with pytest.raises(SpreadsheetError, match="超过 20,000 行"):
        read_xlsx(written(rows, column), column)
