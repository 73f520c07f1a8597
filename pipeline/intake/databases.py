"""Letters from a table of a database: sqlite:///path.db?table=名, postgresql://…?table=名."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from pipeline.errors import InputError
from pipeline.intake.columns import find_header, no_header
from pipeline.intake.letter import Letter, Rejected
from pipeline.intake.rows import Row, letter_of

FETCH_ROWS = 500

_FORM = "要写成 sqlite:///路径.db?table=表名 或 postgresql://用户@主机/库名?table=表名"

Letters = Iterator[Letter | Rejected]


def is_url(given: str) -> bool:
    """Whether an input names a database rather than a file."""
    return "://" in given


def check_url(url: str) -> None:
    """Raises InputError for a URL that names no known database, no table, or a file that is not there."""
    parts, table = _parts(url)
    if parts.scheme not in ("sqlite", "postgresql", "postgres"):
        raise InputError(f"数据库类型“{parts.scheme}”不支持：{_FORM}。")
    if not table:
        raise InputError(f"数据库网址里没有写表名：{_FORM}。")
    if parts.scheme == "sqlite" and not _sqlite_path(parts).is_file():
        raise InputError(f"数据库文件不存在：{_sqlite_path(parts)}。请核对路径（相对路径三条斜线，绝对路径四条斜线）。")


def read_table(url: str, column_map: Mapping[str, str]) -> Letters:
    """Letters of the table, streamed, in the order of its primary key. `row` counts records from 1.

    Raises InputError when the database cannot be reached or the table or its body column is not there. No password is ever shown.
    """
    parts, table = _parts(url)
    rows = _sqlite_rows(_sqlite_path(parts), table) if parts.scheme == "sqlite" else _postgres_rows(parts, table)
    with closing(rows):
        source = _shown(parts, table)
        names = [str(name) for name in next(rows)]
        header = find_header([names], column_map)
        if header is None:
            raise no_header(source, [names], column_map)
        for number, cells in enumerate(rows, 1):
            yield letter_of(header[1], Row(number, cells), source)


def _parts(url: str) -> tuple[SplitResult, str]:
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise InputError(f"数据库网址写错了：{_FORM}。") from exc
    return parts, dict(parse_qsl(parts.query)).get("table", "")


def _shown(parts: SplitResult, table: str) -> str:
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{unquote(parts.path)}#{table}"


def _sqlite_path(parts: SplitResult) -> Path:
    return Path(unquote(parts.netloc + parts.path).removeprefix("/"))


def quoted(identifier: str) -> str:
    """An SQL identifier in double quotes, its own quotes doubled."""
    return '"' + identifier.replace('"', '""') + '"'


def _sqlite_rows(path: Path, table: str) -> Generator[Sequence[object], None, None]:
    """The columns' names, then the rows. Opened read-only, so that no input is ever changed."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            found = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name")]
            if table not in found:
                raise InputError(f"{path}：没有表“{table}”。库里的表有：{'、'.join(found[:20]) or '（没有表）'}。请改正 table=。")
            keys = sorted((row[5], row[1]) for row in connection.execute(f"PRAGMA table_info({quoted(table)})") if row[5])
            order = " ORDER BY " + ", ".join(quoted(name) for _, name in keys) if keys else ""
            cursor = connection.execute(f"SELECT * FROM {quoted(table)}{order}")
            yield [column[0] for column in cursor.description]
            yield from cursor
    except sqlite3.Error as exc:
        raise InputError(f"{path}：数据库读不了（{type(exc).__name__}）。请确认是 SQLite 文件、没有损坏、没有被别的程序锁住。") from exc


def _postgres_rows(parts: SplitResult, table: str) -> Generator[Sequence[object], None, None]:
    try:
        import psycopg  # type: ignore[import-not-found, unused-ignore]
    except ImportError as exc:
        raise InputError("没有安装 PostgreSQL 驱动 psycopg：请由信息科执行 pip install 'psycopg[binary]'，或先导出为 xlsx。") from exc
    rest = urlencode([(key, value) for key, value in parse_qsl(parts.query) if key != "table"])
    try:
        with psycopg.connect(parts._replace(query=rest).geturl()) as connection:
            connection.read_only = True
            order = _postgres_order(connection, table)
            with connection.cursor(name="zhiwei_letters") as cursor:
                cursor.itersize = FETCH_ROWS
                cursor.execute(f"SELECT * FROM {_dotted(table)}{order}")
                yield [column.name for column in cursor.description or ()]
                yield from cursor
    except psycopg.errors.UndefinedTable as exc:
        raise InputError(f"{_shown(parts, table)}：库里没有这张表。请改正 table=（可写成 模式.表名）。") from exc
    except psycopg.Error as exc:
        raise InputError(f"{_shown(parts, table)}：数据库连不上或读不了（{type(exc).__name__}）。请核对地址、账号和权限。") from exc


def _dotted(table: str) -> str:
    return ".".join(quoted(part) for part in table.split("."))


def _postgres_order(connection: Any, table: str) -> str:
    """ORDER BY the primary key, without which PostgreSQL gives rows in any order."""
    keys = connection.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
        "WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)",
        (_dotted(table),),
    ).fetchall()
    return " ORDER BY " + ", ".join(quoted(name) for (name,) in keys) if keys else ""
