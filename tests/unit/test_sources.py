"""Letters from tables in files: csv, xlsx, xls, jsonl, parquet, and what is rejected there."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import struct
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from pipeline.intake.letter import SHANGHAI, Letter, Rejected
from pipeline.intake.sources import read

HEADER = ["信件编号", "标题", "正文", "来信时间", "来源", "写信人", "属地", "办理单位"]
ROW = ["X-1", "路灯不亮", "东湖路的路灯，\n三周没亮。", "2026-03-05 09:12:00", "12345热线", "张某", "东湖区", "城管局"]
WHEN = datetime(2026, 3, 5, 9, 12, tzinfo=SHANGHAI)


def letters(*inputs: object, **columns: str) -> list[Letter]:
    found = list(read([str(one) for one in inputs], column_map=columns))
    assert all(isinstance(one, Letter) for one in found), found
    return [one for one in found if isinstance(one, Letter)]


def both(*inputs: object) -> tuple[list[Letter], list[Rejected]]:
    found = list(read([str(one) for one in inputs]))
    for one in found:
        if isinstance(one, Rejected):
            assert one.reason.endswith("。")
            assert len(one.raw) <= 500
    return [x for x in found if isinstance(x, Letter)], [x for x in found if isinstance(x, Rejected)]


def write_csv(path: Path, rows: Sequence[Sequence[object]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def write_xlsx(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def write_xls(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """A BIFF2 sheet, the oldest and simplest xls."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    out = record(0x0009, struct.pack("<HH", 2, 0x10)) + record(0x0042, struct.pack("<H", 936))
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            at = struct.pack("<HH", r, c) + b"\0\0\0"
            if isinstance(cell, int | float):
                out += record(0x0003, at + struct.pack("<d", cell))
            else:
                text = str(cell).encode("gbk")
                out += record(0x0004, at + bytes([len(text)]) + text)
    path.write_bytes(out + record(0x000A, b""))
    return path


def the_usual_letter(letter: Letter) -> None:
    assert (letter.letter_id, letter.title, letter.body) == ("X-1", "路灯不亮", "东湖路的路灯，\n三周没亮。")
    assert (letter.received_at, letter.channel, letter.place_hint) == (WHEN, "12345热线", "东湖区")
    assert dict(letter.extra) == {"办理单位": "城管局"}
    assert letter.writer_ref.startswith("w")
    assert "张某" not in repr(letter)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("header", [HEADER, ["letter_id", "title", "body", "received_at", "channel", "writer", "place", "办理单位"]])
def test_csv_in_every_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str, header: list[str]) -> None:
    path = write_csv(tmp_path / "信.csv", [header, ROW], encoding, delimiter)
    the_usual_letter(letters(path)[0])


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le", "utf-16-be"])
def test_an_ascii_header_does_not_hide_the_encoding(tmp_path: Path, encoding: str) -> None:
    rows = [["id", "body"], *([str(i), "a plain ascii row"] for i in range(5_000)), ["z", "路灯不亮"]]
    path = write_csv(tmp_path / "a.csv", rows, encoding)
    assert letters(path)[-1].body == "路灯不亮"


def test_tsv_and_old_mac_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes("编号\t内容\r1\t路灯不亮\r2\t水停了".encode())
    assert [x.body for x in letters(path)] == ["路灯不亮", "水停了"]


def test_xlsx_every_sheet_with_a_header_wherever_it_stands(tmp_path: Path) -> None:
    when = datetime(2026, 3, 5, 9, 12)
    sheets: dict[str, Sequence[Sequence[object]]] = {
        "三月": [["某某区来信登记表"], [], HEADER, [*ROW[:3], when, *ROW[4:]], [], ["", " ", None]],
        "说明": [["本表由信访科填写"]],
        "四月": [["内容", "编号"], ["水停了", 7], ["水又停了", 8.0]],
    }
    first, second, third = letters(write_xlsx(tmp_path / "a.xlsx", sheets))
    the_usual_letter(first)
    assert (second.letter_id, second.body, third.letter_id) == ("7", "水停了", "8")


