"""The calls that one run makes of remote tools: one connection a server, opened by its first call and closed with the run."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from agentos.access.users import User
from agentos.connections import actions, queries
from agentos.connections.client import Connection, Target
from agentos.connections.problems import ConnectionProblem
from agentos.core import db
from agentos.core.db.prepared import new

log = logging.getLogger(__name__)

OK = "ok"


class Calls:
    """``user_pk``: whose run it is, and whose own keys are used."""

    def __init__(self, user_pk: int | None, run_id: str = "") -> None:
        self.user_pk, self.run_id = user_pk, run_id
        self._open: dict[str, tuple[Connection, str]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def call(self, slug: str, tool: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool of the server with this slug, once, and return what it gave. Raises ConnectionProblem."""
        connection, known = await self._connection(slug)
        try:
            result = await connection.call(tool, arguments)
        except ConnectionProblem as problem:
            state = (problem.state, str(problem)) if problem.state else None
            await self._note(connection.target, tool, "uncertain" if problem.sent else "failed", len(str(problem)), state)
            raise
        await self._note(connection.target, tool, OK, result.size, (OK, "") if known != OK else None)
        self._open[slug] = connection, OK
        return result.text

    def close(self) -> None:
        """Let go of every server. Nobody has to wait for it."""
        for connection, _ in self._open.values():
            connection.close()
        self._open.clear()

    async def _connection(self, slug: str) -> tuple[Connection, str]:
        async with self._one_at_a_time:
            found = self._open.get(slug)
            if found is None or found[0].is_over:
                target, state = await db.read(queries.target_of, slug, self.user_pk)
                found = self._open[slug] = Connection(target), state
            return found

    async def _note(self, target: Target, tool: str, outcome: str, size: int, state: tuple[str, str] | None) -> None:
        """Write the call down. Where that fails the call is over all the same, and its result counts."""
        try:
            await db.write(
                actions.note_call,
                slug=target.slug,
                by=new(User, pk=self.user_pk) if self.user_pk else None,
                state=state,
                tool=tool,
                host=target.host,
                bytes=size,
                outcome=outcome,
                run=self.run_id,
            )
        except Exception:
            log.exception("A call of %s could not be recorded.", target.slug)
