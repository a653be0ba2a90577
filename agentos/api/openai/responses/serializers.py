"""A run as a response, and as the events of its stream.

``output`` has an item for each stretch of thought and of text, in their order. A call of one of the agent's tools has already happened
when a client hears of it, so it is no item, which a client would set about to execute: it is listed in ``agent_events``.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from agentos.agents.efforts import QUICK, THOROUGH
from agentos.api.openai.outcomes import problem_of
from agentos.api.openai.serializers import Delta, DeltaSource, citations
from agentos.chat.live.parts import Part
from agentos.chat.models import Run
from agentos.core.http import sse
from agentos.core.http.errors import Problem

STATUS = {
    Run.Status.QUEUED: "queued",
    Run.Status.RUNNING: "in_progress",
    Run.Status.WAITING: "incomplete",
    Run.Status.COMPLETED: "completed",
    Run.Status.FAILED: "failed",
    Run.Status.INTERRUPTED: "failed",
    Run.Status.STOPPED: "cancelled",
}
EFFORTS = {QUICK: "low", THOROUGH: "high"}
CUT = {"length": "max_output_tokens", "unfinished": "max_output_tokens", "content_filter": "content_filter"}  # by OpenAI's names
TEXT = {"type": "text"}

Item = dict[str, Any]
Event = tuple[str, dict[str, Any]]  # type, and what it says beside


def id_of(run: Run) -> str:
    return f"resp_{key_of(run)}"


def key_of(run: Run) -> str:
    """What the ids of a run, of its response and of the response's items have in common."""
    return run.run_id.partition("_")[2]


class Items:
    """The items of an answer, made of the deltas of a ``DeltaSource``, with the events that say how they grow."""

    def __init__(self, run: Run, site: str = "") -> None:
        self.key = key_of(run)
        self.site = site
        self.parts: Sequence[Part] = ()  # of the answer so far, in which its sources are
        self.items: list[Item] = []
        self.agent_events: list[Any] = []
        self.text = ""  # of the item that grows
        self.is_open = False

    def take(self, delta: Delta) -> Iterator[Event]:
        self.agent_events += delta.get("agent_events", [])
        for name, kind in (("reasoning_content", "reasoning"), ("content", "message")):
            if text := delta.get(name):
                if not self.is_open or self.items[-1]["type"] != kind:
                    yield from self.close()
                    yield from self._open(kind)
                self.text += text
                yield f"{_prefix(kind)}.delta", {**self._place(), "delta": text, **_probabilities(kind)}

    def close(self) -> Iterator[Event]:
        """End the item that grows, if one does."""
        if not self.is_open:
            return
        item, self.is_open = self.items[-1], False
        kind = item["type"]
        part = _part(kind, self.text)
        if kind == "message":
            for number, cited in enumerate(citations(self.text, self.parts, self.site)):
                part["annotations"].append({"type": "url_citation", **cited})
                about = {"annotation_index": number, "annotation": part["annotations"][-1]}
                yield "response.output_text.annotation.added", {**self._place(), **about}
        yield f"{_prefix(kind)}.done", {**self._place(), "text": self.text, **_probabilities(kind)}
        yield f"{_part_event(kind)}.done", {**self._place(), "part": part}
        item["summary" if kind == "reasoning" else "content"] = [part]
        if kind == "message":
            item["status"] = "completed"
        yield "response.output_item.done", {"output_index": len(self.items) - 1, "item": item}

    def _open(self, kind: str) -> Iterator[Event]:
        number = len(self.items)
        if kind == "reasoning":
            item: Item = {"id": f"rs_{self.key}_{number}", "type": kind, "summary": []}
        else:
            item = {"id": f"msg_{self.key}_{number}", "type": kind, "status": "in_progress", "role": "assistant", "content": []}
        self.items.append(item)
        self.text, self.is_open = "", True
        yield "response.output_item.added", {"output_index": number, "item": item}
        yield f"{_part_event(kind)}.added", {**self._place(), "part": _part(kind, "")}

    def _place(self) -> dict[str, Any]:
        item = self.items[-1]
        index = "summary_index" if item["type"] == "reasoning" else "content_index"
        return {"item_id": item["id"], "output_index": len(self.items) - 1, index: 0}


def _prefix(kind: str) -> str:
    return "response.reasoning_summary_text" if kind == "reasoning" else "response.output_text"


