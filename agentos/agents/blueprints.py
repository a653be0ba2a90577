"""An agent as plain data: what the runtime needs, cut off from the database."""

from dataclasses import dataclass, field

from agentos.agents.models import DjangoAgent


@dataclass(frozen=True, slots=True)
class Blueprint:
    agent_id: str
    name: str
    model: str
    instructions: str = ""
    tools: tuple[str, ...] = field(default_factory=tuple)


def blueprint_of(agent: DjangoAgent) -> Blueprint:
    return Blueprint(agent_id=agent.agent_id, name=agent.name, model=agent.model, instructions=agent.instructions, tools=tuple(agent.tools))
