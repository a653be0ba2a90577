"""AgentOSService(user): what ONE user sees and may do. The door of every face; the names and JSON shapes are the spec's."""

from typing import Any

from agentos.access.models import User
from agentos.agents import cache, runtime
from agentos.agents.cache import AgentCard
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for
from agentos.chat import actions, queries
from agentos.chat.models import ChatSession, Run
from agentos.core.paging import Page, page_of

SESSIONS_A_PAGE = 20


class AgentNotFound(LookupError):
    """No agent of this id that the user may use."""


class SessionNotFound(LookupError):
    """No session of this id that is the user's."""


class AgentOSService:
    def __init__(self, user: User) -> None:
        self.user = user

    def get_agent_os_info(self) -> dict[str, Any]:
        agents = [card.as_json() for card in self.get_available_agents()]
        return {
            "id": f"agentos_user_{self.user.pk}",
            "description": f"AgentOS instance for {self.user.email}",
            "agents_count": len(agents),
            "available_agents": agents,
        }

    def get_available_agents(self) -> list[AgentCard]:
        """What this user may use. From a cache that every change of rights leaves behind at its commit."""
        return cache.cards_for(self.user)

    def get_agent_by_id(self, agent_id: str) -> DjangoAgent | None:
        """One agent that this user may use now: asks the database."""
        return agents_for(self.user).filter(agent_id=agent_id).first()

    def get_session(self, session_id: str) -> ChatSession | None:
        return queries.session_for(self.user, session_id)

    def create_session(self, agent_id: str, title: str = "") -> ChatSession:
        """Raises AgentNotFound and the refusals of ``actions.create_session``."""
        return actions.create_session(agent=self._agent(agent_id), by=self.user, title=title)

    def send_message(
        self,
        message: str,
        *,
        agent_id: str = "",
        session_id: str = "",
        context: dict[str, Any] | None = None,
        idempotency_key: str = "",
    ) -> Run:
        """Store a message and the run that answers it. With a session, its agent answers, and ``agent_id`` must agree when given.

        Raises AgentNotFound, SessionNotFound and the refusals of ``actions.send_message``.
        """
        session = self._session(session_id) if session_id else None
        if session and agent_id and agent_id != session.agent.agent_id:
            raise AgentNotFound
        agent = None if session else self._agent(agent_id)
        return actions.send_message(
            by=self.user, text=message, session=session, agent=agent, context=context, idempotency_key=idempotency_key
        )

    def list_sessions(self, page: int = 1) -> Page[ChatSession]:
        """A numbered page of this user's chats, newest activity first."""
        return page_of(queries.sessions_for(self.user), page, SESSIONS_A_PAGE)

    def engine(self) -> runtime.EngineState:
        return runtime.engine()

    def _agent(self, agent_id: str) -> DjangoAgent:
        if agent := self.get_agent_by_id(agent_id):
            return agent
        raise AgentNotFound

    def _session(self, session_id: str) -> ChatSession:
        if session := self.get_session(session_id):
            return session
        raise SessionNotFound
