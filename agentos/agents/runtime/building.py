"""Agno's agents and teams, built anew for every run from our plain data."""

from collections.abc import Mapping, Sequence
from typing import Any

from agno.agent import Agent
from agno.models.base import Model
from agno.team import Team
from agno.team.mode import TeamMode

from agentos.agents import abilities, efforts, providers, scripts
from agentos.agents.history import Turn
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import call_context, code, models, tools
from agentos.agents.specs import AgentSpec
from agentos.agents.tools import CallContext, Tool
from agentos.agents.tools.read_attachment import read_attachment
from agentos.agents.tools.read_skill import listed, read_skill
from agentos.agents.tools.search_knowledge import KNOWLEDGE
from agentos.agents.tools.search_knowledge import listed as listed_bases
from agentos.conf import app_settings

LOCAL_INSTRUCTIONS = "You are a helpful assistant."  # with nothing before the question, the embedded model rambles

Runner = Agent | Team


async def built(spec: AgentSpec, history: Sequence[Turn], said: Sequence[str], **whose: Any) -> Runner:
    """Return what runs, with the context of its tools opened. ``said``: the messages of this turn. Raises ``models.NotAvailable``,
    ``tools.NotOffered`` and ``code.NotThere``."""
    if spec.kind == DjangoAgent.Kind.CODE:
        call_context.opened(spec, (), history=history, said=said, **whose)
        return await code.copy_of(spec, **whose)
    model = await models.model(spec.model, parameters(spec))
    toolbox = _toolbox(spec)
    context = call_context.opened(spec, toolbox, history=history, said=said, **whose)
    await _open(toolbox, context)
    if spec.kind == DjangoAgent.Kind.TEAM:
        return await _team(spec, model, toolbox, context)
    return Agent(**_own(spec, model, tools.build(toolbox)))


async def _team(spec: AgentSpec, model: Model, toolbox: Sequence[Tool], context: CallContext) -> Team:
    members: list[Agent | Team] = []
    for each in spec.members:
        box = _toolbox(each)
        joined = call_context.join(context, each, box)
        await _open(box, joined)
        own = _own(each, await models.model(each.model, parameters(each)), tools.build(box, joined))
        members.append(Agent(**own, role=each.task or None))
    return Team(members=members, mode=TeamMode(spec.mode), **_own(spec, model, tools.build(toolbox, context)))


async def _open(toolbox: Sequence[Tool], context: CallContext) -> None:
    for tool in toolbox:
        if tool.opens:
            await tool.opens(context)


def parameters(spec: AgentSpec) -> Mapping[str, Any]:
    """Return what the model is built with. Thinking goes with no temperature of one's own."""
    effort = efforts.fields_of(spec.model, spec.effort)
    asked = {name: value for name, value in spec.model_options.items() if name not in abilities.OVERRIDES}
    options = {name: value for name, value in asked.items() if name != "temperature" or "thinking" not in effort}
    return {**options, **effort}


def _toolbox(spec: AgentSpec) -> list[Tool]:
    slug, model_id = providers.split(spec.model)
    if not providers.PROVIDERS[slug].tools:
        return []
    script = scripts.parse(model_id) if slug == providers.SCRIPTED.slug else None
    box = tools.toolbox((*spec.tools, *(script.tools if script else ())), spec.toolbox)
    own = ((read_skill, spec.skills), (read_attachment, spec.attached), (KNOWLEDGE, spec.bases))
    return [*box, *(tool for tool, reads in own if reads)]


def _own(spec: AgentSpec, model: Model, toolkits: Sequence[tools.AgnoTool]) -> dict[str, Any]:
    return {
        "id": spec.agent_id,
        "name": spec.name,
        "model": model,
        "instructions": _instructions(spec),
        "tools": list(toolkits) or None,
        **forced(),
    }


def _instructions(spec: AgentSpec) -> str | None:
    """Its own, and which skills and knowledge it has, where its model can read them."""
    own = spec.instructions or (LOCAL_INSTRUCTIONS if spec.model == providers.SMOLLM2 else "")
    if not providers.PROVIDERS[providers.split(spec.model)[0]].tools:
        return own or None
    return "\n\n".join(part for part in (own, listed(spec.skills), listed_bases(spec.bases)) if part) or None


def forced() -> Mapping[str, Any]:
    """Return what holds for every agent and every team, whoever made it."""
    return {
        # Otherwise {braces} in a user's text are filled in from the state of the run.
        "resolve_in_context": False,
        # Beyond it the model is told so, and answers with what it has; Translation ends a run that does not.
        "tool_call_limit": app_settings.TOOL_STEPS,
        "retries": 0,
        "store_events": False,
        # They are files of ours: base64 in a run that waits would be a megabyte of JSON for a picture.
        "store_media": False,
        "telemetry": False,
    }


def agents_in(runner: Runner) -> int:
    """Return how many take part, the leader and the members of members among them."""
    return 1 + (sum(map(agents_in, members_of(runner))) if isinstance(runner, Team) else 0)


def tool_names(runner: Runner) -> set[str]:
    """Return the names of all tools that its own calls, and those of its members, may have."""
    at_hand = runner.tools if isinstance(runner.tools, list) else []
    return tools.names(at_hand).union(*(tool_names(member) for member in members_of(runner)))


def members_of(runner: Runner) -> list[Any]:
    members = getattr(runner, "members", None)
    return [each for each in members if isinstance(each, Agent | Team)] if isinstance(members, list) else []
