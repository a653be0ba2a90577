"""Constants that stand in the SQL itself, for conditions that a partial index has.

SQLite uses a partial index only when the query repeats its condition word for word. Django sends every value as a parameter, which SQLite
does not take for the constant that it is, and reads the whole table. (PostgreSQL is sent the values in the text anyway.)
"""

import re
from collections.abc import Iterable
from typing import Any

from django.db.models import CharField, Q, Value

WORD = re.compile(r"[a-z_]+")


class Literal(Value):
    """A word, written out. Raises ValueError for anything that would have to be quoted."""

    def __init__(self, word: str) -> None:
        if not WORD.fullmatch(word):
            msg = f"{word!r} is no plain word."
            raise ValueError(msg)
        super().__init__(word, output_field=CharField())

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        return f"'{self.value}'", []


def one_of(field: str, words: Iterable[str]) -> Q:
    """``field IN ('a', 'b')``, with the words written out in their order."""
    return Q((f"{field}__in", [Literal(str(word)) for word in words]))


def equal(field: str, word: str) -> Q:
    """``field = 'a'``, with the word written out."""
    return Q((field, Literal(str(word))))
