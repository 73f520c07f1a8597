"""The office's own tables (places, units, routing): shown, and replaced by what the same readers accept. And which years' days off are known."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.desk.services.events import record
from pipeline.errors import SettingsError, ZhiweiError
from pipeline.matters.gazetteer.office import COLUMNS as PLACE_COLUMNS
from pipeline.matters.gazetteer.sheet import read_sheet
from pipeline.matters.places import Gazetteer
from pipeline.settings import load_settings
from pipeline.triage.clocks import calendar_known
from pipeline.triage.routing import COLUMNS as ROUTING_COLUMNS
from pipeline.triage.routing import UNIT_COLUMNS, load_routing

if TYPE_CHECKING:  # the models exist only once Django is set up
    from pipeline.desk.models import User

FIRST_YEAR = 2004
"""The first year of chinese_calendar."""


class TableError(ZhiweiError):
    """A table that was brought is not taken; the sentence is for the administrator."""


@dataclass(frozen=True, slots=True)
class Table:
    """One of the office's files: its name for people, its columns, what it is for."""

    file: str
    name: str
    columns: tuple[str, ...]
    told: str


TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "units": Table("units.csv", "单位", UNIT_COLUMNS, "可以承办事项的单位和它们的类别。"),
        "routing": Table("routing.csv", "分办规则", ROUTING_COLUMNS, "来信归哪个单位：从上往下，第一条符合的规则为准，最后一条必须适用于任何来信。"),
        "places": Table("places.csv", "地名", PLACE_COLUMNS, "本县的乡镇、村、小区和单位，以及它们的别名。"),
    }
)  # fmt: skip


def rows(key: str) -> list[tuple[str, ...]]:
    """A table's rows in the order of its columns; raises SettingsError when the file is broken."""
    table = TABLES[key]
    return [tuple(row[column] for column in table.columns) for row in read_sheet(_folder() / table.file, table.columns, "table")]


def content(key: str) -> bytes:
    """A table's file as it is; raises TableError when there is none."""
    try:
        return (_folder() / TABLES[key].file).read_bytes()
    except OSError as exc:
        raise TableError(f"{TABLES[key].file} 读不出来（{exc.strerror}），请运维检查。") from exc


def replace(key: str, brought: bytes, by: User) -> int:
    """Put another table in place of the present one, which is kept beside it as .bak; returns its number of rows.

    Raises:
        TableError: the readers of the nightly run refuse it, together with the other two tables, or the folder cannot be written. Nothing is changed then.
    """
    table, folder = TABLES[key], _folder()
    check(key, brought)
    target = folder / table.file
    draft = folder / f"{table.file}.new"
    try:
        if target.is_file():
            shutil.copyfile(target, folder / f"{table.file}.bak.new")
            os.replace(folder / f"{table.file}.bak.new", folder / f"{table.file}.bak")
        with draft.open("wb") as stream:
            stream.write(brought)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, target)
    except OSError as exc:
        raise TableError(f"{table.file} 写不进去（{exc.strerror}），原表不变，请运维检查目录权限。") from exc
    count = len(rows(key))
    record("office_file", by=by, after={"file": table.file, "rows": count})
    return count


def check(key: str, brought: bytes) -> None:
    """Read the table that was brought together with the other two, as the nightly run will; raises TableError with what is wrong."""
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place)
        try:
            for name, table in TABLES.items():
                (trial / table.file).write_bytes(brought if name == key else content(name))
            load_routing(trial / "routing.csv", trial / "units.csv", Gazetteer.load(trial / "places.csv"))
        except SettingsError as exc:
            raise TableError(_in_words(str(exc), trial)) from None


def _in_words(sentence: str, trial: Path) -> str:
    """The reader's sentence without the folder of the trial; which table and row comes first, in Chinese."""
    told = sentence.replace(f"{trial}{os.sep}", "").encode("utf-8", "replace").decode("utf-8")  # it may quote bytes that are no text
    file = next((table for table in TABLES.values() if table.file in told), None)
    row = re.search(r"row (\d+)", told)
    where = f"{file.name}表 {file.file}" if file else "表格"
    return f"没有换上，原表不变。{where}{f' 第 {row[1]} 行' if row else ''} 不合要求，检查程序的说明：{told}"


def known_years(today_year: int) -> tuple[int, int, bool]:
    """The first and the last year whose days off and make-up days are known, and whether this year's are."""
    last = max((year for year in range(FIRST_YEAR, today_year + 3) if calendar_known(year)), default=FIRST_YEAR)
    return FIRST_YEAR, last, calendar_known(today_year)


def _folder() -> Path:
    return load_settings().office
