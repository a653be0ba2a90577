"""The events that complete an answer of which a reader has a part."""

from collections.abc import Iterator, Sequence
from typing import Any

from agentos.chat.live.parts import DELTAS, OPEN, Part

EventData = tuple[str, dict[str, Any]]


def events_between(seen: Sequence[Part], now: Sequence[Part]) -> Iterator[EventData]:
    """Yield the events that make ``seen`` into ``now``, its continuation: folded into ``seen`` they give ``now``."""
    for index, part in enumerate(now):
        before = seen[index] if index < len(seen) else None
        tell = _text if part["kind"] in DELTAS else _delegation if part["kind"] == "delegation" else _tool
        yield from tell(before, part)


def _text(before: Part | None, part: Part) -> Iterator[EventData]:
    if before and before["kind"] != part["kind"]:
        yield "rethought", {"text": ""}
    more = part["text"][len(before["text"]) if before else 0 :]
    if more:
        yield part["kind"], {"text": more}


def _tool(before: Part | None, part: Part) -> Iterator[EventData]:
    if before is None:
        yield "tool_started", {name: part[name] for name in ("call_id", "name", "args")}
    if part["status"] == "running" or (before and before["status"] != "running"):
        return
    said = {name: part[name] for name in ("call_id", "name", "seconds")}
    if part["status"] == "finished":
        shown = {"shown": part["shown"]} if part.get("shown") else {}
        yield "tool_finished", {**said, "result": part["result"], **shown}
    else:
        yield "tool_failed", {**said, "error": part["result"]}


def _delegation(before: Part | None, part: Part) -> Iterator[EventData]:
    """What happened inside it says where it belongs."""
    if before is None or (before["status"] == "waiting" and part["status"] != "waiting"):
        yield "delegated", {name: part[name] for name in ("call_id", "by", "name", "task")}
    place = {"within": part["call_id"], "by": part["by"]}
    for kind, data in events_between(before["parts"] if before else (), part["parts"]):
        yield kind, {**data, **place}
    if part["status"] not in OPEN and (before is None or before["status"] in OPEN):
        yield "delegation_ended", {"call_id": part["call_id"], "seconds": part["seconds"], "error": part["result"]}
