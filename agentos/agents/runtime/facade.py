"""The functions that the rest of the app calls to run an agent. Agno takes a second to import, so it is loaded at the first call.

Where Agno does not load, pages are served all the same.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from types import ModuleType
from typing import Any, Unpack

from agentos.agents.events import Event, Failed, Follower
from agentos.agents.history import Turn
from agentos.agents.media import Given
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime.approvals import Answer
from agentos.agents.runtime.whose import Whose
from agentos.agents.specs import AgentSpec
from agentos.agents.tools import python

Events = AsyncGenerator[Event, None]

_STREAMING = "agentos.agents.runtime.streaming"
_STEPS = "agentos.agents.runtime.steps"
_MODELS = "agentos.agents.runtime.models"


@dataclass(frozen=True, slots=True)
class EngineState:
    """``reason`` is a sentence for the operator; empty when Agno is there."""

    ok: bool
    reason: str = ""
    version: str = ""


@cache
def engine() -> EngineState:
    """Return whether Agno can be used, loading it at the first call, which takes a second. Never raises."""
    try:
        _streaming()
        return EngineState(True, version=metadata.version("agno"))
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises
        return EngineState(False, f"Agno cannot be loaded ({type(error).__name__}: {error}).")


def run(
    spec: AgentSpec,
    *,
    follower: Follower,
    message: str,
    context: dict[str, Any],
    history: Sequence[Turn],
    files: Sequence[Given] = (),
    **whose: Unpack[Whose],
) -> Events:
    """Run the agent and give its events, the last of which is Finished, Failed or Waiting.

    Text is no event here: it goes to ``follower.on_text``, in its place among the events. It is not ``clean`` yet, and may be empty.
    Errors are events. Cancelling the task that iterates stops the run at once. ``context`` is an API caller's addition to the message,
    ``files`` are those of the message.
    """
    return _events("run", spec, follower=follower, **whose, message=message, context=context, history=history, files=files)


def resume(
    spec: AgentSpec,
    *,
    follower: Follower,
    output: dict[str, Any],
    answers: Sequence[Answer],
    history: Sequence[Turn],
    files: Sequence[Given] = (),
    **whose: Unpack[Whose],
) -> Events:
    """Go on with a run that waits. ``output`` is the stored ``Waiting.output``, ``answers`` has one for each of its requirements."""
    return _events("resume", spec, follower=follower, **whose, output=output, answers=answers, history=history, files=files)


async def close() -> None:
    """Close what this event loop's runs have shared: the clients of the models, and the processes in which tools run code."""
    await python.close()
    if close_models := getattr(sys.modules.get(_MODELS), "close", None):  # none while it is still being imported
        await close_models()


def _streaming() -> ModuleType:
    return import_module(_STREAMING)


def _running(spec: AgentSpec) -> ModuleType:
    """Return the module that runs such an agent."""
    return import_module(_STEPS) if spec.kind == DjangoAgent.Kind.STEPS else _streaming()


def _events(what: str, spec: AgentSpec, **how: Any) -> Events:
    if _STREAMING not in sys.modules or not engine().ok:
        return _after_loading(what, spec, how)
    events: Events = getattr(_running(spec), what)(spec, **how)
    return events


async def _after_loading(what: str, spec: AgentSpec, how: dict[str, Any]) -> Events:
    """Load Agno in a thread, so that nobody else waits for it."""
    state = await asyncio.to_thread(engine)
    if not state.ok:
        yield Failed("agent_unavailable", state.reason)
        return
    async with aclosing(getattr(_running(spec), what)(spec, **how)) as events:
        async for event in events:
            yield event
