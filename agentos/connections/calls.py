"""The calls that one run makes of remote tools: one connection a server, opened by its first call and closed with the run."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from agentos.access.users import User
from agentos.connections import actions, queries, signing_in
from agentos.connections.client import Answered, Connection, Target
from agentos.connections.problems import REFUSED, ConnectionProblem, NoKey, Rejected
from agentos.connections.questions import AsksFirst
from agentos.core import db
from agentos.core.db.prepared import new

log = logging.getLogger(__name__)

OK = "ok"


class Calls:
    """``user_pk``: whose run it is, and whose own keys are used."""

    def __init__(self, user_pk: int | None, run_id: str = "") -> None:
        self.user_pk, self.run_id = user_pk, run_id
        self._open: dict[str, tuple[Connection, str]] = {}
        self._renewed: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    async def call(self, slug: str, tool: str, arguments: Mapping[str, Any], answered: Answered | None = None) -> str:
        """Call a tool of the server with this slug, once, and return what it gave. Raises ConnectionProblem, and
        AsksFirst."""
        connection, known = await self._connection(slug)
        try:
            try:
                result = await connection.call(tool, arguments, answered)
            except Rejected as problem:
                connection = await self._once_more(connection, slug, str(problem))
                result = await connection.call(tool, arguments, answered)
        except AsksFirst as asks:
            await self._note(connection.target, tool, "asked", len(str(asks)), None)
            raise
        except ConnectionProblem as problem:
            if isinstance(problem, Rejected) and connection.target.grant:
                problem = await self._sign_in_again(connection.target)
            about_all = problem.state and not (connection.target.is_personal and problem.state == REFUSED)
            state = (problem.state, str(problem)) if about_all else None
            await self._note(connection.target, tool, "uncertain" if problem.sent else "failed", len(str(problem)), state)
            raise problem from None
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
                if target.is_due and target.grant:
                    await signing_in.renew(*target.grant, target.name, slug)
                    target, state = await db.read(queries.target_of, slug, self.user_pk)
                found = self._open[slug] = Connection(target), state
            return found

    async def _once_more(self, refused: Connection, slug: str, why: str) -> Connection:
        """Return a connection with a sign-in that was renewed, for a server that took the old one for over: what it refused, it did not
        do. Once; and only for a sign-in. Raises ConnectionProblem."""
        target = refused.target
        if target.grant is None or slug in self._renewed:
            raise Rejected(why, state=REFUSED)
        self._renewed.add(slug)
        refused.close()
        await signing_in.renew(*target.grant, target.name, slug)
        return (await self._connection(slug))[0]

    async def _sign_in_again(self, target: Target) -> NoKey:
        sentence = f"{target.name} does not take your sign-in any more. Connect again."
        if target.grant:
            await db.write(signing_in.reject, *target.grant, sentence)
        return NoKey(sentence, target.slug)

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
