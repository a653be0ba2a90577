"""The door to Agno, which takes a second to import: loaded at the first use, and an installation where it does not load still serves its pages."""

import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

from agentos.agents.blueprints import Blueprint
from agentos.agents.events import Event, Failed
from agentos.agents.history import Turn
from agentos.agents.runtime.approvals import Answer

_STREAMING = "agentos.agents.runtime.streaming"
_MODELS = "agentos.agents.runtime.models"


@dataclass(frozen=True, slots=True)
class EngineState:
    """``reason`` is a sentence for the operator; empty when Agno is there."""

    ok: bool
    reason: str = ""
    version: str = ""


@cache
def engine() -> EngineState:
    """Return whether Agno can be used, loading it at the first call: call it in a thread when the server starts. Never raises."""
    try:
        _streaming()
        return EngineState(True, version=metadata.version("agno"))
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises
        return EngineState(False, f"Agno cannot be loaded ({type(error).__name__}: {error}).")


def run(
    blueprint: Blueprint, *, run_id: str, user_id: str, session_id: str, message: str, context: dict[str, Any], history: Sequence[Turn]
) -> AsyncGenerator[Event, None]:
    """Run the agent and give its events, the last of which is Finished, Failed or Waiting.

    Errors are events. Cancelling the task that iterates stops the run at once. ``context`` is an API caller's addition to the message.
    """
    state = engine()
    if not state.ok:
        return _unavailable(state)
    events: AsyncGenerator[Event, None] = _streaming().run(
        blueprint, run_id=run_id, user_id=user_id, session_id=session_id, message=message, context=context, history=history
    )
    return events


def resume(
    blueprint: Blueprint, *, run_id: str, user_id: str, session_id: str, output: dict[str, Any], answers: Sequence[Answer], history: Sequence[Turn]
) -> AsyncGenerator[Event, None]:
    """Go on with a run that waits. ``output`` is the stored ``Waiting.output``, ``answers`` has one for each of its requirements."""
    state = engine()
    if not state.ok:
        return _unavailable(state)
    events: AsyncGenerator[Event, None] = _streaming().resume(
        blueprint, run_id=run_id, user_id=user_id, session_id=session_id, output=output, answers=answers, history=history
    )
    return events


async def close() -> None:
    """Close what this event loop's runs have shared: the clients of the models."""
    if _MODELS in sys.modules:
        await sys.modules[_MODELS].close()


def _streaming() -> ModuleType:
    return import_module(_STREAMING)


async def _unavailable(state: EngineState) -> AsyncGenerator[Event, None]:
    yield Failed("agent_unavailable", state.reason)
