"""A matter's dossier as a Word file to print: A4, Chinese fonts, page numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from pipeline.desk.dossier import ActLine, Dossier
from pipeline.desk.spreadsheet import holdable
from pipeline.intake.letter import SHANGHAI

HEADING, INSIDE = "信访事项卷宗", "内部材料 依规使用"
MASKED = "来信均已遮盖个人信息；查阅原件须另行登记事由。"
NOTHING, BLANK = "暂无记录。", "未填写"
WESTERN, BODY, TABLE, HEAD, SUBHEAD = "Times New Roman", "仿宋", "宋体", "黑体", "楷体"
PAGE, MARGIN, TEXT = (Cm(21), Cm(29.7)), Cm(2.3), 16.4
"""Width and height, margins; width of the text in cm."""
NUMERALS = "一二三四五六七八九十"
_CELL, _NAME, _SMALL, _LETTER, _WORDS = "表格文字", "表格项目", "小字", "来信标题", "来信正文"


def write_dossier(dossier: Dossier, target: str | Path | IO[bytes]) -> None:
    """Write the file. Raises OSError; ValueError for a time without a zone."""
    document = Document()
    _styles(document)
    _lay_out(document, dossier)
    _title(document, dossier)
    for numeral, (name, write) in zip(NUMERALS, PARTS, strict=False):
        document.add_heading(f"{numeral}、{name}", 1)
        write(document, dossier)
    document.save(str(target) if isinstance(target, Path) else target)


def _styles(document: Any) -> None:
    """Fonts by style: Word takes w:eastAsia for Chinese, and the theme's fonts before it where they are named."""
    for name in (_CELL, _NAME, _SMALL, _LETTER, _WORDS):
        document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = document.styles["Normal"]
    for name, chinese, size, before, after, spacing in (
        ("Normal", BODY, 12, 0, 3, 1.25), ("Title", TABLE, 22, 6, 4, 1.0), ("Subtitle", SUBHEAD, 14, 0, 4, 1.0), ("Heading 1", HEAD, 14, 14, 5, 1.0),
        ("Header", TABLE, 9, 0, 0, 1.0), ("Footer", TABLE, 9, 0, 0, 1.0),
        (_CELL, TABLE, 10.5, 2, 2, 1.0), (_NAME, HEAD, 10.5, 2, 2, 1.0), (_SMALL, TABLE, 9, 0, 2, 1.0), (_LETTER, HEAD, 11, 10, 3, 1.0), (_WORDS, BODY, 12, 0, 2, 1.25),
    ):  # fmt: skip
        style = document.styles[name]
        style.font.name, style.font.size, style.font.bold, style.font.italic = WESTERN, Pt(size), name in ("Title", _NAME), False
        style.font.color.rgb = RGBColor(0, 0, 0)
        _fonts(style.element.get_or_add_rPr(), chinese)
        layout = style.paragraph_format
        layout.space_before, layout.space_after, layout.line_spacing = Pt(before), Pt(after), spacing
    for line in document.styles["Title"].element.pPr.findall(qn("w:pBdr")):
        line.getparent().remove(line)
    document.styles[_LETTER].paragraph_format.keep_with_next = True
    document.styles[_WORDS].paragraph_format.first_line_indent = Pt(24)  # two characters


def _fonts(properties: Any, chinese: str) -> None:
    fonts = properties.get_or_add_rFonts()
    for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(theme), None)
    fonts.set(qn("w:eastAsia"), chinese)


def _lay_out(document: Any, dossier: Dossier) -> None:
    page = document.sections[0]
    page.page_width, page.page_height = PAGE
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = MARGIN
    head = page.header.paragraphs[0]
    head.paragraph_format.tab_stops.clear_all()
    head.paragraph_format.tab_stops.add_tab_stop(Cm(TEXT), WD_TAB_ALIGNMENT.RIGHT)
    head.add_run(holdable(f"事项编号：{dossier.matter_id}\t{INSIDE}"))
    _line_below(head)
    foot = page.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for text, field in (("第 ", "PAGE"), (" 页 共 ", "NUMPAGES"), (" 页", "")):
        foot.add_run(text)
        if field:
            _field(foot, field)
    about = document.core_properties
    about.title, about.author, about.comments, about.language = holdable(f"{HEADING} {dossier.matter_id}")[:255], "知微", "", "zh-CN"
    about.created = about.modified = dossier.printed_at.astimezone(UTC)


