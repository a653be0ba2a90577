"""The only place that imports Agno. An `AgentSpec` goes in, our events come out. Importing this package does not load Agno."""

from agentos.agents.providers import Availability, availability, first_available
from agentos.agents.runtime.approvals import Answer, BadAnswer
from agentos.agents.runtime.facade import EngineState, close, engine, resume, run

__all__ = ["Answer", "Availability", "BadAnswer", "EngineState", "availability", "close", "engine", "first_available", "resume", "run"]
