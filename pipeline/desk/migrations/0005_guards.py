"""What the ORM does not make: triggers that keep the append-only tables as they are, and the table of the search."""

from typing import Any

from django.db import migrations

GUARDED = ("desk_event", "desk_seal", "desk_access", "desk_correction", "desk_erasure", "desk_flagact")


def guard(apps: Any, editor: Any) -> None:
    """Refuse UPDATE and DELETE in the database itself, whoever sends them."""
    postgresql = editor.connection.vendor == "postgresql"
    if postgresql:
        editor.execute(
            "CREATE OR REPLACE FUNCTION desk_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'table % only grows', TG_TABLE_NAME; END $$",
            params=None,
        )
    for table in GUARDED:
        for act in ("update", "delete"):
            if postgresql:
                how = "EXECUTE FUNCTION desk_append_only()"
                editor.execute(f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} FOR EACH STATEMENT {how}")
            else:
                how = f"BEGIN SELECT RAISE(ABORT, 'table {table} only grows'); END"
                editor.execute(f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} {how}")
        if postgresql:
            editor.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION desk_append_only()"
            )


def unguard(apps: Any, editor: Any) -> None:
    for table in GUARDED:
        for act in ("update", "delete", "truncate"):
            on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
            editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{act}{on}")


def make_search(apps: Any, editor: Any) -> None:
    """Words of the masked letters. SQLite: an FTS5 table; PostgreSQL: a tsvector with its index."""
    if editor.connection.vendor == "postgresql":
        editor.execute("CREATE TABLE desk_search (letter_id varchar(200) PRIMARY KEY REFERENCES desk_letter, words tsvector NOT NULL)")
        editor.execute("CREATE INDEX desk_search_words ON desk_search USING gin (words)")
        return
    editor.execute("CREATE VIRTUAL TABLE desk_search USING fts5(letter_id UNINDEXED, words, tokenize = 'unicode61')")


def drop_search(apps: Any, editor: Any) -> None:
    editor.execute("DROP TABLE desk_search")


def retire(apps: Any, editor: Any) -> None:
    """Matters that were put into another before there was a queue of matters are out of it."""
    apps.get_model("desk", "Matter").objects.exclude(united_into=None).update(live=False)


class Migration(migrations.Migration):
    dependencies = [("desk", "0004_desk")]

    operations = [
        migrations.RunPython(guard, unguard),
        migrations.RunPython(make_search, drop_search),
        migrations.RunPython(retire, migrations.RunPython.noop),
    ]
