"""What streams do while the database is away: they stay open, say so in the log once a minute, and look again in a moment."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError

from agentos.core import db, repeated

P = ParamSpec("P")
T = TypeVar("T")

AGAIN_SECONDS = 2.0  # until a stream looks again


def note(error: Exception) -> None:
    """Say it in the log, once a minute however many streams there are."""
    said = " ".join(str(error).split()) or type(error).__name__
    repeated.warn("database of open streams", "The database is away; open streams wait for it: %s", said)


async def outlast(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Read until it works: the caller waits, and is nobody who has to be told otherwise soon."""
    while True:
        try:
            return await db.read(work, *args, **kwargs)
        except DatabaseError as error:
            note(error)
            await asyncio.sleep(AGAIN_SECONDS)
