"""The context in which the tools of a run are called, made where a run begins and where it goes on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from agentos.agents.history import Turn
from agentos.agents.runtime import conversation
from agentos.agents.runtime.tools import asking, lasting
from agentos.agents.specs import AgentSpec
from agentos.agents.tools import CallContext, Tool
from agentos.agents.tools.definition import Asks, current
from agentos.agents.tools.search_knowledge import go_on

SENT_ALONG = conversation.CONTEXT.partition("{}")[0]
COST_LIMIT = 100_000  # dollars: what is more is no cost of a request
MADE = "made by a model"  # among what is kept for the run
LOOKED_AT = 40  # stored results in which addresses are looked for, the newest


def opened(
    spec: AgentSpec,
    toolbox: Collection[Tool],
    *,
    run_id: str,
    user_id: str,
    session_id: str,
    history: Sequence[Turn],
    said: Sequence[str],
    output: Mapping[str, Any] = MappingProxyType({}),
) -> CallContext:
    """Return the context, and make it the one of this task and of what it starts. ``said``: the messages of this turn. ``output``: the
    stored run, where one goes on."""
    context = CallContext(
        run_id=run_id,
        user_id=user_id,
        session_id=session_id,
        agent_id=spec.agent_id,
        said=(*(turn.message for turn in history), *said),
        options=spec.options,
        policies=spec.policies,
        is_private=any(tool.is_private for tool in toolbox),
        brought=set(spec.brought),
        away=spec.away,
        approved=spec.approved,
        skills=_skills(spec),
        attached=spec.attached,
        keep=spec.keep,
        bases=_bases(spec),
    )
    go_on(context, output.get("messages") or ())
    context.lasting = lasting(toolbox, context)
    context.asks = asking(toolbox, context)
    _find(context, toolbox, [*(message for turn in history for message in turn.messages), *(output.get("messages") or ())])
    current.set(context)
    return context


def _find(context: CallContext, toolbox: Collection[Tool], messages: Sequence[Mapping[str, Any]]) -> None:
    """Note the addresses in results that are stored, and whose results there are, as if their calls had just been made."""
    brings = {name for tool in toolbox if tool.brings for name in tool.names}
    context.brought.update(name for each in messages if each.get("role") == "tool" and (name := each.get("tool_name")) in brings)
    finds = {function.name: function.finds for tool in toolbox for function in tool.functions if function.finds}
    results = [
        each for each in messages if each.get("role") == "tool" and each.get("tool_name") in finds and not each.get("tool_call_error")
    ]
    for result in results[-LOOKED_AT:]:
        context.found.update(finds[result["tool_name"]](context, str(result.get("content") or "")))


def join(context: CallContext, spec: AgentSpec, toolbox: Collection[Tool]) -> CallContext:
    """Return the context of a member of the team that ``context`` is of. What one of them has read, the others may be told."""
    own: dict[str, Any] = {
        "options": spec.options,
        "policies": spec.policies,
        "approved": spec.approved,
        "skills": _skills(spec),
        "bases": _bases(spec),
    }
    member = replace(context, agent_id=spec.agent_id, **own)
    member.lasting = lasting(toolbox, member)
    member.asks = asking(toolbox, member)
    context.members[context.agent_id] = context
    context.members[spec.agent_id] = member
    if any(tool.is_private for tool in toolbox) or context.is_private:
        for each in context.members.values():
            each.is_private = True
    return member


def _skills(spec: AgentSpec) -> dict[str, int]:
    return {skill.name: skill.pk for skill in spec.skills}


def _bases(spec: AgentSpec) -> tuple[int, ...]:
    return tuple(base.pk for base in spec.bases)


def speaks(run_response: Any) -> None:
    """Make the context of the agent that is about to speak the one of this task."""
    context = current.get(None)
    if context is not None and context.members:
        agent_id = getattr(run_response, "agent_id", None) or getattr(run_response, "team_id", None)
        current.set(context.members.get(str(agent_id), context))


def said_in(output: Mapping[str, Any]) -> list[str]:
    """Return what the user said in the stored run that goes on, without what an application sent along."""
    said = (str(message.get("content") or "") for message in output.get("messages") or () if message.get("role") == "user")
    return [text.partition(SENT_ALONG)[0] for text in said]


def shown(run_id: str, call_id: str) -> dict[str, Any]:
    """Return what people are shown beside the result of this call, once; empty without anything. ``run_id``: of a member, its own run's."""
    context = current.get(None)
    return dict(context.shown.pop((run_id, call_id), {})) if context else {}


def costs(run_id: str, told: object) -> None:
    """Keep what a provider says that a request has cost, in dollars, until it is told of. ``run_id``: of a member, its own run's."""
    context = current.get(None)
    if context is not None and isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told < COST_LIMIT:
        context.costs[run_id] = format(Decimal(str(told)), "f")


def cost(run_id: str) -> str:
    """Return what the request that has just ended has cost, once; empty where its provider does not say."""
    context = current.get(None)
    return context.costs.pop(run_id, "") if context else ""


def asked(run_id: str, call_id: str) -> Asks | None:
    """Return what a call asks that was begun and waits for a person; None for any other."""
    context = current.get(None)
    return context.asked.get((run_id, call_id)) if context else None


def asks_first(run_id: str) -> bool:
    """Whether a call of this run waits for a person's answer in the middle."""
    context = current.get(None)
    return context is not None and any(run == run_id for run, _ in context.asked)


def has_made() -> bool:
    """Whether a model of this run has made pictures or files."""
    context = current.get(None)
    return context is not None and bool(context.kept.get(MADE))


def is_lasting(name: str, by: str = "") -> bool:
    """Whether a call of the function ``name``, which waits, may be approved for the whole chat. ``by``: the member of a team that calls."""
    context = current.get(None)
    if context is not None and by:
        context = context.members.get(by)
    return name in context.lasting if context else False


async def close() -> None:
    """Close what the tools of this task's run have opened."""
    if context := current.get(None):
        await context.resources.aclose()
