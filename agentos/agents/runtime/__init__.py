"""The only place that imports Agno. A blueprint goes in, our events come out; what is imported from here does not load Agno by itself."""

from agentos.agents.providers import Availability, availability
from agentos.agents.runtime.approvals import Answer, BadAnswer
from agentos.agents.runtime.door import EngineState, close, engine, resume, run

__all__ = ["Answer", "Availability", "BadAnswer", "EngineState", "availability", "close", "engine", "resume", "run"]
