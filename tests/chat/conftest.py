"""Sessions of the cast, and an engine that drives what is sent."""

from collections.abc import AsyncIterator

import pytest

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.engine import Engine
from agentos.chat.models import ChatSession
from agentos.core import db as database
from tests.factories import AgentFactory


@pytest.fixture
def scripted(db: None) -> DjangoAgent:
    """An agent for everyone that says 20 words at once."""
    return AgentFactory(agent_id="scripted", name="Scripted", model="scripted:20x0", is_global=True)


@pytest.fixture
def session(member: User, scripted: DjangoAgent) -> ChatSession:
    return actions.create_session(agent=scripted, by=member)


@pytest.fixture
async def engine(transactional_db: None) -> AsyncIterator[Engine]:
    engine = Engine()
    await engine.start()
    yield engine
    await engine.stop(0)
    database.close()
