"""Tables in text and columnar files: csv, tsv, jsonl, parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pipeline.intake.columns import Columns, columns_of, field_of, find_header, no_header
from pipeline.intake.encodings import MAX_RECORD, Lines, TooLong, decoded, find_encoding, lines_in, open_text
from pipeline.intake.letter import Letter, Rejected
from pipeline.intake.rows import HEADER_ROWS, FileRefused, Row, letter_of, letters_of

DELIMITERS = (",", "\t", ";")
BATCH_ROWS = 256

_OVERLONG = f"这一行超过{MAX_RECORD // 10_000}万字还没有结束：多半缺一个引号或换行，请用 Excel 打开后另存为 xlsx 再交。"
_QUOTING = "这一行的引号不成对：请把文中的引号改成中文引号，或用 Excel 另存为 xlsx 再交。"
_HOPELESS = "文件里引号不成对的行太多，从这一行起没有再读：请用 Excel 打开后另存为 xlsx 再交。"

Letters = Iterator[Letter | Rejected]


def read_csv(path: Path, column_map: Mapping[str, str]) -> Letters:
    """Letters of a csv or tsv file, whatever its encoding and delimiter. Raises InputError without a body column."""
    if path.stat().st_size == 0:
        raise FileRefused("文件是空的，没有可读的内容。")
    encoding = find_encoding(path, lambda text: _familiar(text, column_map))
    with open(path, "rb") as binary:
        delimiter = find_delimiter(decoded(binary.read(65_536), encoding), column_map)
    with open_text(path, encoding) as stream:
        yield from letters_of(csv_rows(stream, delimiter), str(path), column_map, ragged=False)


def csv_rows(stream: Any, delimiter: str) -> Iterator[Row]:
    """Numbered records; one whose quoting is broken or endless costs its first line only, the next line begins anew."""
    lines = Lines(stream)
    number = 0
    while True:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            while True:
                lines.start()
                cells = _next_record(reader)
                if cells is None:
                    return
                number += 1
                yield Row(number, cells)
        except (csv.Error, TooLong) as exc:
            number += 1
            first = lines.resume_after_first()
            overlong = isinstance(exc, TooLong) and len(first) >= MAX_RECORD
            yield Row(number, [first[:1_000]], _OVERLONG if overlong else _HOPELESS if lines.hopeless else _QUOTING)
            if lines.hopeless:
                return


def _next_record(reader: Iterator[list[str]]) -> list[str] | None:
    # The limit is the csv module's own global: set for one record, so that others' readers keep theirs.
    before = csv.field_size_limit(MAX_RECORD)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _head_rows(text: str, delimiter: str) -> list[list[str]]:
    rows = []
    for line in lines_in(text)[:HEADER_ROWS]:
        try:
            rows.append(next(csv.reader([line[:10_000]], delimiter=delimiter), []))
        except csv.Error:
            continue
    return rows


def _familiar(text: str, column_map: Mapping[str, str]) -> bool:
    """Whether a line of the beginning holds a column name that is not ASCII."""
    names = set(column_map.values())
    rows = chain.from_iterable(_head_rows(text, delimiter) for delimiter in DELIMITERS)
    return any(not cell.isascii() and (field_of(cell) or cell.strip() in names) for row in rows for cell in row)


def find_delimiter(text: str, column_map: Mapping[str, str]) -> str:
    """The delimiter by which the beginning names most fields, else the most frequent one."""

    def promise(delimiter: str) -> tuple[int, int]:
        rows = _head_rows(text, delimiter)
        return max((len(columns_of(row, column_map).fields) for row in rows), default=0), max(map(len, rows), default=0)

    return max(DELIMITERS, key=promise)


def read_jsonl(path: Path, column_map: Mapping[str, str]) -> Letters:
    """Letters of a file with one JSON object a line. `row` is the line. Raises InputError when no early object has a body."""
    if path.stat().st_size == 0:
        raise FileRefused("文件是空的，没有可读的内容。")
    with open_text(path, find_encoding(path)) as stream:
        rows = _objects(stream)
        head = list(islice(rows, HEADER_ROWS))
        objects = [row.cells[0] for row in head if not row.problem]
        names = list(dict.fromkeys(key for found in objects if isinstance(found, dict) for key in found))
        if names and find_header([names], column_map) is None:
            raise no_header(str(path), [names], column_map)
        yield from _mapped(chain(head, rows), str(path), column_map)


def _objects(stream: Any) -> Iterator[Row]:
    lines = Lines(stream)
    number = 0
    while True:
        number += 1
        lines.start()
        try:
            line = next(lines, "")
        except TooLong:
            yield Row(number, [lines.resume_after_first()[:1_000]], _OVERLONG)
            continue
        if not line:
            return
        if line.strip():
            yield _object(number, line)


def _object(number: int, line: str) -> Row:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, [line[:1_000]], "这一行不是完整的 JSON：请检查是否缺括号、引号，或从原系统重新导出。")
    if not isinstance(found, dict):
        return Row(number, [line[:1_000]], "这一行不是一个 JSON 对象（{…}）：每行要放一封信。")
    return Row(number, [found])


def _mapped(rows: Iterator[Row], source: str, column_map: Mapping[str, str]) -> Letters:
    known: dict[tuple[str, ...], Columns] = {}
    nothing = Columns(0, {}, ())
    for row in rows:
        if row.problem:
            yield letter_of(nothing, row, source)
            continue
        found: Any = row.cells[0]
        keys = tuple(found)
        if keys not in known:
            if len(known) > 1_000:
                known.clear()
            known[keys] = columns_of(keys, column_map)
        yield letter_of(known[keys], Row(row.number, list(found.values())), source)


def read_parquet(path: Path, column_map: Mapping[str, str]) -> Letters:
    """Letters of a parquet file, in batches. `row` counts records from 1, as the file shows no header row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open(path, "rb") as stream, pq.ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False) as file:
        names = file.schema_arrow.names
        header = find_header([names], column_map)
        if header is None:
            raise no_header(str(path), [names], column_map)
        number = 0
        for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
            for cells in zip(*(_values(column, pa) for column in batch.columns), strict=True):
                number += 1
                yield letter_of(header[1], Row(number, cells), str(path))


def _values(column: Any, pa: Any) -> Sequence[object]:
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column.to_pylist()