def _line_below(paragraph: Any) -> None:
    borders, line = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "3"), ("color", "808080")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    properties = paragraph._p.get_or_add_pPr()
    # Word wants the properties in the order of its schema: the borders stand before the tabs.
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def _field(paragraph: Any, name: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    field.append(paragraph.add_run("1")._r)
    paragraph._p.append(field)


def _title(document: Any, dossier: Dossier) -> None:
    printed = f"打印时间：{_moment(dossier.printed_at)}　打印人：{dossier.printed_by}　用途：{dossier.purpose or BLANK}"
    for text, style in ((HEADING, "Title"), (dossier.title, "Subtitle"), (printed, _SMALL)):
        _paragraph(document, text, style).alignment = WD_ALIGN_PARAGRAPH.CENTER


def _facts(document: Any, dossier: Dossier) -> None:
    days = [letter.day for letter in dossier.letters]
    span = f"{len(days)} 封，{_date(min(days))}至{_date(max(days))}" if days else "0 封"
    pairs = (
        ("事项编号", dossier.matter_id), ("办理状态", dossier.status),
        ("诉求类别", dossier.issue), ("等级", dossier.level),
        ("责任单位", dossier.unit), ("包保领导", dossier.leader),
        ("涉及地点", "、".join(dossier.places)), ("来信", span),
    )  # fmt: skip
    table = _grid(document, len(pairs) // 2 + 1, (14, 36, 14, 36))
    for at, (name, text) in enumerate(pairs):
        cells = table.rows[at // 2].cells
        _put(cells[at % 2 * 2], name, _NAME)
        _put(cells[at % 2 * 2 + 1], text or BLANK, _CELL)
    last = table.rows[-1].cells
    _put(last[0], "风险说明", _NAME)
    _put(last[1].merge(last[3]), dossier.risk or BLANK, _CELL)


def _clocks(document: Any, dossier: Dossier) -> None:
    rows = [(one.name, one.article, _date(one.started), _date(one.due), one.state) for one in dossier.clocks]
    _table(document, ("时限", "依据", "起算", "到期", "现状"), rows, (14, 34, 16, 16, 20))


def _reasons(document: Any, dossier: Dossier) -> None:
    rows = [(reason.sentence, f"{reason.share:.0%}") for reason in dossier.reasons]
    _table(document, ("理由", "所占份额"), rows, (84, 16))


def _plan(document: Any, dossier: Dossier) -> None:
    _words(document, dossier.plan or f"一案一策：{BLANK}。")
    reason = f"理由：{dossier.way_reason}" if dossier.way_reason else ""
    _words(document, f"建议化解渠道：{dossier.way or BLANK}。{reason}")


def _acts(document: Any, acts: Iterable[ActLine], what: str) -> None:
    _table(document, ("时间", "经办人", what), [(_moment(act.at), act.who, act.what) for act in acts], (22, 16, 62))


def _outcome(document: Any, dossier: Dossier) -> None:
    table = _grid(document, 1, (14, 36, 14, 36))
    texts = ("办理结果", dossier.outcome or BLANK, "满意度", dossier.satisfaction or BLANK)
    for cell, text, style in zip(table.rows[0].cells, texts, (_NAME, _CELL) * 2, strict=True):
        _put(cell, text, style)


def _letters(document: Any, dossier: Dossier) -> None:
    _paragraph(document, MASKED if dossier.letters else NOTHING, _SMALL)
    for at, letter in enumerate(dossier.letters, 1):
        told = f"第 {at} 封　{_date(letter.day)}　{letter.channel or '来源不明'}　编号 {letter.letter_id}"
        _line_below(_paragraph(document, told, _LETTER))
        _words(document, letter.text)


PARTS: Sequence[tuple[str, Callable[[Any, Dossier], None]]] = (
    ("基本情况", _facts),
    ("法定时限", _clocks),
    ("排序理由", _reasons),
    ("化解方案", _plan),
    ("办理经过", lambda document, dossier: _acts(document, dossier.steps, "办理内容")),
    ("办理结果", _outcome),
    ("来信内容", _letters),
    ("操作记录", lambda document, dossier: _acts(document, dossier.events, "操作")),
)
"""In the order in which they stand."""


def _words(document: Any, text: str) -> None:
    """A running text, a paragraph for each of its lines that is not blank."""
    for line in holdable(text).splitlines():
        if line.strip():
            _paragraph(document, line.strip(), _WORDS)


def _table(document: Any, head: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[int]) -> None:
    if not rows:
        _paragraph(document, NOTHING, _SMALL)
        return
    table = _grid(document, len(rows) + 1, shares)
    for at, (line, texts) in enumerate(zip(table.rows, (head, *rows), strict=True)):
        if at == 0:
            line._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # said again on each page
        for cell, text in zip(line.cells, texts, strict=True):
            _put(cell, text, _CELL if at else _NAME)


def _grid(document: Any, height: int, shares: Sequence[int]) -> Any:
    """An empty table with borders, as wide as the text."""
    table = document.add_table(height, len(shares), "Table Grid")
    table.autofit = False
    widths = [Cm(TEXT * share / sum(shares)) for share in shares]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for row in table.rows:
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = width
    return table


def _put(cell: Any, text: str, style: str) -> None:
    _say(cell.paragraphs[0], text, style)


def _paragraph(document: Any, text: str, style: str) -> Any:
    return _say(document.add_paragraph(), text, style)


def _say(paragraph: Any, text: str, style: str) -> Any:
    """Write a text in a style, by its id, which is its name here: to look up names takes python-docx four fifths of a long dossier's time."""
    paragraph._p.style = style
    paragraph.add_run(holdable(text))
    return paragraph


def _date(day: date) -> str:
    return f"{day:%Y-%m-%d}"


def _moment(at: datetime) -> str:
    """In Shanghai's time."""
    if at.tzinfo is None:
        raise ValueError(f"the time {at} has no zone; expected an aware datetime.")
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
