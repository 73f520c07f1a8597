"""The files a run leaves: scored letters (csv, xlsx, parquet, jsonl) and the rows it had to refuse.

A file is written under a draft name beside its place and renamed when complete: whoever opens it sees the whole or the old one.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self

from pipeline.errors import OutputError
from pipeline.intake.letter import SHANGHAI, Rejected
from pipeline.scoring.labels import Labels, load_labels
from pipeline.triage.policy import Ranked, render

PROBABILITIES = ("collective", "repeat", "escalation", "safety", "livelihood", "conflict", "misconduct", "deadline")
COLUMNS = (
    "letter_id", "received_at", "issue", "issue_p", "issue_2", "issue_2_p", "risk", "level", "signals",
    *(f"p_{name}" for name in PROBABILITIES),
    "priority", "reasons", "matter_id", "place", "abstain", "model_version",
)  # fmt: skip
REJECT_COLUMNS = ("source", "row", "reason", "raw")
DECIMALS = 4
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
SHEET_ROWS = 1_000_000
ROW_GROUP = 10_000
FILLED = 1_000
"""Waiting rows that get their matters at once."""

Row = Mapping[str, Any]


def row_of(ranked: Ranked, labels: Labels) -> dict[str, Any]:
    """One line of the output: the columns of DESIGN.md, in order; probabilities to four decimals."""
    score = ranked.score
    first, second = sorted(range(len(labels.issues)), key=lambda i: -score.issue[i])[:2]
    p = dict(zip(labels.signals, (round(float(value), DECIMALS) for value in score.signals), strict=True))
    return {
        "letter_id": ranked.letter_id,
        "received_at": ranked.received_at.astimezone(SHANGHAI).isoformat() if ranked.received_at else "",
        "issue": labels.issues[first],
        "issue_p": round(float(score.issue[first]), DECIMALS),
        "issue_2": labels.issues[second],
        "issue_2_p": round(float(score.issue[second]), DECIMALS),
        "risk": round(score.risk, DECIMALS),
        "level": score.level,
        "signals": ";".join(score.said(labels.signals)),
        **{f"p_{name}": p[name] for name in PROBABILITIES},
        "priority": ranked.priority.value,
        "reasons": render(ranked.priority),
        "matter_id": ranked.matter_id,
        "place": ranked.place,
        "abstain": score.abstain,
        "model_version": score.model_version,
    }


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front (CWE-1236)."""
    return "'" + value if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value


class Sink(Protocol):
    """Where rows of one format go."""

    def add(self, rows: Sequence[Row]) -> None: ...
    def close(self) -> None: ...


class CsvSink:
    """UTF-8 with BOM, so that Excel opens it; formulas made harmless; booleans as true and false."""

    def __init__(self, path: Path, columns: Sequence[str] = COLUMNS) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._columns = columns
        self._writer.writerow(columns)

    def add(self, rows: Sequence[Row]) -> None:
        self._writer.writerows([_csv_cell(row[name]) for name in self._columns] for row in rows)

    def close(self) -> None:
        self._file.close()


def _csv_cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else harmless(value)


class JsonlSink:
    """One object a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def add(self, rows: Sequence[Row]) -> None:
        self._file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    def close(self) -> None:
        self._file.close()


class XlsxSink:
    """A workbook streamed to disk; a further sheet begins where Excel's rows end."""

    def __init__(self, path: Path) -> None:
        from openpyxl import Workbook

        path.open("wb").close()  # a folder that cannot be written is noticed now, not after the last letter
        self._path, self._book, self._left = path, Workbook(write_only=True), 0

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if self._left == 0:
                self._begin_sheet()
            self._sheet.append([harmless(row[name]) for name in COLUMNS])
            self._left -= 1

    def _begin_sheet(self) -> None:
        self._sheet = self._book.create_sheet(f"信件{len(self._book.sheetnames) + 1}")
        self._sheet.append(COLUMNS)
        self._left = SHEET_ROWS

    def close(self) -> None:
        if not self._book.sheetnames:
            self._begin_sheet()
        self._book.save(self._path)


