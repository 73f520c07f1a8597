"""One letter a file: txt, docx, pdf. A form in them (标题：… 内容：…) is read by its labels, a table in a docx by its header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

from pipeline.intake.archives import inspect
from pipeline.intake.columns import field_of, find_header
from pipeline.intake.dates import parse_when
from pipeline.intake.encodings import find_encoding, open_text
from pipeline.intake.letter import Letter, Rejected
from pipeline.intake.rows import HEADER_ROWS, MAX_CELL, FileRefused, Row, letters_of, make_letter, raw_of

MAX_TITLE = 40
MAX_BLOCKS = 300_000
MAX_TEXT = 20_000_000
MAX_PAGES = 2_000

_LABEL = re.compile(r"\s*[【\[]?\s*([^\s：:，。【】\[\]][^：:，。【】\[\]\n]{0,19}?)\s*[】\]]?\s*[:：]\s*(.*)", re.DOTALL)
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TOO_LONG = f"全文超过{MAX_CELL // 10_000}万字：请把正文和附件分开再交。"
_EMPTY = "文件是空的，没有可读的内容。"

Letters = Iterator[Letter | Rejected]
Block = str | tuple[int, list[str]]
"""A paragraph, or a row of the table with that number."""


def letter_in(
    lines: Sequence[str], source: str, column_map: Mapping[str, str], extra: Mapping[str, str] | None = None
) -> Letter | Rejected:
    """The letter that a text is: by the labels of a form, else its first line is the title if it is short and more follows."""
    try:
        text = "\n".join(lines)
        if len(text) > MAX_CELL:
            raise ValueError(_TOO_LONG)
        if not text.strip():
            raise ValueError(_EMPTY)
        lines = [line.rstrip() for line in text.strip("\n\r ").split("\n")]
        return replace(make_letter(_form(lines, column_map) or _headed(lines), extra or {}), source=source)
    except ValueError as exc:
        return Rejected(source=source, row=0, reason=str(exc), raw=raw_of(lines[:50]))


def _headed(lines: Sequence[str]) -> dict[str, object]:
    first = lines[0].strip()
    sentence = first.endswith(("：", ":", "，", ",", "。", "！", "？", "；")) or _labelled(first, {})
    if len(lines) > 1 and len(first) <= MAX_TITLE and not sentence:
        return {"title": first, "body": "\n".join(lines[1:])}
    return {"title": "", "body": "\n".join(lines)}


def _labelled(line: str, column_map: Mapping[str, str]) -> tuple[str, str] | None:
    found = _LABEL.fullmatch(line)
    if found is None:
        return None
    mapped = [field for field, column in column_map.items() if column.strip() == found[1]]
    field = mapped[0] if mapped else field_of(found[1])
    return (field, found[2].strip()) if field else None


def _form(lines: Sequence[str], column_map: Mapping[str, str]) -> dict[str, object] | None:
    """Fields of a form-like text, or None. Labels count at the top, until the content begins, and as a block at the very end."""
    start = next((i for i, line in enumerate(lines[:8]) if _labelled(line, column_map)), None)
    if start is None:
        return None
    values: dict[str, object] = {}
    at = start
    while at < len(lines) and "body" not in values:
        found = _labelled(lines[at], column_map)
        if found and found[0] not in values:
            values[found[0]] = found[1]
        elif lines[at].strip():
            break
        at += 1
    if not values.keys() & {"title", "body"}:
        return None
    end = _signed(lines, at, values, column_map)
    body = [str(values.get("body", "")), *lines[at:end]]
    heading = next((line.strip() for line in lines[:start] if line.strip()), "")
    return {"title": heading if len(heading) <= MAX_TITLE else "", **values, "body": "\n".join(body).strip()}


def _signed(lines: Sequence[str], at: int, values: dict[str, object], column_map: Mapping[str, str]) -> int:
    """Take the labelled lines that close the text into `values`; returns where the body ends."""
    end = len(lines)
    while end > at:
        found = _labelled(lines[end - 1], column_map)
        if lines[end - 1].strip() and (found is None or found[0] in values or found[0] == "body" or not _fits(*found)):
            break
        if found:
            values[found[0]] = found[1]
        end -= 1
    return end


def _fits(field: str, value: str) -> bool:
    if field != "received_at":
        return len(value) <= MAX_TITLE
    try:
        return parse_when(value) is not None
    except ValueError:
        return False


def read_txt(path: Path, column_map: Mapping[str, str]) -> Letters:
    """The one letter in a text file, whatever its encoding."""
    encoding = find_encoding(path, lambda text: _familiar(text, column_map))
    with open_text(path, encoding) as stream:
        text = stream.read(MAX_CELL + 1)
    yield letter_in(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), str(path), column_map)


def _familiar(text: str, column_map: Mapping[str, str]) -> bool:
    return any(_labelled(line, column_map) and not line[:4].isascii() for line in text.split("\n")[:20])


def read_docx(path: Path, column_map: Mapping[str, str]) -> Letters:
    """The letter in a Word file; or one letter a row of each table that has a recognisable header."""
    with open(path, "rb") as stream:
        _refuse_other(stream)
        inspect(stream)
        with ZipFile(stream) as archive:
            if "word/document.xml" not in archive.namelist():
                raise FileRefused("这不是 Word 文档（.docx）：请用 Word 打开，另存为 docx 再交。")
            with archive.open("word/document.xml") as part:
                blocks = list(_bounded(docx_blocks(part)))
    tables = [[cells for _, cells in rows] for number, rows in groupby((b for b in blocks if isinstance(b, tuple)), key=lambda b: b[0])]
    listed = [(i, table) for i, table in enumerate(tables, 1) if _is_list(table, column_map)]
    for i, table in listed:
        yield from letters_of((Row(n, cells) for n, cells in enumerate(table, 1)), f"{path}#表格{i}", column_map)
    if not listed:
        yield letter_in(list(_lines(blocks)), str(path), column_map)


def _refuse_other(stream: IO[bytes]) -> None:
    magic = stream.read(4)
    if not magic:
        raise FileRefused(_EMPTY)
    if magic == b"\xd0\xcf\x11\xe0":
        raise FileRefused("这是旧版 Word 文档，或设了密码：请用 Word 打开，去掉密码，另存为 docx 再交。")


def _bounded(blocks: Iterable[Block]) -> Iterator[Block]:
    size = 0
    for count, block in enumerate(blocks):
        size += len(block) if isinstance(block, str) else sum(map(len, block[1]))
        if size > MAX_TEXT or count > MAX_BLOCKS:
            raise FileRefused("Word 文档过大：请拆成几个文件再交。")
        yield block


def docx_blocks(part: Any) -> Iterator[Block]:
    """Paragraphs and table rows of word/document.xml in their order, streamed; deleted text and fallback copies left out."""
    from xml.etree.ElementTree import iterparse

    path: list[Any] = []
    cells: list[str] = []
    paragraphs: list[str] = []
    depth = fallback = table = 0
    for event, element in iterparse(part, ("start", "end")):
        tag = element.tag
        step = 1 if event == "start" else -1
        depth += step * (tag == _WORD + "tbl")
        fallback += step * (tag == _FALLBACK)
        if event == "start":
            path.append(element)
            table += tag == _WORD + "tbl" and depth == 1
            continue
        path.pop()
        if tag == _WORD + "p" and not fallback:
            text = _paragraph(element)
            if depth:
                paragraphs.append(text)
            else:
                yield text
        elif tag == _WORD + "tc" and depth == 1:
            cells.append("\n".join(paragraphs).strip())
            paragraphs = []
        elif tag == _WORD + "tr" and depth == 1:
            yield table, cells
            cells = []
        if path and tag in (_WORD + "p", _WORD + "tc", _WORD + "tr", _WORD + "tbl"):
            path[-1].remove(element)


def _paragraph(element: Any) -> str:
    breaks = {_WORD + "tab": "\t", _WORD + "br": "\n", _WORD + "cr": "\n", _WORD + "noBreakHyphen": "-"}
    # w:tab also names a tab stop in a paragraph's properties, where it is no text.
    for properties in element.findall(_WORD + "pPr"):
        properties.clear()
    return "".join((part.text or "") if part.tag == _WORD + "t" else breaks.get(part.tag, "") for part in element.iter())


def _is_form_row(cells: Sequence[str]) -> bool:
    return len(cells) >= 2 and all(field_of(cell) for cell in cells[::2]) and not any(field_of(cell) for cell in cells[1::2])


def _is_list(table: Sequence[Sequence[str]], column_map: Mapping[str, str]) -> bool:
    """Whether a table lists letters under a header, rather than being a form."""
    found = find_header(table[:HEADER_ROWS], column_map)
    if found is None or found[0] + 1 >= len(table):
        return False
    header, named = table[found[0]], len(found[1].fields)
    return not _is_form_row(header) and 2 * named >= len(header) and named >= min(2, len(header))


def _lines(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, str):
            yield from block.split("\n")
        elif _is_form_row(block[1]):
            for label, value in zip(block[1][::2], block[1][1::2], strict=False):
                yield from f"{label.strip().rstrip('：:')}：{value}".split("\n")
        else:
            yield from "　".join(cell for cell in block[1] if cell).split("\n")


def read_pdf(path: Path, column_map: Mapping[str, str]) -> Letters:
    """The letter in a pdf's text layer; a scan without one is rejected."""
    import pypdfium2 as pdfium

    if path.stat().st_size == 0:
        raise FileRefused(_EMPTY)
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as exc:
        locked = "password" in str(exc).lower()
        raise FileRefused("PDF 设了密码：请去掉密码再交。" if locked else "PDF 已损坏，打不开：请重新导出再交。") from exc
    try:
        if len(document) > MAX_PAGES:
            raise FileRefused(f"PDF 超过 {MAX_PAGES} 页：请把信件和附件分开再交。")
        pages = list(_pages(document))
    finally:
        document.close()
    if not any(page.strip() for page in pages):
        raise FileRefused("扫描件没有文字层，读不出文字：请先做文字识别（OCR），或录入后再交。")
    bare = "、".join(str(number) for number, page in enumerate(pages, 1) if not page.strip())
    yield letter_in(_unwrapped("\n".join(pages)), str(path), column_map, {"没有文字的页": bare} if bare else None)


def _pages(document: Any) -> Iterator[str]:
    size = 0
    for index in range(len(document)):
        page = document[index]
        text_page = page.get_textpage()
        try:
            size += text_page.count_chars()
            if size > MAX_CELL:
                raise FileRefused(_TOO_LONG)
            yield text_page.get_text_range().replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "")
        finally:
            text_page.close()
            page.close()


def _unwrapped(text: str) -> list[str]:
    """Lines joined where the page's edge broke them: a line nearly as wide as the widest, without a sentence's end."""
    lines = [line.strip() for line in text.split("\n")]
    edge = 0.85 * max(map(len, lines), default=0)
    joined: list[str] = []
    open_line = False
    for line in lines:
        if open_line and line and not _labelled(line, {}):
            joined[-1] += line if not (joined[-1][-1].isascii() and line[0].isascii()) else " " + line
        else:
            joined.append(line)
        open_line = len(line) >= max(edge, 12) and not line.endswith(("。", "！", "？", "：", "；"))
    return joined
