"""The brief as a Word file: A4, Chinese fonts, page numbers; the same content as the page, numbers in place of its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from pipeline.brief import CARDS, HEADING, WHAT, Brief, Section, as_of, earlier, emerging, figures, weeks
from pipeline.brief_page import INSIDE, NOTES, NUMBER, card, day_line, lines_of, sections

WESTERN, BODY, TABLE, HEAD, SUBHEAD = "Times New Roman", "仿宋", "宋体", "黑体", "楷体"
RED, GREY = RGBColor(0xA6, 0x1B, 0x1B), RGBColor(0x66, 0x66, 0x66)
PAGE, MARGIN, TEXT = (Cm(21), Cm(29.7)), Cm(2), 17.0
"""Width, height, margins; width of the text in cm."""


def docx(brief: Brief, path: Path) -> None:
    """Write the file. Raises OSError."""
    document = Document()
    _lay_out(document, brief)
    _fonts(document)
    _title(document, brief)
    _table(document, Section(title="", note="", head=("项目", "数量", "说明"), rows=figures(brief), shares=(28, 18, 54)))
    _emerging(document, brief)
    for section in sections(brief):
        _section(document, section)
    _weeks(document, brief)
    document.add_heading("说明", 2)
    for at, note in enumerate(NOTES, 1):
        _line(document, f"{at}．{note}", Pt(9), GREY)
    document.save(str(path))


def _lay_out(document: Any, brief: Brief) -> None:
    page = document.sections[0]
    page.page_width, page.page_height = PAGE
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = MARGIN
    foot = page.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    foot.add_run("— ")
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    field.append(foot.add_run("1")._r)
    foot._p.append(field)
    foot.add_run(" —")
    about = document.core_properties
    about.title, about.author, about.comments, about.language = f"{HEADING} {brief.day}", "知微", "", "zh-CN"
    about.created = about.modified = brief.made_at.astimezone(UTC)


def _fonts(document: Any) -> None:
    """Fonts by style: Word takes w:eastAsia for Chinese, and the theme's fonts before it where they are named."""
    for name, chinese, size, color in (
        ("Normal", BODY, 11, None), ("Title", TABLE, 22, RED), ("Heading 1", HEAD, 14, RGBColor(0, 0, 0)), ("Heading 2", SUBHEAD, 12, RGBColor(0, 0, 0)),
    ):  # fmt: skip
        style = document.styles[name]
        style.font.name, style.font.size = WESTERN, Pt(size)
        if color is not None:
            style.font.color.rgb = color
        fonts = style.element.rPr.rFonts
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(theme), None)
        fonts.set(qn("w:eastAsia"), chinese)
        style.paragraph_format.space_before = Pt(10 if name == "Heading 1" else 4 if name == "Heading 2" else 0)
        style.paragraph_format.space_after = Pt(2)
    for line in document.styles["Title"].element.pPr.findall(qn("w:pBdr")):
        line.getparent().remove(line)
    language = OxmlElement("w:lang")
    language.set(qn("w:eastAsia"), "zh-CN")
    document.styles["Normal"].element.rPr.append(language)


def _title(document: Any, brief: Brief) -> None:
    for paragraph in (
        document.add_heading(HEADING, 0),
        _line(document, day_line(brief)),
        _line(document, f"{as_of(brief)}{INSIDE}。", Pt(9), GREY),
    ):
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _line(document: Any, text: str, size: Pt | None = None, color: RGBColor | None = None) -> Any:
    paragraph = document.add_paragraph()
    run = paragraph.add_run(text)
    run.font.size, run.font.color.rgb = size, color
    return paragraph


def _emerging(document: Any, brief: Brief) -> None:
    began, before = emerging(brief), earlier(brief)
    document.add_heading(began.title, 1)
    _line(document, began.note, Pt(10), GREY)
    for at, trend in enumerate(brief.emerging[:CARDS], 1):
        title, where, lines = card(trend, brief.day)
        document.add_heading(f"{at}．{title}", 2)
        _line(document, where, Pt(9), GREY).paragraph_format.keep_with_next = True
        _line(document, lines[0]).paragraph_format.keep_with_next = True
        _line(document, "".join(lines[1:]), Pt(9.5))
    _table(document, began)
    if before.rows:
        _section(document, before, 2)


def _section(document: Any, section: Section, depth: int = 1) -> None:
    document.add_heading(section.title, depth)
    if section.note:
        _line(document, section.note, Pt(10), GREY).paragraph_format.keep_with_next = True
    _table(document, section)


def _weeks(document: Any, brief: Brief) -> None:
    _line(document, "每7天来信（封，按各7天的最后一天记）：", Pt(10)).paragraph_format.keep_with_next = True
    told = weeks(brief)
    row = [f"{count:,}" for _, count in told]
    _table(document, Section(title="", note="", head=[end for end, _ in told], rows=[row], shares=[100 // len(told)] * len(told), right=frozenset(range(len(told)))))  # fmt: skip


def _table(document: Any, section: Section) -> None:
    if not section.rows:
        return
    table = document.add_table(len(section.rows) + 1, len(section.head), "Table Grid")
    table.autofit = False
    for column, share in zip(table.columns, section.shares, strict=True):
        column.width = Cm(TEXT * share / sum(section.shares))
        for place in column.cells:
            place.width = column.width
    for at, row in enumerate((section.head, *section.rows)):
        _row(table.rows[at], row, section, head=at == 0)
    document.add_paragraph().paragraph_format.line_spacing = Pt(6)


def _row(row: Any, cells: Sequence[str], section: Section, *, head: bool) -> None:
    kept = row._tr.get_or_add_trPr()
    for rule in ("w:cantSplit", "w:tblHeader")[: 1 + head]:
        kept.append(OxmlElement(rule))
    for at, (place, cell) in enumerate(zip(row.cells, cells, strict=True)):
        lines = [(cell, "head")] if head else lines_of(section.head[at], cell)
        for number, (text, kind) in enumerate(lines):
            paragraph = place.paragraphs[0] if number == 0 else place.add_paragraph()
            paragraph.paragraph_format.space_after, paragraph.paragraph_format.line_spacing = Pt(0), 1.0
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if at in section.right else WD_ALIGN_PARAGRAPH.LEFT
            _mark(paragraph.add_run(text), kind)


def _mark(run: Any, kind: str) -> None:
    run.font.size, run.font.bold = Pt(8 if kind == NUMBER else 9), kind not in ("", NUMBER)
    run.font.name = WESTERN
    run._r.rPr.rFonts.set(qn("w:eastAsia"), HEAD if kind in (WHAT, "head") else TABLE)
    if kind == NUMBER:
        run.font.color.rgb = GREY
