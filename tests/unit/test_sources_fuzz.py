"""Whatever the bytes, a reader gives letters and rejected rows or an InputError; whatever the text, csv gives it back."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.intake.letter import Letter, Rejected
from pipeline.intake.sources import READERS, read

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u200b\ufeff"), max_size=60)
WORDS = ["正文", "标题", "编号", "时间", ",", '"', "\n", "\r", "\t", ";", "{", "}", ":", "：", "2026-03-05", "好", "\0", "\ud800", "a"]
SCRAPS = st.lists(st.sampled_from(WORDS), max_size=40).map(lambda words: "".join(words).encode("utf-8", "surrogatepass"))


@cache
def _valid(suffix: str) -> bytes:
    out = io.BytesIO()
    if suffix in (".xlsx", ".xlsm"):
        book = openpyxl.Workbook()
        book.worksheets[0].append(["编号", "正文"])
        book.worksheets[0].append([1, "=A1"])
        book.save(out)
    elif suffix == ".parquet":
        pq.write_table(pa.table({"正文": ["路灯不亮"], "时间": [1]}), out)
    elif suffix == ".docx":
        word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("word/document.xml", f'<w:document xmlns:w="{word}"><w:p><w:r><w:t>灯</w:t></w:r></w:p></w:document>')
    elif suffix == ".xls":
        return bytes.fromhex("0900 0400 0200 1000 0400 0c00 0000 0000 000000 04 626f6479 0400 0900 0100 0000 000000 01 41 0a00 0000")
    elif suffix == ".pdf":
        objects = b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
        return b"%PDF-1.4\n" + objects + b"trailer<</Root 1 0 R>>"
    else:
        return "编号,正文\n1,路灯不亮\n".encode()
    return out.getvalue()


def _spoiled(suffix: str, at: int, patch: bytes, cut: int) -> bytes:
    whole = _valid(suffix)
    at %= len(whole)
    return (whole[:at] + patch + whole[at + len(patch) :])[: len(whole) - cut % 50]


def _only_letters_or_rejects(data: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        path.write_bytes(data)
        found: list[Letter | Rejected] = []
        with suppress(InputError):
            found = list(read([path]))
        assert all(isinstance(one, Letter | Rejected) for one in found)


@pytest.mark.parametrize("suffix", sorted(READERS))
@settings(max_examples=25, deadline=None)
@given(data=st.one_of(st.binary(max_size=300), SCRAPS))
def test_any_bytes(suffix: str, data: bytes) -> None:
    _only_letters_or_rejects(data, suffix)


@pytest.mark.parametrize("suffix", sorted(READERS))
@settings(max_examples=25, deadline=None)
@given(at=st.integers(0, 10_000), patch=st.binary(max_size=8), cut=st.integers(0, 49))
def test_spoiled_files(suffix: str, at: int, patch: bytes, cut: int) -> None:
    _only_letters_or_rejects(_spoiled(suffix, at, patch, cut), suffix)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), delimiter=st.sampled_from(",\t;"))
def test_any_text_comes_back_from_csv(encoding: str, rows: list[tuple[str, str]], delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["编号", "标题", "正文"])
    writer.writerows([f"n{i}", title, f"文\n{body}"] for i, (title, body) in enumerate(rows))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes(text.getvalue().encode(encoding))
        found = list(read([path]))
    expected = [(f"n{i}", title.strip(), f"文\n{body}".strip()) for i, (title, body) in enumerate(rows)]
    assert [(one.letter_id, one.title, one.body) for one in found if isinstance(one, Letter)] == expected
