"""The context of a request: what the guard found out about it, for all that Agno's server asks us while it answers."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from django.http import HttpRequest

from agentos.access.models import ApiToken
from agentos.access.sign_ins import hold_of
from agentos.access.users import User
from agentos.agents.cache import AgentCard
from agentos.agents.models import DjangoAgent
from agentos.chat.callers import Caller
from agentos.chat.models import Run
from agentos.chat.sent_files import GivenFile
from agentos.core.http.errors import Problem


@dataclass(slots=True)
class CallContext:
    """Opened by ``token``, or by the session cookie of ``login``.

    ``names_session``: the session id that reaches an agent was chosen by the client; otherwise Agno has made it up.

    ``agent_id``, ``run``: what the address names, which is the caller's. ``as_team``: it names a team, whose runs are told in the words
    for teams. ``agent_pk``: whose answer is waited for, once there is a run.
    ``lost``: why the caller may not have it any more. ``refused``: why one of our actions said no; it becomes the
    answer, unless the caller ``speaks_protocol`` in which errors are answers.
    """

    user: User
    token: ApiToken | None
    login: HttpRequest | None = None
    cards: list[AgentCard] = field(default_factory=list)
    agent_id: str = ""
    as_team: bool = False
    agent_pk: int | None = None
    names_session: bool = True
    speaks_protocol: bool = False
    idempotency_key: str = ""
    run: Run | None = None
    files: list[GivenFile] = field(default_factory=list)  # that came with the message
    refused: Problem | None = None
    lost: Problem | None = None

    @property
    def teams(self) -> list[AgentCard]:
        return [card for card in self.cards if card.kind == DjangoAgent.Kind.TEAM]

    def caller(self) -> Caller:
        """Who waits, to be asked for again while the request is open. Of a login its session, which the guard has found."""
        key = self.login.session.session_key if self.login else ""
        return Caller(self.user.pk, hold_of(self.user), key or "", self.token.pk if self.token else None, self.agent_pk)

    @property
    def user_id(self) -> str:
        return str(self.user.pk)


_current: ContextVar[CallContext] = ContextVar("agentos.gateway.call")


def enter(call: CallContext) -> None:
    """For the task of this request, and for those that it starts."""
    _current.set(call)


def current() -> CallContext:
    """Raises LookupError outside of a request that the guard has let pass: nobody's agents, nobody's sessions."""
    return _current.get()


def is_open() -> bool:
    return _current.get(None) is not None
