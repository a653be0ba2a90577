"""PostgreSQL's extension ``vector``, where somebody has installed it: the database compares vectors, exactly, and no process keeps them.

The column beside ``Chunk.vector`` is made and filled by whoever indexes, and used once it is full; the comment on it says so. It has no
index: one of pgvector looks before it leaves out other bases, and finds too little.
"""

import struct
from collections.abc import Collection, Sequence

from django.db import connection, transaction

COLUMN = "near"
FULL = "full"
FILLED = 500  # passages in one go


def is_used() -> bool:
    """Return whether all vectors are in the column."""
    return _comment() == FULL


def _comment() -> str | None:
    """Return what is noted of the column; None where there is none."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(col_description(attrelid, attnum), '') FROM pg_attribute"
            " WHERE attrelid = to_regclass('knowledge_chunk') AND attname = %s AND NOT attisdropped",
            [COLUMN],
        )
        found = cursor.fetchone()
    return found[0] if found else None


@transaction.atomic
def fill() -> bool:
    """Make the column where the extension is there, and put some vectors into it. Return whether there are more."""
    comment = _comment()
    if connection.vendor != "postgresql" or comment == FULL:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regtype('halfvec') IS NOT NULL")  # which versions before 0.7 do not have
        if not cursor.fetchone()[0]:
            return False
        if comment is None:
            cursor.execute(f"ALTER TABLE knowledge_chunk ADD COLUMN IF NOT EXISTS {COLUMN} halfvec")
            cursor.execute(f"ALTER TABLE knowledge_chunk ALTER COLUMN {COLUMN} SET STORAGE MAIN")  # in the row: all are read
        cursor.execute(f"SELECT id, vector FROM knowledge_chunk WHERE vector IS NOT NULL AND {COLUMN} IS NULL LIMIT %s", [FILLED])  # noqa: S608
        rows = cursor.fetchall()
        _put(rows)
        if len(rows) < FILLED:
            cursor.execute("LOCK TABLE knowledge_chunk IN SHARE ROW EXCLUSIVE MODE")  # nobody adds one that nobody puts there
            cursor.execute(f"SELECT id, vector FROM knowledge_chunk WHERE vector IS NOT NULL AND {COLUMN} IS NULL")  # noqa: S608
            _put(cursor.fetchall())
            cursor.execute(f"COMMENT ON COLUMN knowledge_chunk.{COLUMN} IS '{FULL}'")
        return len(rows) == FILLED


def put(made: Sequence[tuple[int, bytes]]) -> None:
    """Put vectors there that were just stored, where it is used."""
    if is_used():
        _put(made)


def forget(document: int) -> None:
    if is_used():
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE knowledge_chunk SET {COLUMN} = NULL WHERE document_id = %s", [document])  # noqa: S608


def nearest(bases: Collection[int], models: Collection[str], vector: bytes, most: int) -> dict[int, float]:
    """Return the passages nearest to this vector with their likeness, of those that these models have embedded."""
    said = _said(vector)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT chunk.id, -(chunk.{COLUMN} <#> %s::halfvec) FROM knowledge_chunk AS chunk"  # noqa: S608 - a constant
            " JOIN knowledge_document AS document ON document.id = chunk.document_id"
            f" WHERE chunk.base_id = ANY(%s) AND document.embedding = ANY(%s) AND vector_dims(chunk.{COLUMN}) = %s"
            f" ORDER BY chunk.{COLUMN} <#> %s::halfvec LIMIT %s",
            [said, list(bases), list(models), len(vector) // 2, said, most],
        )
        return dict(cursor.fetchall())


def _put(made: Sequence[tuple[int, bytes]]) -> None:
    if made:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE knowledge_chunk SET {COLUMN} = %s::halfvec WHERE id = %s",  # noqa: S608
                [(_said(bytes(vector)), pk) for pk, vector in made],
            )


def _said(vector: bytes) -> str:
    values = struct.unpack(f"<{len(vector) // 2}e", vector)
    return f"[{','.join(map(repr, values))}]"
