"""A run that waits for a person: what it asks for, what is stored of it, and how it is built again from that alone."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agno.metrics import RunMetrics
from agno.models.message import Message
from agno.models.response import ToolExecution
from agno.run.agent import RunOutput

from agentos.agents.events import Event, ToolFailed, ToolFinished, ToolStarted
from agentos.agents.runtime import approvals, call_context
from agentos.agents.runtime.approvals import Answer
from agentos.agents.runtime.text import bounded, clean, jsonable

ASK = "get_user_input"  # Agno's tool whose arguments are the form

# The history and the user's input are elsewhere already.
STORED = ("run_id", "session_id", "user_id", "agent_id", "status", "messages", "tools")


def stored(output: RunOutput) -> dict[str, Any]:
    """Return the paused run as JSON."""
    data = output.to_dict()
    return dict(jsonable({name: data[name] for name in STORED if name in data}))


def requirements(output: RunOutput) -> list[dict[str, Any]]:
    """Return what a person is asked, one entry a tool call."""
    waiting = [tool for tool in output.tools or () if tool.is_paused]
    return [_requirement(tool) | ({"lasting": True} if call_context.is_lasting(tool.tool_name or "") else {}) for tool in waiting]


def rebuilt(output: Mapping[str, Any], answers: Sequence[Answer], history: list[Message]) -> tuple[RunOutput, list[Answer]]:
    """Return the run with the answers in it, ready to go on, and the answers as they were understood. Raises BadAnswer.

    What is called with which arguments comes from ``output``, the stored run. The answers are set on its tools, which is where
    Agno looks: its list of requirements would be a second copy after the way through JSON, and is not stored.
    """
    run = RunOutput.from_dict(copy.deepcopy(dict(output)))
    waiting = [tool for tool in run.tools or () if tool.is_paused]
    # Whether an approval may last was checked when the answer was stored.
    understood = approvals.check([_requirement(tool) for tool in waiting], [replace(answer, lasting=False) for answer in answers])
    for tool in waiting:
        _answer(tool, understood[tool.tool_call_id or ""], run.messages or [])
    messages = run.messages or []
    first = 1 if messages and messages[0].role == "system" else 0
    run.messages = [*messages[:first], *history, *messages[first:]]
    run.metrics = RunMetrics()
    return run, [understood[tool.tool_call_id or ""] for tool in waiting]


def decided(run: RunOutput, answers: Sequence[Answer]) -> list[Event]:
    """Return the events of the calls that a person has decided without a tool being run; Agno has none for them."""
    events: list[Event] = []
    by_call = {answer.call_id: answer for answer in answers}
    for tool in run.tools or ():
        answer = by_call.get(tool.tool_call_id or "")
        if answer is None or not tool.is_paused or (answer.confirmed and tool.tool_name != ASK):
            continue
        name = clean(tool.tool_name or "")
        events.append(ToolStarted(answer.call_id, name, _requirement(tool)["args"]))
        if answer.confirmed:
            said = "\n".join(f"{key}: {'' if value is None else value}" for key, value in answer.values.items())
            events.append(ToolFinished(answer.call_id, name, bounded(said)))
        else:
            events.append(ToolFailed(answer.call_id, name, refusal(answer)))
    return events


def _requirement(tool: ToolExecution) -> dict[str, Any]:
    return {
        "call_id": tool.tool_call_id or "",
        "kind": approvals.INPUT if tool.requires_user_input else approvals.CONFIRM,
        "name": tool.tool_name or "",
        "args": jsonable({} if tool.tool_name == ASK else tool.tool_args or {}),
        "fields": [
            {
                "name": name,
                "type": getattr(item.field_type, "__name__", "str"),
                "description": item.description or "",
                "value": jsonable(item.value),
            }
            for name, item in _fields(tool).items()
        ],
    }


def _fields(tool: ToolExecution) -> dict[str, Any]:
    """Return the fields by name; a model may have left a name out, or given one twice."""
    found: dict[str, Any] = {}
    for number, item in enumerate(tool.user_input_schema or (), start=1):
        name = " ".join(str(item.name or "").split())
        found[name if name and name not in found else f"field {number}"] = item
    return found


def _answer(tool: ToolExecution, answer: Answer, messages: Sequence[Message]) -> None:
    if tool.requires_user_input and answer.confirmed:
        for name, item in _fields(tool).items():
            item.value = answer.values.get(name)
        return
    # A form that is declined is refused like any call; Agno would otherwise go on with empty values.
    tool.requires_user_input, tool.requires_confirmation = None, True
    tool.confirmed = answer.confirmed
    tool.confirmation_note = None if answer.confirmed else refusal(answer)
    if answer.arguments:
        tool.tool_args = {**(tool.tool_args or {}), **answer.arguments}
        _rewrite(messages, tool)


def _rewrite(messages: Sequence[Message], tool: ToolExecution) -> None:
    """Let the model read the call as it is made: it would otherwise tell of what a person has changed."""
    for message in messages:
        for call in message.tool_calls or ():
            if call.get("id") == tool.tool_call_id and isinstance(call.get("function"), dict):
                call["function"] = {**call["function"], "arguments": json.dumps(tool.tool_args, ensure_ascii=False)}


def refusal(answer: Answer) -> str:
    return f"{approvals.REFUSED} {answer.note}".strip()
