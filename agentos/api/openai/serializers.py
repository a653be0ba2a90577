"""Serializes an answer for OpenAI's clients, whole or as chunks.

A call of one of the agent's tools has already happened when a client hears of it. It is listed in ``agent_events``, a field that
clients which do not know it ignore, under the names of our own events; never as ``tool_calls``, which a client would set about to
execute. Each event has an ``index``: the openai packages put a streamed answer together from its deltas, and entries of lists by that
alone. What the model thought goes into ``reasoning_content``, as other servers have it.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from django.http import HttpRequest

from agentos.api.openai.errors import shape
from agentos.api.openai.parsing import AgentRequest
from agentos.api.openai.schemas import Answer, Choice, Completion, Usage
from agentos.chat.knowledge import CITED, address_of, sources_in
from agentos.chat.live.parts import Part, as_call
from agentos.chat.models import Run
from agentos.core.http import sse
from agentos.core.http.errors import Problem

DONE = sse.frame("[DONE]")
ALIVE = b": still there\n\n"

CALLS = frozenset({"tool", "delegation"})

Delta = dict[str, Any]
FinishReason = Literal["stop", "length", "content_filter"]


def site_of(request: HttpRequest) -> str:
    """Return the address of this site, for what a client may open."""
    return request.build_absolute_uri("/").rstrip("/")


def citations(text: str, parts: Sequence[Part], site: str) -> list[dict[str, Any]]:
    """Return where a text names sources of its answer, as [1] or [1, 2]: a passage of a document each, and its address."""
    sources = {source.n: source for source in sources_in(parts)} if "[" in text else {}
    found = [(place, sources[n]) for place in CITED.finditer(text) for n in map(int, place[1].split(",")) if n in sources]
    return [
        {"start_index": place.start(), "end_index": place.end(), "title": source.title, "url": f"{site}{address_of(source)}"}
        for place, source in found
    ]


def annotations(run: Run, site: str) -> list[dict[str, Any]]:
    return [{"type": "url_citation", "url_citation": each} for each in citations(run.answer, run.parts, site)]


def completion(run: Run, site: str = "") -> Completion:
    """Return the finished answer."""
    thoughts = "\n\n".join(part["text"].strip() for part in run.parts if part["kind"] == "reasoning")
    happened: list[Any] = [event for part in map(as_call, run.parts) if part["kind"] == "tool" for event in (_started(part), _ended(part))]
    events: list[Any] = [{"index": index, **event} for index, event in enumerate(happened)]
    cited: Any = annotations(run, site) or None
    answer = Answer(content=run.answer, reasoning_content=thoughts or None, agent_events=events or None, annotations=cited)
    return Completion(
        **_head(run),
        choices=[Choice(message=answer, finish_reason=finish_of(run))],
        usage=Usage(**usage(run)),
        session_id=None if run.session.is_ephemeral else run.session.session_id,
    )


def finish_of(run: Run) -> FinishReason:
    """Return why the answer ends; OpenAI has no word for one of which nobody knows whether it is whole."""
    if run.cut == "content_filter":
        return "content_filter"
    return "length" if run.cut else "stop"


def usage(run: Run) -> dict[str, Any]:
    """Tokens of all requests to the model that the answer took."""
    return {
        "prompt_tokens": run.input_tokens,
        "completion_tokens": run.output_tokens,
        "total_tokens": run.input_tokens + run.output_tokens,
        "prompt_tokens_details": {"cached_tokens": run.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": run.reasoning_tokens},
    }


def _head(run: Run) -> dict[str, Any]:
    return {"id": f"chatcmpl-{run.run_id}", "created": int(run.created_at.timestamp()), "model": run.session.agent.agent_id}


class ChunkWriter:
    """The frames of one stream."""

    def __init__(self, run: Run, asked: AgentRequest, site: str = "") -> None:
        self.site = site
        self.head = {"object": "chat.completion.chunk", **_head(run)}
        if not run.session.is_ephemeral:
            self.head["session_id"] = run.session.session_id
        self.include_usage = asked.include_usage
        self.deltas = DeltaSource()

    def start(self) -> Iterator[bytes]:
        yield self.delta({"role": "assistant", "content": ""})

    def new(self, parts: list[Part]) -> Iterator[bytes]:
        return map(self.delta, self.deltas.new(parts))

    def delta(self, delta: Delta, *, finish: str | None = None) -> bytes:
        chunk = {**self.head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        return _frame({**chunk, "usage": None} if self.include_usage else chunk)

    def finish(self, run: Run) -> Iterator[bytes]:
        if cited := annotations(run, self.site):
            yield self.delta({"annotations": [{"index": index, **each} for index, each in enumerate(cited)]})
        yield self.delta({}, finish=finish_of(run))
        if self.include_usage:
            yield _frame({**self.head, "choices": [], "usage": usage(run)})
        yield DONE

    def fail(self, problem: Problem) -> Iterator[bytes]:
        """An error in the middle of a stream ends it: the openai package raises it."""
        yield _frame(shape(problem.status, problem.sentence, problem.code, ""))


def _frame(content: dict[str, Any]) -> bytes:
    return sse.frame(json.dumps(content, ensure_ascii=False, separators=(",", ":")))


class DeltaSource:
    """Turns a growing answer into deltas: gives each piece once. The deltas' ``content`` together is the answer."""

    def __init__(self) -> None:
        self.sent: list[int] = []  # of each part: characters of a text, 1 and 2 for a tool that has started and ended
        self.first = 0  # part that may still have something new
        self.events = 0
        self.spoken: set[str] = set()

    def new(self, parts: list[Part]) -> Iterator[Delta]:
        self.sent += [0] * (len(parts) - len(self.sent))
        for index in range(self.first, len(parts)):
            if parts[index]["kind"] in CALLS:
                yield from self._tool(as_call(parts[index]), index)
            else:
                yield from self._text(parts[index], index)
        while self.first < len(parts) - 1 and self._is_over(parts[self.first], self.first):
            self.first += 1

    def _is_over(self, part: Part, index: int) -> bool:
        return part["kind"] not in CALLS or self.sent[index] > 1

    def _text(self, part: Part, index: int) -> Iterator[Delta]:
        new = part["text"][self.sent[index] :]
        if not new:
            return
        kind = part["kind"]
        apart = "\n\n" if kind in self.spoken and not self.sent[index] else ""  # parts of text are paragraphs of the answer
        self.spoken.add(kind)
        self.sent[index] += len(new)
        yield {"content" if kind == "text" else "reasoning_content": apart + new}

    def _tool(self, part: Part, index: int) -> Iterator[Delta]:
        if self.sent[index] == 0:
            yield self._event(_started(part))
            self.sent[index] = 1
        if self.sent[index] == 1 and part["status"] != "running":
            yield self._event(_ended(part))
            self.sent[index] = 2

    def _event(self, event: Delta) -> Delta:
        self.events += 1
        return {"agent_events": [{"index": self.events - 1, **event}]}


def _started(part: Part) -> Delta:
    return {"kind": "tool_started", "call_id": part["call_id"], "name": part["name"], "args": part["args"]}


def _ended(part: Part) -> Delta:
    failed = part["status"] == "failed"
    return {
        "kind": "tool_failed" if failed else "tool_finished",
        "call_id": part["call_id"],
        "name": part["name"],
        "error" if failed else "result": part["result"],
        "seconds": part["seconds"],
    }
