"""Free-text search over the masked letters: cut into words by jieba's dictionary, looked up in the database's own index.

SQLite: an FTS5 table; PostgreSQL: a tsvector. Every word of the question must stand in the letter. Only masked text is indexed, and what a
person types is masked before it is looked up or kept: a name finds nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import rjieba
from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from pipeline.desk.services.connection import translated
from pipeline.desk.services.letters import masked
from pipeline.intake.letter import RedactedLetter

if TYPE_CHECKING:
    from pipeline.desk.models.matters import Matters

MOST_LETTERS = 5_000
"""Of more letters that fit, the newest are looked at, so that a common word does not hold up the page."""
MOST_WORDS = 12
MASK = re.compile("［[^］]*］")
BATCH = 1_000


def words(text: str) -> list[str]:
    """The searchable words of a text: full and half width, upper and lower case alike; punctuation left out."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return [word for word in rjieba.cut_for_search(plain, True) if any(char.isalnum() for char in word)]


def index(letters: Sequence[RedactedLetter]) -> None:
    """Add masked letters to the index; called in the transaction that saves them."""
    rows = [(letter.letter_id, " ".join(words(letter.text))) for letter in letters]
    value = "to_tsvector('simple', %s)" if connection.vendor == "postgresql" else "%s"
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO desk_search (letter_id, words) VALUES (%s, {value})", rows)


def catch_up() -> int:
    """Index the letters that came before there was a search; returns how many."""
    from pipeline.desk.models import Letter as Table

    done = 0
    with translated("index letters"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT (SELECT count(*) FROM desk_letter) - (SELECT count(*) FROM desk_search)")
            missing = int(cursor.fetchone()[0])
        while missing > 0:
            with transaction.atomic():
                rows = list(Table.objects.extra(where=["letter_id NOT IN (SELECT letter_id FROM desk_search)"])[:BATCH])
                index([masked(row) for row in rows])
            done += len(rows)
            missing = missing - len(rows) if rows else 0
    return done


def terms(question: str) -> list[str]:
    """The words that must stand in a letter; a mask is none, so that a name or a number finds nothing."""
    return list(dict.fromkeys(words(MASK.sub(" ", question))))[:MOST_WORDS]


def found(matters: Matters, question: str) -> Matters:
    """Of these matters those with a letter in which every word of the question stands, or whose id, or a letter's id, it is."""
    text = question.strip()
    given: list[Any] = [text, text]
    sql = "SELECT %s UNION SELECT matter_id FROM desk_link WHERE letter_id = %s"
    wanted = terms(text)
    if wanted:
        letters, query = _fitting(wanted)
        letters += _lately(letters, query)
        sql = f"SELECT matter_id FROM desk_link WHERE letter_id IN ({letters} ORDER BY {_newest()} DESC LIMIT %s) UNION {sql}"
        given = [query, MOST_LETTERS, *given]
    return matters.filter(pk__in=RawSQL(sql, given))


def common(question: str) -> bool:
    """Whether so many letters fit that not all of them were looked at."""
    wanted = terms(question)
    if not wanted:
        return False
    letters, query = _fitting(wanted)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({letters} LIMIT %s) AS fitting", [query, MOST_LETTERS + 1])
        return int(cursor.fetchone()[0]) > MOST_LETTERS


def _fitting(wanted: Iterable[str]) -> tuple[str, str]:
    """The SQL of the letters in which all words stand, and its parameter."""
    if connection.vendor == "postgresql":
        query = " & ".join("'" + word.replace("'", "''").replace("\\", "\\\\") + "'" for word in wanted)
        return "SELECT letter_id FROM desk_search WHERE words @@ %s::tsquery", query
    return "SELECT letter_id FROM desk_search WHERE desk_search MATCH %s", " ".join('"' + word.replace('"', '""') + '"' for word in wanted)


def _newest() -> str:
    """What puts the index in the order in which letters were added: the rows are never changed."""
    return "ctid" if connection.vendor == "postgresql" else "rowid"


def _lately(letters: str, query: str) -> str:
    """On PostgreSQL, of a word that fills the limit from the newest eighth of the index alone: the SQL to look no farther. It reads every row that
    fits before it can say which are the newest."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('desk_search') / current_setting('block_size')::int")
        since = f" AND ctid >= '({int(cursor.fetchone()[0]) * 7 // 8},0)'::tid"
        cursor.execute(f"SELECT count(*) FROM ({letters}{since} LIMIT %s) AS fitting", [query, MOST_LETTERS])
        return since if int(cursor.fetchone()[0]) == MOST_LETTERS else ""
