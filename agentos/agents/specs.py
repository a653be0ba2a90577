"""An agent as plain data: what the runtime needs, cut off from the database.

``answer_format``: the form that an answer is to have, as OpenAI's ``response_format`` writes it.
"""

from dataclasses import dataclass, field
from typing import Any

from agentos.agents.models import DjangoAgent


@dataclass(frozen=True, slots=True)
class AgentSpec:
    agent_id: str
    name: str
    model: str
    instructions: str = ""
    tools: tuple[str, ...] = field(default_factory=tuple)
    answer_format: dict[str, Any] | None = None


def spec_of(agent: DjangoAgent) -> AgentSpec:
    return AgentSpec(agent_id=agent.agent_id, name=agent.name, model=agent.model, instructions=agent.instructions, tools=tuple(agent.tools))