class ParquetSink:
    """Typed columns; `received_at` as text, like everywhere else."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        kinds = {"level": pa.int8(), "abstain": pa.bool_(), "priority": pa.float64(), "risk": pa.float64()}
        fields = [
            (name, kinds.get(name, pa.float64() if name.startswith("p_") or name.endswith("_p") else pa.string())) for name in COLUMNS
        ]
        self._table, self._schema = pa.Table, pa.schema(fields)
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._held: list[Row] = []

    def add(self, rows: Sequence[Row]) -> None:
        self._held.extend(rows)
        if len(self._held) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(self._table.from_pylist(self._held, schema=self._schema))
        self._held = []

    def close(self) -> None:
        if self._held:
            self._flush()
        self._writer.close()


FORMATS: Mapping[str, Callable[[Path], Sink]] = {".csv": CsvSink, ".xlsx": XlsxSink, ".parquet": ParquetSink, ".jsonl": JsonlSink}


class ScoredFile:
    """The output file of a run. Raises OutputError for an unknown ending or a place that cannot be written.

    Rows wait in a draft beside it until the letters are linked, since only then their matter is known.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in FORMATS:
            raise OutputError(f"output {path}: expected a name that ends in {', '.join(FORMATS)}; rename it.")
        self.path = path
        self._draft, self._waiting = draft_of(path), draft_of(path.with_name(path.name + ".rows"))
        self._labels = load_labels()
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._rows = JsonlSink(self._waiting)
            self._sink = FORMATS[path.suffix.lower()](self._draft)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.discard()

    def write(self, letters: Sequence[Ranked]) -> None:
        with writing(self.path):
            self._rows.add([row_of(ranked, self._labels) for ranked in letters])

    def publish(self, matters: Callable[[Sequence[str]], Mapping[str, str]]) -> None:
        """Write the rows with their matters, which `matters` tells by letter, and put the file in its place."""
        with writing(self.path):
            self._rows.close()
            with self._waiting.open(encoding="utf-8") as handle:
                while lines := list(islice(handle, FILLED)):
                    rows = [json.loads(line) for line in lines]
                    known = matters([row["letter_id"] for row in rows])
                    self._sink.add([row | {"matter_id": known.get(row["letter_id"], "")} for row in rows])
            self._sink.close()
            os.replace(self._draft, self.path)
            self._waiting.unlink()

    def discard(self) -> None:
        """Take unpublished drafts away; nothing is left to do after `publish`."""
        for draft, sink in ((self._waiting, self._rows), (self._draft, self._sink)):
            if draft.exists():
                with suppress(OSError, OutputError):
                    sink.close()
                draft.unlink(missing_ok=True)


class RejectsFile:
    """The rows a run refused, for the office's own eyes: `raw` may hold personal data. No rejects, no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._draft = draft_of(path)
        self._sink: CsvSink | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.discard()

    def write(self, rejects: Sequence[Rejected]) -> None:
        if not rejects:
            return
        with writing(self.path):
            if self._sink is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._sink = CsvSink(self._draft, REJECT_COLUMNS)
            self._sink.add([{name: getattr(reject, name) for name in REJECT_COLUMNS} for reject in rejects])
        self.count += len(rejects)

    def publish(self) -> None:
        """Put the file in its place; without rejects an earlier one is taken away."""
        with writing(self.path):
            if self._sink is None:
                self.path.unlink(missing_ok=True)
                return
            self._sink.close()
            os.replace(self._draft, self.path)

    def discard(self) -> None:
        if self._sink is not None:
            with suppress(OSError):
                self._sink.close()
            self._draft.unlink(missing_ok=True)


def draft_of(path: Path) -> Path:
    """Where a file is written before it is put in its place."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Errors of the disk as OutputError."""
    try:
        yield
    except OSError as exc:
        raise OutputError(
            f"output {path}: cannot be written ({exc.strerror or exc}); check the folder's rights and that the disk is not full."
        ) from exc
