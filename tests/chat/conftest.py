"""Sessions of the cast."""

import pytest

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.models import ChatSession
from tests.factories import AgentFactory


@pytest.fixture
def scripted(db: None) -> DjangoAgent:
    """An agent for everyone that says 20 words at once."""
    return AgentFactory(agent_id="scripted", name="Scripted", model="scripted:20x0", is_global=True)


@pytest.fixture
def session(member: User, scripted: DjangoAgent) -> ChatSession:
    return actions.create_session(agent=scripted, by=member)
