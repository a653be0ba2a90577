"""The context in which the tools of a run are called, made where a run begins and where it goes on."""

from collections.abc import Collection, Sequence
from typing import Any

from agentos.agents.history import Turn
from agentos.agents.runtime.tools import asking, lasting
from agentos.agents.specs import AgentSpec
from agentos.agents.tools import CallContext, Tool
from agentos.agents.tools.definition import current


def opened(
    spec: AgentSpec, toolbox: Collection[Tool], *, run_id: str, user_id: str, session_id: str, history: Sequence[Turn], said: Sequence[str]
) -> CallContext:
    """Return the context, and make it the one of this task and of what it starts. ``said``: the messages of this turn."""
    context = CallContext(
        run_id=run_id,
        user_id=user_id,
        session_id=session_id,
        agent_id=spec.agent_id,
        said=(*(turn.message for turn in history), *said),
        options=spec.options,
        policies=spec.policies,
        is_private=any(tool.is_private for tool in toolbox),
        approved=spec.approved,
    )
    context.lasting = lasting(toolbox, context)
    context.asks = asking(toolbox, context)
    current.set(context)
    return context


def said_in(output: dict[str, Any]) -> list[str]:
    """Return what the user said in the stored run that goes on."""
    return [str(message.get("content") or "") for message in output.get("messages") or () if message.get("role") == "user"]


def shown(name: str, text: str) -> dict[str, Any]:
    """Return what people are shown beside the result ``text`` of the function ``name``; empty without anything."""
    context = current.get(None)
    return dict(context.shown.get((name, text), {})) if context else {}


def is_lasting(name: str) -> bool:
    """Whether a call of the function ``name``, which waits, may be approved for the whole chat."""
    context = current.get(None)
    return name in context.lasting if context else False


async def close() -> None:
    """Close what the tools of this task's run have opened."""
    if context := current.get(None):
        await context.resources.aclose()
