"""The databases' full-text indexes over ``Chunk.searchable``: FTS5 of SQLite, an array of words with GIN on PostgreSQL.

The database keeps its index itself. A migration that alters the table of chunks calls ``create`` again: SQLite makes such a table anew,
without its triggers.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

CANDIDATES = 60
COUNTED = 2_000  # rows of a word on PostgreSQL: one that stands in more says little

SQLITE = (
    "DROP TABLE IF EXISTS knowledge_words",
    "DROP TABLE IF EXISTS knowledge_fts",
    """CREATE VIRTUAL TABLE knowledge_fts USING fts5(
        searchable, content='knowledge_chunk', content_rowid='id',
        tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc Pc'")""",
    "CREATE VIRTUAL TABLE knowledge_words USING fts5vocab('knowledge_fts', 'row')",
    "INSERT INTO knowledge_fts(knowledge_fts) VALUES ('rebuild')",
    "DROP TRIGGER IF EXISTS knowledge_chunk_added",
    """CREATE TRIGGER knowledge_chunk_added AFTER INSERT ON knowledge_chunk BEGIN
        INSERT INTO knowledge_fts(rowid, searchable) VALUES (new.id, new.searchable); END""",
    "DROP TRIGGER IF EXISTS knowledge_chunk_gone",
    """CREATE TRIGGER knowledge_chunk_gone AFTER DELETE ON knowledge_chunk BEGIN
        INSERT INTO knowledge_fts(knowledge_fts, rowid, searchable) VALUES ('delete', old.id, old.searchable); END""",
)
POSTGRES = (
    """ALTER TABLE knowledge_chunk ADD COLUMN IF NOT EXISTS words tsvector
        GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(searchable, ' '), ''))) STORED""",
    "CREATE INDEX IF NOT EXISTS knowledge_words ON knowledge_chunk USING gin (words)",
)


def create(_apps: Any, schema_editor: Any) -> None:
    """Make the index, of all that is there. A step of a migration."""
    for statement in POSTGRES if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def counts(forms: Collection[str]) -> Mapping[str, int]:
    """Return in how many passages of all bases each of these forms of words is; on PostgreSQL at most ``COUNTED``."""
    if not forms:
        return {}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            one = "(SELECT count(*) FROM (SELECT 1 FROM knowledge_chunk WHERE words @@ %s::tsquery LIMIT %s) AS found)"
            cursor.execute(f"SELECT {', '.join([one] * len(forms))}", [each for form in forms for each in (_quoted(form), COUNTED)])
            return dict(zip(forms, cursor.fetchone(), strict=True))
        marks = ", ".join(["%s"] * len(forms))
        cursor.execute(f"SELECT term, doc FROM knowledge_words WHERE term IN ({marks})", list(forms))  # noqa: S608 - marks only
        return dict.fromkeys(forms, 0) | dict(cursor.fetchall())


def candidates(bases: Collection[int], weights: Mapping[str, float]) -> list[int]:
    """Return the passages of these bases that have most of these forms, the best first. ``weights``: how much each says."""
    if not bases or not weights:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            score = " + ".join(["CASE WHEN words @@ %s::tsquery THEN %s ELSE 0 END"] * len(weights))
            cursor.execute(
                f"SELECT id FROM knowledge_chunk WHERE base_id = ANY(%s) AND words @@ %s::tsquery ORDER BY {score} DESC, id LIMIT %s",  # noqa: S608
                [
                    list(bases),
                    " | ".join(map(_quoted, weights)),
                    *(each for form, weight in weights.items() for each in (_quoted(form), weight)),
                    CANDIDATES,
                ],
            )
        else:
            marks = ", ".join(["%s"] * len(bases))
            cursor.execute(
                "SELECT knowledge_chunk.id FROM knowledge_fts JOIN knowledge_chunk ON knowledge_chunk.id = knowledge_fts.rowid"  # noqa: S608
                f" WHERE knowledge_fts MATCH %s AND base_id IN ({marks}) ORDER BY bm25(knowledge_fts) LIMIT %s",
                [" OR ".join(f'"{form}"' for form in weights), *bases, CANDIDATES],
            )
        return [pk for (pk,) in cursor.fetchall()]


def _quoted(form: str) -> str:
    return f"'{form}'"
