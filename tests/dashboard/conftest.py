"""A chat of the member with the team's agent."""

import pytest

from agentos.access.models import User
from agentos.agents import runtime
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Run
from tests.factories import ChatSessionFactory, RunFactory


@pytest.fixture
def session(member: User, team_agent: DjangoAgent) -> ChatSession:
    return ChatSessionFactory(user=member, agent=team_agent, title="Refund case")


@pytest.fixture
def run(session: ChatSession) -> Run:
    return RunFactory(session=session, input="Draft a reply", answer="Dear **customer**")


@pytest.fixture
def url(session: ChatSession) -> str:
    return f"/agentos/session/{session.session_id}/"


@pytest.fixture
def engine_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation where Agno does not load."""
    state = runtime.EngineState(ok=False, reason="Agno cannot be loaded (ImportError).")
    monkeypatch.setattr(runtime, "engine", lambda: state)