def _part_event(kind: str) -> str:
    return "response.reasoning_summary_part" if kind == "reasoning" else "response.content_part"


def _part(kind: str, text: str) -> dict[str, Any]:
    if kind == "reasoning":
        return {"type": "summary_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _probabilities(kind: str) -> dict[str, Any]:
    return {} if kind == "reasoning" else {"logprobs": []}


def items_of(run: Run, parts: list[Part] | None = None, *, site: str = "") -> Items:
    """Return the items of the answer as far as it has come."""
    items = Items(run, site)
    items.parts = run.parts if parts is None else parts
    for delta in DeltaSource().new(run.parts if parts is None else parts):
        for _ in items.take(delta):
            pass
    for _ in items.close():
        pass
    return items


def response_of(run: Run, items: Items, *, status: str = "", error: Problem | None = None) -> dict[str, Any]:
    """Return the response object. ``status`` and ``error``: where they differ from what the run says by itself."""
    now = status or ("incomplete" if run.cut else STATUS[Run.Status(run.status)])
    if now == "failed" and error is None:
        error = problem_of(run)
    incomplete = {"reason": CUT.get(run.cut, "waiting_for_approval")} if now == "incomplete" else None
    options = run.options
    body: dict[str, Any] = {
        "id": id_of(run),
        "object": "response",
        "created_at": int(run.created_at.timestamp()),
        "status": now,
        "background": bool(options.get("background")),
        "error": {"code": error.code, "message": error.sentence} if error else None,
        "incomplete_details": incomplete,
        "instructions": options.get("instructions"),
        "max_output_tokens": None,
        "metadata": options.get("metadata", {}),
        "model": run.session.agent.agent_id,
        "output": items.items,
        "parallel_tool_calls": True,
        "previous_response_id": options.get("previous"),
        "reasoning": {"effort": EFFORTS.get(run.effort), "summary": None},
        "service_tier": "default",
        "store": not run.session.is_ephemeral,
        "temperature": None,
        "text": {"format": options.get("text_format", TEXT)},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": None,
        "truncation": "disabled",
        "usage": usage(run) if run.status in Run.ENDED else None,
        "user": None,
    }
    if not run.session.is_ephemeral:
        body["session_id"] = run.session.session_id
        body["conversation"] = {"id": run.session.session_id}
    if items.agent_events:
        body["agent_events"] = items.agent_events
    return body


def usage(run: Run) -> dict[str, Any]:
    return {
        "input_tokens": run.input_tokens,
        "input_tokens_details": {"cached_tokens": run.cached_tokens},
        "output_tokens": run.output_tokens,
        "output_tokens_details": {"reasoning_tokens": run.reasoning_tokens},
        "total_tokens": run.input_tokens + run.output_tokens,
    }


class EventWriter:
    """The frames of one stream, each with its place in it."""

    def __init__(self, run: Run, site: str = "") -> None:
        self.run = run
        self.deltas = DeltaSource()
        self.items = Items(run, site)
        self.number = 0

    def start(self) -> Iterator[bytes]:
        for name in ("created", "in_progress"):
            yield self._frame(f"response.{name}", {"response": response_of(self.run, Items(self.run), status="in_progress")})

    def new(self, parts: list[Part]) -> Iterator[bytes]:
        self.items.parts = parts
        for delta in self.deltas.new(parts):
            for event in self.items.take(delta):
                yield self._frame(*event)

    def finish(self, run: Run) -> Iterator[bytes]:
        yield from self._closed()
        response = response_of(run, self.items)
        yield self._frame(f"response.{response['status']}", {"response": response})

    def fail(self, problem: Problem) -> Iterator[bytes]:
        """It ends otherwise than was hoped for; what was said is said once more, with the reason."""
        yield from self._closed()
        yield self._frame("response.failed", {"response": response_of(self.run, self.items, status="failed", error=problem)})

    def _closed(self) -> Iterator[bytes]:
        for event in self.items.close():
            yield self._frame(*event)

    def _frame(self, kind: str, said: dict[str, Any]) -> bytes:
        content = json.dumps({"type": kind, "sequence_number": self.number, **said}, ensure_ascii=False, separators=(",", ":"))
        self.number += 1
        return sse.frame(content, event=kind)
