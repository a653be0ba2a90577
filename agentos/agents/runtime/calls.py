"""Tool calls as models send them, put together and made fit to be called: each with an id of its own, its arguments in one piece.

What servers of OpenAI's protocol send differs: the same id or index for several calls, none at all, arguments in pieces, whole, or
each time from their beginning again.
"""

import json
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from agno.models.message import Message
from agno.tools.function import Function, FunctionCall, FunctionExecutionResult

from agentos.agents.runtime.text import clean

ID_LENGTH = 9  # some servers of Mistral's models take ids of exactly nine letters and digits

Call = dict[str, Any]


@dataclass
class _Call:
    id: str = ""
    index: int | None = None
    names: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)


def assembled(deltas: Iterable[Any], tools: Collection[str]) -> list[Call]:
    """Put the calls together that came in the deltas of one answer. ``tools``: the names that the agent has."""
    calls: list[_Call] = []
    for delta in deltas:
        function = getattr(delta, "function", None)
        name, arguments = getattr(function, "name", None) or "", getattr(function, "arguments", None) or ""
        call = _call_of(calls, delta.index, delta.id or "", name, arguments)
        call.id = call.id or delta.id or ""
        if name:
            call.names.append(name)
        if arguments:
            call.arguments.append(arguments)
    return [_whole(call, tools) for call in calls if call.names or call.arguments]


def _call_of(calls: list[_Call], index: int | None, call_id: str, name: str, arguments: str) -> _Call:
    """Return the call that a delta belongs to, which may be a new one."""
    if index is not None:
        known = next((call for call in reversed(calls) if call.index == index), None)
    elif call_id:
        known = next((call for call in reversed(calls) if call.id == call_id), None)
    else:
        known = calls[-1] if calls else None
    if known is None or _is_another(known, index, call_id, name, arguments):
        known = _Call(index=index)
        calls.append(known)
    return known


def _is_another(call: _Call, index: int | None, call_id: str, name: str, arguments: str) -> bool:
    """Whether a delta that names the place or the id of ``call`` begins another call all the same."""
    if not name or not call.names:
        return False
    if call_id and call.id and call_id != call.id:
        return True
    so_far = "".join(call.arguments)
    if index is None and not call_id and not so_far:
        return True
    return so_far != "{}" and _is_whole(so_far) and bool(arguments) and not arguments.startswith(so_far)


def _whole(call: _Call, tools: Collection[str]) -> Call:
    joined = "".join(call.names)
    name = next((name for name in (joined, call.names[-1] if call.names else "", *call.names) if name in tools), joined)
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": _arguments(call.arguments)}}


def _arguments(pieces: list[str]) -> str:
    """Return the arguments: what the pieces are together, or the last of them where each began anew."""
    joined = "".join(pieces)
    if not joined.strip() or _is_whole(joined):
        return joined if joined.strip() else "{}"
    later = [piece for piece in pieces if piece.strip() not in {"{}", "null"}]
    tries = ("".join(later), pieces[-1], later[-1] if later else "")
    return next((text for text in tries if text and _is_whole(text)), joined)


def _is_whole(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def with_own_ids(calls: list[Call], messages: Iterable[Message]) -> list[Call]:
    """Give each call an id that no other one of this answer, or of the ``messages`` before it, has."""
    used = {call.get("id") for message in messages for call in message.tool_calls or ()}
    for call in calls:
        if not call.get("id") or call["id"] in used:
            call["id"] = uuid.uuid4().hex[:ID_LENGTH]
        used.add(call["id"])
    return calls


class RefusedCall(FunctionCall):
    """A call that cannot be made, in place of one that Agno would only tell the model of: it fails with the same words, and people
    see it."""

    async def aexecute(self) -> FunctionExecutionResult:
        return FunctionExecutionResult(status="failure", error=self.error)


def refused(message: Message, arguments: str) -> FunctionCall:
    """Return the call that ``message`` refuses."""
    function = Function(name=message.tool_name or "", skip_entrypoint_processing=True)
    reason = clean(str(message.content))
    return RefusedCall(function=function, call_id=message.tool_call_id, arguments=_shown(arguments), error=reason)


def _shown(arguments: str) -> dict[str, Any]:
    """Return arguments as they can be shown, readable or not."""
    try:
        read = json.loads(arguments or "{}")
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"arguments": clean(arguments)}
