"""An agent as plain data: what the runtime needs, cut off from the database.

``tools`` are slugs; ``toolbox`` has those that there are by slug, with ``policies`` and ``options`` of theirs.
``approved``: names of functions
that its user has approved for the chat. ``answer_format``: the form that an answer is to have, as OpenAI's ``response_format`` writes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentos.agents.models import DjangoAgent
from agentos.agents.tools import Tool, fitting, tools


@dataclass(frozen=True, slots=True)
class AgentSpec:
    agent_id: str
    name: str
    model: str
    fallbacks: tuple[str, ...] = ()
    instructions: str = ""
    tools: tuple[str, ...] = field(default_factory=tuple)
    toolbox: Mapping[str, Tool] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    approved: frozenset[str] = frozenset()
    answer_format: dict[str, Any] | None = None


def spec_of(agent: DjangoAgent) -> AgentSpec:
    """Asks the database for tools that are stored there."""
    return AgentSpec(
        agent_id=agent.agent_id,
        name=agent.name,
        model=agent.model,
        fallbacks=tuple(agent.fallbacks),
        instructions=agent.instructions,
        tools=tuple(agent.tools),
        toolbox=fitting(tools(agent.tools), agent.team_id),
        policies=agent.tool_policies,
        options=agent.tool_options,
    )
