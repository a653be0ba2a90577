"""Whose request this is: what the guard found out, for everything that Agno's server asks us on the way."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from django.http import HttpRequest

from agentos.access.models import ApiToken, User
from agentos.agents.cache import AgentCard
from agentos.chat.models import Run
from agentos.core.errors import Problem


@dataclass(slots=True)
class Call:
    """Opened by ``token``, or by the session cookie of ``login``.

    ``names_session``: the session id that reaches an agent was chosen by the client; otherwise Agno has made it up.

    ``agent_id``, ``run``: what the address names, which is the caller's. ``refused``: why one of our actions said no; it becomes the
    answer, unless the caller ``speaks_protocol`` in which errors are answers.
    """

    user: User
    token: ApiToken | None
    login: HttpRequest | None = None
    cards: list[AgentCard] = field(default_factory=list)
    agent_id: str = ""
    names_session: bool = True
    speaks_protocol: bool = False
    idempotency_key: str = ""
    run: Run | None = None
    refused: Problem | None = None

    @property
    def user_id(self) -> str:
        return str(self.user.pk)


_current: ContextVar[Call] = ContextVar("agentos.gateway.call")


def enter(call: Call) -> None:
    """For the task of this request, and for those that it starts."""
    _current.set(call)


def current() -> Call:
    """Raises LookupError outside of a request that the guard has let pass: nobody's agents, nobody's sessions."""
    return _current.get()


def is_open() -> bool:
    return _current.get(None) is not None