def test_xlsx_row_numbers_are_those_of_excel_and_other_tables_are_told(tmp_path: Path) -> None:
    rows: list[list[object]] = [["登记表"], [], ["编号", "内容", "时间"], ["1", "好", "2026-02-30"]]
    sheets: dict[str, Sequence[Sequence[object]]] = {"信": rows, "续": [["2", "水停了", "2026-03-05"], ["3", "灯不亮", "2026-03-05"]]}
    found, rejected = both(write_xlsx(tmp_path / "a.xlsx", sheets))
    assert not found
    assert [(x.source[-2:], x.row) for x in rejected] == [("#信", 4), ("#续", 0)]
    assert "没有可认的表头" in rejected[1].reason


def test_xls_and_a_wrong_suffix(tmp_path: Path) -> None:
    path = write_xls(tmp_path / "a.xls", [["编号", "内容", "时间"], [12, "路灯不亮", 46086.5]])
    (letter,) = letters(path)
    assert (letter.letter_id, letter.body, letter.received_at) == ("12", "路灯不亮", datetime(2026, 3, 5, 12, tzinfo=SHANGHAI))
    renamed = write_xlsx(tmp_path / "b.xlsx", {"信": [["内容"], ["路灯"]]}).rename(tmp_path / "b.xls")
    assert letters(renamed)[0].body == "路灯"
    (tmp_path / "c.xls").write_text("<html><table></table></html>", encoding="utf-8")
    assert "不是真正的 Excel" in both(tmp_path / "c.xls")[1][0].reason


def test_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps(dict(zip(HEADER, ROW, strict=True)), ensure_ascii=False),
        '{"body": "换了键名", "received_at": null, "tags": ["a"]}',
        "{坏的",
        "[1]",
        "",
        '{"body": "\\ud800"}',
        "[" * 100_000,
        '{"body": ' + "1" * 5_000 + "}",
        '{"title": " "}',
        '{"正文": "最后"}',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    found, rejected = both(path)
    the_usual_letter(found[0])
    assert (found[1].extra["tags"], found[2].body) == ('["a"]', "最后")
    assert [x.row for x in rejected] == [3, 4, 6, 7, 8, 9]


def test_parquet_is_read_in_batches(tmp_path: Path) -> None:
    when = pa.array([WHEN.replace(tzinfo=None)] * 1_000, pa.timestamp("ns"))
    table = pa.table({"编号": [f"P{i}" for i in range(1_000)], "正文": ["路灯不亮"] * 1_000, "时间": when, "标签": [["甲"]] * 1_000})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=300)
    found = letters(tmp_path / "a.parquet")
    assert [x.letter_id for x in found] == [f"P{i}" for i in range(1_000)]
    assert (found[0].received_at, found[0].extra["标签"]) == (WHEN, '["甲"]')


def test_column_names_are_known_whatever_their_dress(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["Letter ID", "　标 题*", "诉求内容（必填）", "ＤＡＴＥ"], ["1", "甲", "乙", "2026-03-05"]])
    (letter,) = letters(path)
    assert (letter.letter_id, letter.title, letter.body) == ("1", "甲", "乙")
    assert letter.received_at is not None


def test_the_surest_name_wins_and_a_second_name_column_is_left_out(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["内容", "正文", "姓名", "写信人", ""], ["别的", "正文在此", "李某", "李某", "尾"]])
    (letter,) = letters(path)
    assert letter.body == "正文在此"
    assert dict(letter.extra) == {"内容": "别的", "第5列": "尾"}


def test_a_map_overrides_and_is_checked(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["正文", "经过", "人"], ["摘要", "全部经过", "王某"]])
    (letter,) = letters(path, body="经过", writer="人")
    assert (letter.body, letter.extra) == ("全部经过", {"正文": "摘要"})
    with pytest.raises(InputError, match=r"没有 --map 指定的列“没有的列”.*“正文”、“经过”、“人”"):
        letters(path, body="没有的列")
    with pytest.raises(InputError, match=r"字段“bdy”不认识.*body"):
        letters(path, bdy="经过")


def test_without_a_body_column_the_error_names_what_is_there(tmp_path: Path) -> None:
    good = write_csv(tmp_path / "a.csv", [["正文"], ["路灯"]])
    bad = write_csv(tmp_path / "b.csv", [["标题", "单位"], ["1", "城管局"]])
    with pytest.raises(InputError, match=r"没有找到正文列.*“标题”、“单位”.*--map body=列名"):
        next(read([good, bad]))
    folder = tmp_path / "f"
    folder.mkdir()
    bad.rename(folder / "b.csv")
    _, (rejected,) = both(folder)
    assert rejected.row == 0
    assert "没有找到正文列" in rejected.reason


