"""Small tables that an office edits in Excel: csv in UTF-8 (with or without mark) or GB18030, each row with its number in the sheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.intake.encodings import MARK, find_encoding, open_text


@dataclass(frozen=True, slots=True)
class Row:
    """One filled row: its number as Excel shows it (the header is row 1), its cells by column, without blanks around them."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def words(self, column: str) -> tuple[str, ...]:
        """A cell of several values, joined by ; (or ；)."""
        return tuple(word.strip() for word in self[column].replace("；", ";").split(";") if word.strip())


def read_sheet(path: Path, columns: Sequence[str], what: str) -> list[Row]:
    """The rows that are not blank. Columns may stand in any order; `what` names the file in an error.

    Raises:
        SettingsError: the file cannot be read or decoded, is no table, or its header or the number of cells in a row is wrong.
    """
    try:
        encoding = find_encoding(path, lambda text: columns[0] in text)
        with open_text(path, encoding) as stream:
            table = list(csv.reader(stream, strict=True))
    except (OSError, csv.Error) as exc:
        raise SettingsError(f"{what} {path}: expected a readable csv table, found: {exc}; restore it or save it again as csv.") from exc
    header = [cell.strip() for cell in table[0]] if table else []
    if sorted(header) != sorted(columns):
        raise SettingsError(
            f"{what} {path}, row 1: expected the columns {', '.join(columns)}, found {', '.join(header) or 'nothing'}; correct the header."
        )
    return [
        _row(number, header, cells, f"{what} {path}, row {number}")
        for number, cells in enumerate(table[1:], 2)
        if any(map(str.strip, cells))
    ]


def _row(number: int, header: list[str], cells: list[str], where: str) -> Row:
    if len(cells) > len(header) and not any(map(str.strip, cells[len(header) :])):
        cells = cells[: len(header)]  # Excel keeps empty cells at the right that were once filled
    if len(cells) != len(header):
        raise SettingsError(f"{where}: expected {len(header)} cells, found {len(cells)}; put a cell that holds a comma in quotes.")
    if any(MARK in cell for cell in cells):
        raise SettingsError(f"{where}: expected text in UTF-8 or GB18030, found other bytes; save the file again as CSV UTF-8.")
    return Row(number, {column: cell.strip() for column, cell in zip(header, cells, strict=True)})
