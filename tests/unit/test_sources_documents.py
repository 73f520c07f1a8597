"""Letters that are documents: txt, docx, pdf."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import docx
import pytest

from pipeline.intake.letter import SHANGHAI, Letter, Rejected
from pipeline.intake.sources import read

FORM = "来信登记表\n标题：路灯不亮\n时间：2026年3月5日 上午9时12分\n写信人：张某\n内容：东湖路的路灯坏了。\n时间：昨天晚上更黑。\n请修。"
WHEN = datetime(2026, 3, 5, 9, 12, tzinfo=SHANGHAI)


def only(path: Path) -> Letter:
    (found,) = read([path])
    assert isinstance(found, Letter), found
    return found


def refused(path: Path) -> str:
    (found,) = read([path])
    assert isinstance(found, Rejected)
    assert found.row == 0
    return found.reason


def text_file(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "信.txt"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_text_is_a_letter_in_every_encoding(tmp_path: Path, encoding: str, newline: str) -> None:
    letter = only(text_file(tmp_path, f"路灯不亮{newline}东湖路的路灯三周没亮。{newline}请修。", encoding))
    assert (letter.title, letter.body) == ("路灯不亮", "东湖路的路灯三周没亮。\n请修。")


@pytest.mark.parametrize(
    "text", ["尊敬的领导：\n路灯不亮。", "路灯不亮", "长" * 41 + "\n请修", "时间：2026年3月5日\n地点：东湖路\n那天路灯不亮。"]
)
def test_what_is_no_title_stays_in_the_body(tmp_path: Path, text: str) -> None:
    letter = only(text_file(tmp_path, text))
    assert (letter.title, letter.body, letter.received_at) == ("", text, None)


def test_a_form_is_read_by_its_labels(tmp_path: Path) -> None:
    letter = only(text_file(tmp_path, FORM, "gb18030"))
    assert (letter.title, letter.received_at) == ("路灯不亮", WHEN)
    assert letter.body == "东湖路的路灯坏了。\n时间：昨天晚上更黑。\n请修。"
    assert letter.writer_ref
    assert "张某" not in repr(letter)


def test_labels_that_close_a_form_are_fields(tmp_path: Path) -> None:
    letter = only(text_file(tmp_path, "【标题】：路灯不亮\n【内容】：\n东湖路的路灯坏了。\n\n编号：X-9\n时间：2026-03-05 09:12\n"))
    assert (letter.letter_id, letter.body, letter.received_at) == ("X-9", "东湖路的路灯坏了。", WHEN)


def test_bad_texts_are_rejected(tmp_path: Path) -> None:
    assert "空的" in refused(text_file(tmp_path, " \n "))
    assert "超过20万字" in refused(text_file(tmp_path, "长" * 200_001))
    assert "NUL" in refused(text_file(tmp_path, "路灯\0不亮"))
    assert "不存在" in refused(text_file(tmp_path, "标题：甲\n时间：2026-02-30\n内容：乙"))


def test_docx_paragraphs(tmp_path: Path) -> None:
    document = docx.Document()
    for line in ["路灯不亮", "东湖路的路灯\t三周没亮。", "请修。"]:
        document.add_paragraph(line)
    document.save(str(tmp_path / "a.docx"))
    letter = only(tmp_path / "a.docx")
    assert (letter.title, letter.body) == ("路灯不亮", "东湖路的路灯\t三周没亮。\n请修。")


def test_docx_form_in_lines_and_in_a_table(tmp_path: Path) -> None:
    document = docx.Document()
    for line in FORM.split("\n"):
        document.add_paragraph(line)
    document.save(str(tmp_path / "a.docx"))
    in_lines = only(tmp_path / "a.docx")
    document = docx.Document()
    document.add_paragraph("来信登记表")
    table = document.add_table(rows=0, cols=4)
    first, second = ("标题", "路灯不亮", "时间", "2026年3月5日 上午9时12分"), ("写信人", "张某", "编号", "X-1")
    for cells in [first, second, ("内容", "东湖路的路灯坏了。", "", "")]:
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    table.rows[2].cells[1].merge(table.rows[2].cells[3])
    document.save(str(tmp_path / "b.docx"))
    in_table = only(tmp_path / "b.docx")
    assert (in_lines.title, in_lines.received_at, in_lines.writer_ref) == (in_table.title, in_table.received_at, in_table.writer_ref)
    assert (in_table.letter_id, in_table.received_at, in_table.body) == ("X-1", WHEN, "东湖路的路灯坏了。")


def test_docx_table_with_a_header_is_a_letter_a_row(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("三月来信")
    table = document.add_table(rows=0, cols=3)
    for cells in [("序号", "标题", "内容"), ("1", "灯", "路灯不亮"), ("2", "", ""), ("3", "水", "水停了")]:
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    document.save(str(tmp_path / "a.docx"))
    first, second, third = read([tmp_path / "a.docx"])
    assert isinstance(first, Letter)
    assert isinstance(third, Letter)
    assert (first.body, third.body) == ("路灯不亮", "水停了")
    assert isinstance(second, Rejected)
    assert second.row == 3


def pdf(path: Path, lines: list[str]) -> Path:
    """A one-page pdf with Chinese text by a standard character map, no font embedded."""
    shown = " T* ".join(f"<{line.encode('utf-16-be').hex()}> Tj" for line in lines)
    stream = f"BT /F1 12 Tf 14 TL 50 800 Td {shown} ET" if lines else ""
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
        "<</Type/Font/Subtype/Type0/BaseFont/SimSun/Encoding/UniGB-UCS2-H/DescendantFonts[6 0 R]>>",
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/SimSun/FontDescriptor 7 0 R"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>",
        "<</Type/FontDescriptor/FontName/SimSun/Flags 4/FontBBox[0 -141 1000 859]"
        "/ItalicAngle 0/Ascent 859/Descent -141/CapHeight 700/StemV 80>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{text}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF".encode()
    path.write_bytes(out)
    return path


def test_pdf_with_text(tmp_path: Path) -> None:
    letter = only(pdf(tmp_path / "a.pdf", ["路灯不亮", "东湖路从一号到九号的路灯三周", "没亮，请修。"]))
    assert (letter.title, letter.body) == ("路灯不亮", "东湖路从一号到九号的路灯三周没亮，请修。")


def test_a_scan_is_told_from_a_letter(tmp_path: Path) -> None:
    assert "扫描件没有文字层" in refused(pdf(tmp_path / "a.pdf", []))