def test_a_table_without_a_header_does_not_spill_its_first_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="第一行可能不是表头") as stopped:
        next(read([write_csv(tmp_path / "a.csv", [["1", "张某某", "路灯不亮"]])]))
    assert "张某某" not in str(stopped.value)


def test_an_id_is_made_from_the_content_and_survives_renaming(tmp_path: Path) -> None:
    rows = [["标题", "正文", "时间"], ["灯", "路灯不亮", "2026-03-05"], ["灯", "路灯不亮", "2026-03-06"]]
    a, b = letters(write_csv(tmp_path / "a.csv", rows))
    c, d = letters(write_csv(tmp_path / "别名.csv", rows, "gb18030", "\t"))
    assert a.letter_id.startswith("auto-")
    assert len(a.letter_id) == len("auto-") + 12
    assert (a.letter_id, b.letter_id) == (c.letter_id, d.letter_id)
    assert a.letter_id != b.letter_id


def test_numbers_that_excel_rounded_are_no_ids(tmp_path: Path) -> None:
    one, two = letters(write_csv(tmp_path / "a.csv", [["编号", "正文"], ["4.40102E+17", "甲"], ["4.40102E+17", "乙"]]))
    assert one.letter_id != two.letter_id
    (three,) = letters(write_xlsx(tmp_path / "a.xlsx", {"信": [["编号", "正文"], [4.40102e17, "甲"]]}))
    assert three.letter_id == one.letter_id


def test_writers_are_told_apart_and_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZHIWEI_WRITER_KEY", raising=False)
    path = write_csv(tmp_path / "a.csv", [["正文", "写信人"], ["甲", "张 某"], ["乙", "张某"], ["丙", "李某"], ["丁", "匿名"], ["戊", ""]])
    refs = [x.writer_ref for x in letters(path)]
    assert refs[0] == refs[1] != refs[2]
    assert refs[3] == refs[4] == ""
    assert len(refs[0]) == 13
    monkeypatch.setenv("ZHIWEI_WRITER_KEY", "本单位的密钥")
    assert letters(path)[0].writer_ref != refs[0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["1", " ", "", "2026-03-05"], "标题和正文都是空的"),
        (["1", "甲", "乙", "2026-02-30"], "不存在"),
        (["1", "甲", "乙", "1800-01-01"], "早于 1950 年"),
        (["1", "甲", "乙", "2999-01-01"], "一年以后"),
        (["1", "甲", "乙", "2026-03-05", "多一格"], "有 5 格，表头只有 4 格"),
        (["1", "甲"], "只有 2 格，表头有 4 格"),
        (["1", "甲", "有\0空字符", "2026-03-05"], "NUL"),
        (["1", "甲", "长" * 200_001, "2026-03-05"], "超过20万字，请另存为附件"),
        (["9" * 201, "甲", "乙", "2026-03-05"], "编号超过"),
    ],
)
def test_bad_rows_are_rejected_with_the_reason_and_the_others_go_on(tmp_path: Path, row: list[str], reason: str) -> None:
    good = ["2", "甲", "乙", ""]
    path = write_csv(tmp_path / "a.csv", [["编号", "标题", "正文", "时间"], row, good])
    (letter,), (rejected,) = both(path)
    assert (letter.letter_id, letter.received_at) == ("2", None)
    assert (rejected.source, rejected.row) == (str(path), 2)
    assert reason in rejected.reason


