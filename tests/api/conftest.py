"""A caller of the JSON face, and an engine that answers what it sends."""

from collections.abc import AsyncIterator

import pytest

from agentos.chat.engine import Engine
from agentos.core import db as database


@pytest.fixture
async def engine(transactional_db: None) -> AsyncIterator[Engine]:
    engine = Engine()
    await engine.start()
    yield engine
    await engine.stop(0)
    database.close()
