"""Everything letters come in, read one by one: files, folders, a table of a database.

A bad row, or a bad file in a folder, becomes a Rejected that says why; the others go on.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.intake.columns import check_map
from pipeline.intake.databases import check_url, is_url, read_table
from pipeline.intake.documents import read_docx, read_pdf, read_txt
from pipeline.intake.letter import NOTHING, Letter, Rejected
from pipeline.intake.rows import FileRefused
from pipeline.intake.tables import read_csv, read_jsonl, read_parquet
from pipeline.intake.workbooks import read_workbook

Letters = Iterator[Letter | Rejected]

READERS: Mapping[str, Callable[[Path, Mapping[str, str]], Letters]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".xlsx": read_workbook,
    ".xlsm": read_workbook,
    ".xls": read_workbook,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
    ".txt": read_txt,
    ".docx": read_docx,
    ".pdf": read_pdf,
}
TABLES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".jsonl", ".parquet"})

_FORMATS = "csv、tsv、xlsx、xls、jsonl、parquet、txt、docx、pdf"
_ADVICE = {
    ".doc": "旧版 Word 文档读不了：请用 Word 打开，另存为 docx 再交。",
    ".wps": "WPS 文档读不了：请用 WPS 打开，另存为 docx 再交。",
    ".et": "WPS 表格读不了：请用 WPS 打开，另存为 xlsx 再交。",
    ".zip": "压缩包不会自动打开：请解压后再交。",
    ".rar": "压缩包不会自动打开：请解压后再交。",
    ".7z": "压缩包不会自动打开：请解压后再交。",
    **dict.fromkeys(
        (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"), "图片没有文字层，读不出文字：请先做文字识别（OCR），或录入后再交。"
    ),
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Input:
    """One file or database table; `direct` when it was named itself, not found in a folder."""

    name: str
    direct: bool = True

    @property
    def suffix(self) -> str:
        return "" if is_url(self.name) else Path(self.name).suffix.lower()

    @property
    def is_table(self) -> bool:
        return is_url(self.name) or self.suffix in TABLES

    def open(self, column_map: Mapping[str, str]) -> Letters:
        return read_table(self.name, column_map) if is_url(self.name) else READERS[self.suffix](Path(self.name), column_map)


def read(inputs: Sequence[str | Path], *, column_map: Mapping[str, str] = NOTHING) -> Letters:
    """Letters and rejected rows of files, folders (walked sorted) and `sqlite:///…?table=` or `postgresql://…?table=` URLs.

    Lazy, in constant memory and always in the same order. `column_map` maps a field (`body`, `title`, `writer`, …) to the column that
    holds it, before the recognised names. `Rejected.row` is the row as Excel counts (header 1), the line of a jsonl, the record of a
    parquet file or database table, 0 for a whole file.

    Raises InputError, all that can be known before the first letter: an input is missing, of an unknown kind or holds no readable file;
    a table that was named itself has no body column or lacks a column of the map; the map names an unknown field.
    """
    fields = check_map(column_map)
    inputs = [inputs] if isinstance(inputs, str | Path) else inputs  # a lone string is a sequence of strings too
    found = [one for given in inputs for one in _found(str(given))]
    if not any(one.direct or one.suffix in READERS for one in found):
        there = "、".join(str(given) for given in inputs) or "（没有给出输入）"
        raise InputError(f"没有可读的文件：{there}。需要 {_FORMATS} 文件，或装有这些文件的文件夹。")
    if len(found) > 1:
        _check_tables(found, fields)
    for one in found:
        yield from _guarded(one, fields)


def _found(given: str) -> Iterator[_Input]:
    if is_url(given):
        check_url(given)
        yield _Input(given)
        return
    path = Path(given)
    if not _exists(path):
        raise InputError(f"找不到输入：{given}。请核对路径和文件名。")
    if path.is_dir():
        yield from (_Input(str(file), direct=False) for file in _walk(path))
    elif not path.is_file():
        raise InputError(f"{given} 不是普通文件，也不是文件夹：请给出文件或文件夹。")
    elif path.suffix.lower() not in READERS:
        raise InputError(f"{given}：{_advice(path)}")
    else:
        yield _Input(given)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(files):
            path = Path(root, name)
            passed_over = name.startswith((".", "~$")) or name.upper().startswith("README") or name.lower().endswith(".md")
            if not passed_over and path.is_file():
                yield path


def _advice(path: Path) -> str:
    known = _ADVICE.get(path.suffix.lower())
    return known or f"不认识这种文件（{path.suffix or '没有扩展名'}）：可以读 {_FORMATS}，请另存为其中一种再交。"


def _check_tables(found: Sequence[_Input], column_map: Mapping[str, str]) -> None:
    """Begin every table that was named itself, so that one without a header stops the run before the first letter."""
    for one in found:
        if one.direct and one.is_table:
            with closing(_guarded(one, column_map)) as letters:
                next(letters, None)


def _guarded(one: _Input, column_map: Mapping[str, str]) -> Generator[Letter | Rejected, None, None]:
    """The letters of one input; what makes the whole of it unreadable becomes its row 0."""
    if one.suffix not in READERS and not is_url(one.name):
        yield Rejected(source=one.name, row=0, reason=_advice(Path(one.name)))
        return
    count = 0
    try:
        for item in one.open(column_map):
            count += 1
            yield item
        return
    except InputError as exc:
        if one.direct:
            raise
        reason = str(exc)
    except FileRefused as exc:
        reason = str(exc)
    except OSError as exc:
        reason = f"文件打不开（{exc.strerror or type(exc).__name__}）：请检查权限，或文件是否正被别的程序占用。"
    except Exception as exc:  # the libraries that parse files raise whatever a damaged file leads them to
        logger.warning("unreadable input %s: %s", one.name, type(exc).__name__)
        reason = f"文件已损坏或格式不符（{type(exc).__name__}）：请用原来的软件打开，另存一份再交。"
    if count:
        reason = f"读到第 {count} 条后中断，后面的没有读入。{reason}"
    yield Rejected(source=one.name, row=0, reason=reason)