def test_harmless_differences_are_let_through(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    header = "编号,正文,来源,备注\n"
    path.write_text(f"{header}1,=cmd|' /C calc'!A0\n2,有\x07响铃\u200b,,,,\n\n{header}3,好,热线,无\n", encoding="utf-8")
    assert [(x.letter_id, x.body) for x in letters(path)] == [("1", "=cmd|' /C calc'!A0"), ("2", "有响铃"), ("3", "好")]


def test_a_letter_torn_by_a_bare_line_break_is_not_taken_for_two(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("编号,正文,来源,备注\n1,前一半\n后一半,热线,无\n2,好,热线,无\n3,短行也行\n4,好,热线,无\n", encoding="utf-8")
    found, rejected = both(path)
    assert [x.letter_id for x in found] == ["2", "3", "4"]
    assert [x.row for x in rejected] == [2, 3]
    assert "换行没有加引号" in rejected[0].reason


def test_broken_quoting_costs_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('编号,正文\n1,好\n2,"没有收尾\n3,好\n4,"他说"好"了"\n5,"好,""好"""\n', encoding="utf-8")
    found, rejected = both(path)
    assert [(x.letter_id, x.body) for x in found] == [("1", "好"), ("3", "好"), ("5", '好,"好"')]
    assert [x.row for x in rejected] == [3, 5]
    assert all("引号不成对" in x.reason for x in rejected)


def test_undecodable_bytes_cost_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("编号,正文\n1,路灯不亮\n2,坏".encode() + b"\xff\xfe" + "的\n3,水停了\n".encode())
    found, (rejected,) = both(path)
    assert [x.body for x in found] == ["路灯不亮", "水停了"]
    assert (rejected.row, "编码混乱" in rejected.reason) == (3, True)
    rejected.raw.encode("utf-8")


def test_the_csv_modules_own_limit_is_left_alone(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    for _ in read([write_csv(tmp_path / "a.csv", [["正文"], ["甲" * 150_000], ["乙"]])]):
        assert csv.field_size_limit() == before


def with_formula(path: Path, cached: str) -> Path:
    """A workbook whose second row has a formula for its body, with the given cached value's XML."""
    write_xlsx(path, {"信": [["编号", "正文"], ["1", "XX"], ["2", "好"]]})
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                before, _, after = data.decode().partition('<c r="B2"')
                data = (before + cached + after.partition("</c>")[2]).encode()
            new.writestr(name, data)
    path.write_bytes(out.getvalue())
    return path


def test_formulas(tmp_path: Path) -> None:
    kept = with_formula(tmp_path / "a.xlsx", '<c r="B2" t="str"><f>A1&amp;"x"</f><v>算好的正文</v></c>')
    assert [x.body for x in letters(kept)] == ["算好的正文", "好"]
    never = with_formula(tmp_path / "b.xlsx", '<c r="B2"><f>A1&amp;"x"</f></c>')
    (letter,), (rejected,) = both(never)
    assert (letter.body, rejected.row) == ("好", 2)
    assert "公式没有保存计算结果" in rejected.reason
    wrong = with_formula(tmp_path / "c.xlsx", '<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
    assert "公式出错" in both(wrong)[1][0].reason


def member(path: Path, name: str, chunks: Sequence[bytes], base: str = "xl/workbook.xml") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(base, "<x/>")
        with archive.open(name, "w") as part:
            for chunk in chunks:
                part.write(chunk)
    return path


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'


@pytest.mark.parametrize("suffix", [".xlsx", ".docx"])
@pytest.mark.parametrize(
    ("chunks", "reason"),
    [([b"<" + b"a" * (1 << 20)] * 40, "压缩炸弹"), ([LAUGHS], "实体声明"), ([LAUGHS.decode().encode("utf-16")], "实体声明")],
)
def test_bombs_are_not_opened(tmp_path: Path, suffix: str, chunks: list[bytes], reason: str) -> None:
    path = member(tmp_path / f"a{suffix}", "xl/worksheets/sheet1.xml", chunks)
    found, (rejected,) = both(path)
    assert (found, rejected.row) == ([], 0)
    assert reason in rejected.reason


def test_damaged_files_are_one_rejected_row_each(tmp_path: Path) -> None:
    whole = write_xlsx(tmp_path / "ok.xlsx", {"信": [["正文"], ["好"]]}).read_bytes()
    damaged = {"b.xls": b"\xd0\xcf\x11\xe0" + b"x" * 600, "c.parquet": b"PAR1xxPAR1", "d.docx": b"PK\3\4", "e.pdf": b"%PDF-1.7"}
    empty = dict.fromkeys(["f.csv", "g.xlsx", "h.txt", "i.docx", "j.pdf", "k.jsonl"], b"")
    for name, data in {"a.xlsx": whole[:-300], **damaged, **empty}.items():
        (tmp_path / name).write_bytes(data)
        _, (rejected,) = both(tmp_path / name)
        assert (rejected.source, rejected.row) == (str(tmp_path / name), 0)
    found, rejected_all = both(tmp_path)
    assert len(found) == 1
    assert len(rejected_all) == 11


def test_a_folder_is_walked_sorted_and_unknown_files_are_told(tmp_path: Path) -> None:
    ignored = [".hidden.csv", "~$a.xlsx", "README.txt", "notes.md", ".git/x.csv"]
    for name in ["b/2.csv", "b/1.csv", "a.csv", *ignored, "图.jpg", "旧.doc", "x.dat"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"正文\n{name}\n", encoding="utf-8")
    found, rejected = both(tmp_path)
    assert [x.body for x in found] == ["a.csv", "b/1.csv", "b/2.csv"]
    assert {Path(x.source).name: x.row for x in rejected} == {"图.jpg": 0, "旧.doc": 0, "x.dat": 0}
    assert list(read([tmp_path])) == list(read([tmp_path]))


def test_unusable_inputs_stop_the_run_before_the_first_letter(tmp_path: Path) -> None:
    good = write_csv(tmp_path / "a.csv", [["正文"], ["好"]])
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "x.dat").write_text("x", encoding="utf-8")
    cases: list[tuple[list[str | Path], str]] = [
        ([good, tmp_path / "missing.csv"], "找不到输入"),
        ([good, tmp_path / ("长" * 300)], "找不到输入"),
        ([good, "nul\0.csv"], "找不到输入"),
        ([good, tmp_path / "x.dat"], "不认识这种文件"),
        ([empty], "没有可读的文件"),
        ([], "没有可读的文件"),
        ([good, "mysql://h/db?table=t"], "“mysql”不支持"),
        ([good, f"sqlite:///{good}"], "没有写表名"),
        ([good, "sqlite:///没有.db?table=t"], "数据库文件不存在"),
        ([good, "postgresql://u:secret@[h/db?table=t"], "网址写错了"),
    ]
    for inputs, sentence in cases:
        with pytest.raises(InputError, match=sentence) as stopped:
            next(read(inputs))
        assert "secret" not in str(stopped.value)


def test_a_database_table(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE "信 件""; DROP" (编号 TEXT PRIMARY KEY, 正文 TEXT, 时间 TEXT)')
        rows: list[tuple[Any, ...]] = [("2", "水停了", "2026-03-05"), ("1", "灯不亮", None), ("3", "坏", "昨天")]
        connection.executemany('INSERT INTO "信 件""; DROP" VALUES (?, ?, ?)', rows)
        connection.execute('INSERT INTO "信 件""; DROP" VALUES (?, CAST(? AS TEXT), NULL)', ("4", b"\xff\xfe"))
    found, rejected = both(f'sqlite:///{path}?table=信 件"; DROP')
    assert [x.letter_id for x in found] == ["1", "2"]
    assert [x.row for x in rejected] == [3, 4]
    with pytest.raises(InputError, match=r"没有表“别的”.*DROP"):
        next(read([f"sqlite:///{path}?table=别的"]))
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(InputError, match="数据库读不了"):
        next(read([f"sqlite:///{path}?table=t"]))


def test_postgres_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match="pip install") as stopped:
        next(read(["postgresql://u:secret@localhost/db?table=letters"]))
    assert "secret" not in str(stopped.value)


def peak(path: Path) -> tuple[int, list[str]]:
    """(peak resident megabytes of reading a file in a process of its own, the first three things and the last that it found)."""
    script = """
        import re, sys
        from pathlib import Path
        from pipeline.intake.sources import read
        found = []
        for one in read([sys.argv[1]]):
            found[3:] = [getattr(one, "body", None) or one.reason]
        # VmHWM, for ru_maxrss is inherited from the process that started this one.
        peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
        print(int(peak[1]) // 1024, *found, sep="\\n")
    """
    command = [sys.executable, "-X", "utf8", "-c", textwrap.dedent(script), str(path)]
    size, *found = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout.splitlines()
    return int(size), found


@pytest.mark.parametrize(
    "endless",
    [b"x" * 30_000_000, '2,"{}"'.format("长" * 10_000_000).encode(), b'2,"' + b"a line\n" * 100_000],
    ids=["a line without end", "a cell of 30 MB", "a quote never closed"],
)
def test_an_endless_record_costs_itself_and_little_memory(tmp_path: Path, endless: bytes) -> None:
    path = tmp_path / "a.csv"
    head, tail = "编号,正文\n1,之前\n".encode(), "\n9,之后\n".encode()
    path.write_bytes(head + endless + tail)
    del endless
    size, found = peak(path)
    assert (found[0], found[-1]) == ("之前", "之后")
    assert "没有结束" in found[1] or "引号不成对" in found[1]
    assert size < 200
