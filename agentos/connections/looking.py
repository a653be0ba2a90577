"""Looking at a server: which tools it has now. The network first, with no database held, then what was found."""

import contextlib
from collections.abc import AsyncIterator

from agentos.access.users import User
from agentos.connections import actions, queries, signing_in
from agentos.connections.client import Connection, Target
from agentos.connections.models import Server
from agentos.connections.problems import ConnectionProblem
from agentos.core import db


async def look(server: Server, *, by: User) -> str:
    """Store what the server has now, or why it cannot be asked. Returns that reason, a sentence; empty when it answered."""
    try:
        target = await db.read(queries.target, server, by.pk)
        if target.is_due and target.grant:
            await signing_in.renew(*target.grant, target.name, target.slug)
            target = await db.read(queries.target, server, by.pk)
        async with _connected(target) as connection:
            found = await connection.tools()
    except ConnectionProblem as problem:
        await db.write(actions.keep_trouble, server=server, problem=problem, by=by)
        return str(problem)
    await db.write(actions.keep_look, server=server, found=found, by=by)
    return ""


@contextlib.asynccontextmanager
async def _connected(target: Target) -> AsyncIterator[Connection]:
    connection = Connection(target)
    try:
        yield connection
    finally:
        connection.close()
        await connection.closed()
