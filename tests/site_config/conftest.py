"""What the tests of the whole application begin with."""

import pytest

from agentos.access.models import User
from agentos.chat import actions
from agentos.chat.models import ChatSession
from tests.factories import AgentFactory


@pytest.fixture
def session(transactional_db: None, member: User) -> ChatSession:
    return actions.create_session(agent=AgentFactory(is_global=True, model="scripted:5x0"), by=member)
