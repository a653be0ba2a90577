"""The answer as it is shown: parts in their order, folded from the events of a run. The same fold makes the stored
answer, the page in the middle of a run, and what a live tab ends up with.

A part is a dict, kept as JSON on the run:
``{"kind": "text" | "reasoning", "text": ...}`` or
``{"kind": "tool", "call_id", "name", "args", "status": "running" | "finished" | "failed", "result", "seconds"}``, and where a person
has decided on the call, ``decision``, ``decided_by``, ``note`` and ``changed`` (agents/events.py: ToolStarted). ``shown``: what the tool
shows people.
"""

from collections.abc import Iterable
from typing import Any

Part = dict[str, Any]
DECIDED = ("decision", "decided_by", "note", "changed")
DELTAS = frozenset({"text", "reasoning"})


def add(parts: list[Part], kind: str, data: dict[str, Any]) -> int:
    """Fold one event into ``parts`` and return the index of the part that it touched, -1 for none."""
    if kind in DELTAS:
        if not parts or parts[-1]["kind"] != kind:
            parts.append({"kind": kind, "text": ""})
        parts[-1]["text"] += data["text"]
        return len(parts) - 1
    if kind == "tool_started":
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
    if kind in {"tool_finished", "tool_failed"}:
        return _end_tool(parts, kind, data)
    if kind == "rethought" and parts and parts[-1]["kind"] == "text":
        parts[-1]["kind"] = "reasoning"
        return len(parts) - 1
    return -1


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


def end_open_tools(parts: list[Part]) -> None:
    """Mark tools that never answered, once their run has ended: no spinner outlives its run."""
    for part in parts:
        if part["kind"] == "tool" and part["status"] == "running":
            part["status"] = "failed"
            part["result"] = "The run ended before this tool answered."


def fold(events: Iterable[tuple[str, dict[str, Any]]]) -> list[Part]:
    parts: list[Part] = []
    for kind, data in events:
        add(parts, kind, data)
    return parts


def text_of(parts: list[Part]) -> str:
    """Return the answer's own text, without reasoning and tools; parts of text are set apart as paragraphs."""
    return "\n\n".join(part["text"].strip() for part in parts if part["kind"] == "text" and part["text"].strip())
