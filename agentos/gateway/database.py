"""Database work on behalf of Agno's server. Errors become ours here, before Agno can answer with texts of its own."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from agentos.core import db
from agentos.core.http.errors import DEFAULTS
from agentos.gateway import context
from agentos.gateway.errors import problem_of

BROKEN = DEFAULTS[500][1]

P = ParamSpec("P")
T = TypeVar("T")


class Broken(Exception):
    """Something went wrong; the text is for the caller, and the call knows the rest."""


async def read(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Raises Broken."""
    try:
        return await db.read(work, *args, **kwargs)
    except Exception as error:  # noqa: BLE001
        problem = context.current().refused = problem_of(error)
        raise Broken(problem.sentence or BROKEN) from None


async def do(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Run an action. None: it was refused, or it broke, and that becomes the answer of the request."""
    try:
        return await db.write(work, *args, **kwargs)
    except Exception as error:  # noqa: BLE001
        context.current().refused = problem_of(error)
        return None
