"""The answer as it is shown: parts in their order, folded from the events of a run. The same fold makes the stored
answer, the page in the middle of a run, and what a live tab ends up with.

A part is a dict, kept as JSON on the run:
``{"kind": "text" | "reasoning", "text": ...}`` or
``{"kind": "tool", "call_id", "name", "args", "status": "running" | "finished" | "failed", "result", "seconds"}``, and where a person
has decided on the call, ``decision``, ``decided_by``, ``note`` and ``changed`` (agents/events.py: ToolStarted). ``shown``: what the tool
shows people.
``{"kind": "delegation", "call_id", "by", "name", "task", "status", "result", "seconds", "parts": [...]}`` is what a member of a team does,
with parts of its own inside; ``by`` is its agent's id, ``result`` why it failed.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

Part = dict[str, Any]
DECIDED = ("decision", "decided_by", "note", "changed")
DELTAS = frozenset({"text", "reasoning"})
PLACE = frozenset({"within", "by"})
OPEN = frozenset({"running", "waiting"})  # statuses of what goes on


def add(parts: list[Part], kind: str, data: dict[str, Any]) -> int:
    """Fold one event into ``parts`` and return the index of the part that it touched, -1 for none."""
    if within := data.get("within"):
        index = delegation(parts, within)
        if index >= 0:
            add(parts[index]["parts"], kind, own(data))
        return index
    fold_in = _FOLDS.get(kind)
    return fold_in(parts, kind, data) if fold_in else -1


def own(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an event inside a delegation as of one outside."""
    return {name: value for name, value in data.items() if name not in PLACE}


def _say(parts: list[Part], kind: str, data: dict[str, Any]) -> int:
    if not parts or parts[-1]["kind"] != kind:
        parts.append({"kind": kind, "text": ""})
    parts[-1]["text"] += data["text"]
    return len(parts) - 1


def _rethink(parts: list[Part], _kind: str, _data: dict[str, Any]) -> int:
    if not parts or parts[-1]["kind"] != "text":
        return -1
    parts[-1]["kind"] = "reasoning"
    return len(parts) - 1


def _start_tool(parts: list[Part], _kind: str, data: dict[str, Any]) -> int:
    parts.append(
        {
            "kind": "tool",
            "call_id": data["call_id"],
            "name": data["name"],
            "args": data["args"],
            "status": "running",
            "result": "",
            "seconds": None,
            **{name: data[name] for name in DECIDED if name in data},
        }
    )
    return len(parts) - 1


def _delegate(parts: list[Part], kind: str, data: dict[str, Any]) -> int:
    """A member begins, goes on, or ends."""
    index = delegation(parts, data["call_id"])
    if kind == "delegation_ended":
        if index >= 0:
            status = "failed" if data.get("error") else "finished"
            parts[index] |= {"status": status, "result": data.get("error", ""), "seconds": data.get("seconds")}
        return index
    if index >= 0:
        parts[index]["status"] = "running"
        return index
    about = {name: data[name] for name in ("call_id", "by", "name", "task")}
    parts.append({"kind": "delegation", **about, "status": "running", "result": "", "seconds": None, "parts": []})
    return len(parts) - 1


def delegation(parts: list[Part], call_id: str) -> int:
    """Return where the last delegation of this id is, -1 for nowhere."""
    places = (
        index for index in range(len(parts) - 1, -1, -1) if parts[index]["kind"] == "delegation" and parts[index]["call_id"] == call_id
    )
    return next(places, -1)


def _end_tool(parts: list[Part], kind: str, data: dict[str, Any]) -> int:
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if part["kind"] == "tool" and part["call_id"] == data["call_id"]:
            part["status"] = "finished" if kind == "tool_finished" else "failed"
            part["result"] = data.get("result", data.get("error", ""))
            part["seconds"] = data.get("seconds")
            if data.get("shown"):
                part["shown"] = data["shown"]
            return index
    return -1


_FOLDS: Mapping[str, Callable[[list[Part], str, dict[str, Any]], int]] = MappingProxyType(
    {
        "text": _say,
        "reasoning": _say,
        "rethought": _rethink,
        "tool_started": _start_tool,
        "tool_finished": _end_tool,
        "tool_failed": _end_tool,
        "delegated": _delegate,
        "delegation_ended": _delegate,
    }
)


def end_open_tools(parts: list[Part]) -> None:
    """Mark tools that never answered, once their run has ended: no spinner outlives its run."""
    for part in parts:
        if part["kind"] == "delegation":
            end_open_tools(part["parts"])
            if part["status"] in OPEN:
                part["status"], part["result"] = "failed", "The run ended before this agent was done."
        elif part["kind"] == "tool" and part["status"] == "running":
            part["status"] = "failed"
            part["result"] = "The run ended before this tool answered."


def wait_for_people(parts: list[Part]) -> None:
    """Mark the delegations that a waiting run has open: their agents wait for somebody, or for the others."""
    for part in parts:
        if part["kind"] == "delegation" and part["status"] == "running":
            part["status"] = "waiting"


def fold(events: Iterable[tuple[str, dict[str, Any]]]) -> list[Part]:
    parts: list[Part] = []
    for kind, data in events:
        add(parts, kind, data)
    return parts


def text_of(parts: list[Part]) -> str:
    """Return the answer's own text, without reasoning and tools; parts of text are set apart as paragraphs."""
    return "\n\n".join(part["text"].strip() for part in parts if part["kind"] == "text" and part["text"].strip())


def as_call(part: Part) -> Part:
    """Return a delegation as the tool call that it is for readers who know of no members; any other part as it is."""
    if part["kind"] != "delegation":
        return part
    return {
        "kind": "tool",
        "call_id": part["call_id"],
        "name": "delegate_task_to_member",
        "args": {"member_id": part["by"], "task": part["task"]},
        "status": "running" if part["status"] in OPEN else part["status"],
        "result": part["result"] or text_of(part["parts"]),
        "seconds": part["seconds"],
    }


INSIDE = 1000  # places of an answer, before those inside its first delegation


def place_in(index: int) -> int:
    """Return the place of the first part inside the delegation at ``index``."""
    return (index + 1) * INSIDE


def part_at(parts: list[Part], place: int) -> Part | None:
    """Return the part at a place, which may be inside a delegation; None when there is none."""
    outer, inner = divmod(place, INSIDE)
    inside = (parts[outer - 1].get("parts", []) if outer <= len(parts) else []) if outer else parts
    return inside[inner] if inner < len(inside) else None
