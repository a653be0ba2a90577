"""Who waits for an answer through an open request, and whether they may still have it: one rule, and one sentence, for every door.

A right is lost when the person is suspended or signed out, when the token is revoked or expires, or when the agent is not open to the
person any more: their membership or subscription ended, or the agent was closed. It is asked every ``CHECK_SECONDS`` while an answer is
on its way. What becomes of the run is another question: ``chat/runs/entitlement.py``.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db import DatabaseError

from agentos.access import sign_ins
from agentos.access.models import ApiToken
from agentos.access.users import User
from agentos.agents.queries import may_use
from agentos.core import db
from agentos.core.db import outage
from agentos.core.http.errors import Problem

CHECK_SECONDS = 5.0

TOKEN, LOGIN, AGENT = "token", "login", "agent"
LOST: Mapping[str, tuple[int, str, str]] = MappingProxyType(
    {
        TOKEN: (
            401,
            "invalid_token",
            "This API token does not work any more: it was revoked or has expired, or its owner was suspended.",
        ),
        LOGIN: (401, "authentication_error", "You are signed out. Sign in again."),
        AGENT: (403, "agent_closed", "You may no longer use this agent. The chat stays readable."),
    }
)

# The same as the answer to whoever waits for a run that was stopped for it: its code, with the status and the name of the error.
LOST_RIGHTS = MappingProxyType({"suspended": (401, "authentication_error"), "agent_closed": (403, "agent_closed")})


def lost(what: str) -> Problem:
    """Return what a program is answered that has lost this: TOKEN, LOGIN or AGENT."""
    status, code, sentence = LOST[what]
    return Problem(status, sentence, code=code)


@dataclass(frozen=True, slots=True)
class Caller:
    """Opened by the API token ``token_pk``, or else by a login. ``agent_pk``: the agent whose answer is waited for."""

    user_pk: int
    login: str
    session_key: str
    token_pk: int | None = None
    agent_pk: int | None = None

    def check(self) -> None:
        """Ask the database. Raises ``Problem``: 401, or 403 for the agent alone."""
        if self.token_pk:
            if not ApiToken.objects.usable().filter(pk=self.token_pk).exists():
                raise lost(TOKEN)
        elif not self._is_signed_in():
            raise lost(LOGIN)
        if self.agent_pk and not may_use(self.user_pk, self.agent_pk):
            raise lost(AGENT)

    def _is_signed_in(self) -> bool:
        user = User.objects.filter(pk=self.user_pk, is_active=True).first()
        return user is not None and sign_ins.hold_of(user) == self.login and bool(sign_ins.alive([self.session_key]))


class Watch:
    """Asks for a caller now and then, while somebody looks. Made on the loop."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.now = asyncio.get_running_loop().time
        self.due = self.now() + CHECK_SECONDS

    async def look(self) -> None:
        """Raises ``Problem`` when the caller has lost the right to the answer. A database that is away is asked again in a moment."""
        if self.now() >= self.due:
            self.due = self.now() + CHECK_SECONDS
            try:
                await db.read(self.caller.check)
            except DatabaseError as error:
                outage.note(error)
