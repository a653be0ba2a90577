"""An agent as plain data: what the runtime needs, cut off from the database.

``tools`` are slugs; ``toolbox`` has those that there are by slug, with ``policies`` and ``options`` of theirs.
``approved``: names of functions
that its user has approved for the chat. ``answer_format``: the form that an answer is to have, as OpenAI's ``response_format`` writes it.

``brought``: of tools, whose results the instructions may tell of (``tools/definition.py``: CallContext). ``model_options`` and
``effort``: how the model is asked (``efforts.py``). ``away``: by the name of a function that the agent has and this user has not, why.

``kind`` and ``mode`` are the row's (``models.DjangoAgent``). ``members``: of a team, or of steps, in their order; ``task``: what the agent
is to do there. ``source``: of an agent in code, the module that has it. ``teams``: names of those that its user is in, which code is told.

``bases``: knowledge bases that it has. Who runs it reads those of them that they may read (``tools/search_knowledge.py``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agentos.agents import personal
from agentos.agents.abilities import OVERRIDES
from agentos.agents.media import Attached, Keep
from agentos.agents.models import DjangoAgent, TeamMember
from agentos.agents.providers import availability
from agentos.agents.tools import Tool, fitting, tools
from agentos.knowledge.queries import ChosenBase
from agentos.knowledge.queries import chosen as chosen_bases
from agentos.skills.queries import ChosenSkill, chosen


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
    model_options: Mapping[str, Any] = field(default_factory=dict)
    effort: str = ""
    brought: frozenset[str] = frozenset()
    answer_format: dict[str, Any] | None = None
    kind: str = DjangoAgent.Kind.AGENT
    mode: str = ""
    members: tuple["AgentSpec", ...] = ()
    task: str = ""
    source: str = ""
    teams: tuple[str, ...] = ()
    skills: tuple[ChosenSkill, ...] = ()
    bases: tuple[ChosenBase, ...] = ()
    attached: tuple[Attached, ...] = ()
    keep: Keep | None = None
    away: Mapping[str, str] = field(default_factory=dict, compare=False)


def with_model(spec: AgentSpec, model: str) -> AgentSpec:
    """Return it with another model. What an operator says of what its own can is not true of that."""
    if model == spec.model:
        return spec
    return replace(spec, model=model, model_options={name: value for name, value in spec.model_options.items() if name not in OVERRIDES})


def with_keeper(spec: AgentSpec, keep: Keep) -> AgentSpec:
    """Return it with somebody who keeps what it makes, and what its members make."""
    return replace(spec, keep=keep, members=tuple(replace(member, keep=keep) for member in spec.members))


def spec_of(agent: DjangoAgent, members: Iterable[TeamMember] | None = None) -> AgentSpec:
    """Asks the database for skills, for tools that are stored there, and for members. ``members``: of a draft, whose are not stored."""
    agent = personal.within(agent)
    if members is None:
        members = agent.roster.select_related("agent") if agent.kind in DjangoAgent.MADE_OF_AGENTS else ()
    spec = _spec_of(agent)
    is_led = agent.kind == DjangoAgent.Kind.TEAM  # the leader has to be told something
    return replace(spec, members=tuple(_as_member(each, is_led=is_led) for each in members))


def _as_member(member: TeamMember, *, is_led: bool) -> AgentSpec:
    """With the model that can be used now."""
    agent = member.agent
    model = next((model for model in agent.models_in_order if availability(model).ok), agent.model)
    return replace(_spec_of(agent), model=model, task=member.task or (agent.description if is_led else ""))


def _spec_of(agent: DjangoAgent) -> AgentSpec:
    in_code = agent.kind == DjangoAgent.Kind.CODE
    slugs = () if in_code else tuple(agent.tools)
    return AgentSpec(
        agent_id=agent.agent_id,
        name=agent.name,
        model=agent.model,
        fallbacks=tuple(agent.fallbacks),
        instructions=agent.instructions,
        model_options=agent.model_options,
        tools=slugs,
        toolbox=fitting(tools(slugs), agent.team_id),
        policies=agent.tool_policies,
        options=agent.tool_options,
        kind=agent.kind,
        mode=agent.mode,
        source=agent.source,
        skills=() if in_code else tuple(chosen(agent.skills, agent.team_id)),
        bases=() if in_code else tuple(chosen_bases(agent.bases, agent.team_id)),
    )
