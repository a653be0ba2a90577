"""Agno's events into ours. Text, which comes thousands of times, is dealt with in ``streaming``; the rest goes by class here.

The events of a team have the names of an agent's, in a module of their own: both are in the table, by the class itself.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from agno.models.response import ToolExecution
from agno.run import agent as agno
from agno.run import team
from agno.run.base import RunStatus

from agentos.agents import failures
from agentos.agents.events import (
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolFailed,
    ToolFinished,
    ToolStarted,
    Usage,
    Waiting,
)
from agentos.agents.runtime import call_context, conversation, delegations, pausing
from agentos.agents.runtime.delegations import Delegation, Delegations
from agentos.agents.runtime.errors import code_of_event, safe, wait_of_event
from agentos.agents.runtime.text import bounded, clean, jsonable
from agentos.agents.runtime.tools import REASONING

SPARE_REQUESTS = 2  # after its last tool step: one to answer, one more for good measure

CONTENT = frozenset({agno.RunContentEvent, team.RunContentEvent})


class Translation:
    """One run. ``end`` is its terminal event, once known; nothing that comes after it counts. ``enough``: do not read on.

    ``agents``: how many take part; a team's limits count over all of them. ``stored``: the delegations of a run that goes on.
    ``models``: those of the members, by the id of each.
    """

    def __init__(
        self,
        steps: int,
        *,
        agents: int = 1,
        stored: Mapping[str, Mapping[str, str]] | None = None,
        models: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.end: Failed | Finished | Waiting | None = None
        self.enough = False
        self.delegations = Delegations(stored)
        self._models = models
        self._requests_left = steps + SPARE_REQUESTS * agents
        self._steps_left = steps if agents > 1 else None  # of one agent Agno counts them, and tells it
        self._open: dict[tuple[str, str], tuple[str, float]] = {}
        self._used: set[str] = set()
        self._decided: dict[tuple[str, str], str] = {}

    @property
    def has_tools(self) -> bool:
        """Whether a tool was called."""
        return bool(self._used)

    def expect(self, calls: Mapping[tuple[str, str], str]) -> None:
        """Take in under which of our ids people know the calls that they have decided, by run and Agno's id."""
        self._decided.update(calls)

    def events(self, item: Any) -> Iterator[Event]:
        """Give our events for one of Agno's that is not text."""
        if self.end is None and (translate := _BY_CLASS.get(type(item))) is not None:
            yield from translate(self, item)

    def member_text(self, item: Any) -> Iterator[Event] | None:
        """Return the events of text that a member says; None when it is the answer's own."""
        place = self.delegations.of(item)
        return None if place is None else _said(item, place)

    def on_run_started(self, item: agno.RunStartedEvent) -> Iterator[Event]:
        if delegated := self.delegations.began(item):
            yield delegated

    def on_run_completed(self, item: agno.RunCompletedEvent) -> Iterator[Event]:
        yield from self.delegations.ended(item)

    def on_run_paused(self, item: agno.RunPausedEvent) -> Iterator[Event]:
        self.delegations.paused(item)
        yield from ()

    def on_request_started(self, item: agno.ModelRequestStartedEvent) -> Iterator[Event]:
        """Calls that Agno refuses beyond its limit are not counted by it, requests are by us."""
        self._requests_left -= 1
        if self._requests_left < 0:
            self.end, self.enough = Failed("tool_limit"), True
        yield from ()

    def on_request_completed(self, item: agno.ModelRequestCompletedEvent) -> Iterator[Event]:
        if item.input_tokens or item.output_tokens:
            place = self.delegations.of(item)
            yield Usage(
                item.input_tokens or 0,
                item.output_tokens or 0,
                cached=item.cache_read_tokens or 0,
                cached_anew=item.cache_write_tokens or 0,
                reasoning=item.reasoning_tokens or 0,
                told=call_context.cost(item.run_id or ""),
                model=self._models.get(getattr(item, "agent_id", None) or "", "") if place else "",
            )

    def on_tool_started(self, item: agno.ToolCallStartedEvent) -> Iterator[Event]:
        tool = item.tool
        if tool is None or tool.tool_name in REASONING:
            return
        if not self._may_call():
            self.end, self.enough = Failed("tool_limit"), True
            return
        call_id = self._open_call(item.run_id or "", tool)
        place = self.delegations.of(item)
        if place is None and _delegates(item):
            self.delegations.asked(call_id, tool)
        else:
            yield ToolStarted(call_id, clean(tool.tool_name or ""), dict(jsonable(tool.tool_args or {})), **_placed(place))

    def _may_call(self) -> bool:
        if self._steps_left is not None:
            self._steps_left -= 1
        return self._steps_left is None or self._steps_left >= 0

    def on_tool_completed(self, item: agno.ToolCallCompletedEvent) -> Iterator[Event]:
        tool = item.tool
        if tool is None or tool.tool_name in REASONING:
            return
        given = tool.tool_call_id or ""
        call_id, began = self._open.pop((item.run_id or "", given), (given, time.monotonic()))
        place = self.delegations.of(item)
        name, said = clean(tool.tool_name or ""), bounded(str(tool.result or ""))
        if place is None and _delegates(item):
            ended = self.delegations.answered(call_id)
            if ended is not None:
                yield from ended
                return
            yield ToolStarted(call_id, name, dict(jsonable(tool.tool_args or {})))  # nobody took it on, and the result says why
            yield ToolFailed(call_id, name, said)
            return
        if asks := call_context.asked(item.run_id or "", given):
            pausing.hold(tool)
            yield ToolFinished(call_id, name, bounded(asks.message), **_placed(place))
            return
        seconds = tool.metrics.duration if tool.metrics and tool.metrics.duration else time.monotonic() - began
        seconds = round(seconds, 4)
        kind = ToolFailed if tool.tool_call_error else ToolFinished
        yield kind(call_id, name, said, seconds, call_context.shown(item.run_id or "", given), **_placed(place))

    def on_reasoning_step(self, item: agno.ReasoningStepEvent) -> Iterator[Event]:
        step = item.content
        said = "\n".join(part for name in ("title", "reasoning", "result", "action") if (part := str(getattr(step, name, None) or "")))
        if said:
            yield ReasoningDelta(bounded(said) + "\n\n", **_placed(self.delegations.of(item)))

    def on_failed(self, item: agno.RunErrorEvent) -> Iterator[Event]:
        detail = safe(f"{item.content} ({item.error_type})")
        code = code_of_event(item.error_type, str(item.content or ""))
        if self.delegations.of(item) is not None:  # its leader is told, and may do without
            yield from self.delegations.ended(item, failures.sentence(code))
            return
        self.end = Failed(code, detail, wait_of_event(item.error_type))

    def on_cancelled(self, item: agno.RunCancelledEvent) -> Iterator[Event]:
        """Not our way of stopping a run. A RunCompleted follows, which is to be ignored."""
        self.end = Failed("interrupted", "Cancelled through Agno.")
        yield from ()

    def on_output(self, item: agno.RunOutput | team.TeamRunOutput) -> Iterator[Event]:
        if item.status == RunStatus.paused:
            self.end = self._waiting(item)
        elif item.status != RunStatus.completed:
            self.end = Failed("internal", f"The run ended as {item.status}.")
        elif item.content or item.tools or item.reasoning_content or call_context.has_made():
            self.end = Finished(_with_words(conversation.kept(item.messages or [])))
        else:
            self.end = Failed("model_empty")
        yield from ()

    def _waiting(self, output: agno.RunOutput | team.TeamRunOutput) -> Waiting | Failed:
        if outside := pausing.outside(output):
            return Failed("agent_unavailable", f"Tools that are executed elsewhere cannot be used here: {', '.join(outside)}.")
        stored = pausing.stored(output)
        if waiting := self.delegations.stored():
            stored["delegations"] = waiting
        return Waiting(pausing.requirements(output), stored)

    def _open_call(self, run_id: str, tool: ToolExecution) -> str:
        """Return an id that is unique within the run: some providers number the calls of each request from 0 again."""
        given = tool.tool_call_id or ""
        call_id, number = self._decided.pop((run_id, given), given), 1
        while call_id in self._used or not call_id:
            number += 1
            call_id = f"{given}.{number}"
        self._used.add(call_id)
        self._open[run_id, given] = (call_id, time.monotonic())
        return call_id


def _with_words(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say of an answer that is pictures alone that it was: some providers refuse a message without words in what was said before."""
    for message in messages if call_context.has_made() else ():
        if message["role"] == "assistant" and not message.get("content") and not message.get("tool_calls"):
            message["content"] = "(a picture, which the user was shown)"
    return messages


def _delegates(item: Any) -> bool:
    return isinstance(item, team.BaseTeamRunEvent) and item.tool.tool_name in delegations.TOOLS  # type: ignore[attr-defined]


def _placed(place: Delegation | None) -> dict[str, Any]:
    return {"within": place.call_id, "by": place.by} if place else {}


def _said(item: Any, place: Delegation) -> Iterator[Event]:
    if item.reasoning_content:
        yield ReasoningDelta(item.reasoning_content, **_placed(place))
    if item.content:
        yield TextDelta(str(item.content), **_placed(place))


# The module's, and not each translation's: bound to it they would be a circle, which only the garbage collector finds.
_BY_CLASS: dict[type, Callable[[Any, Any], Iterator[Event]]] = {
    agno.RunOutput: Translation.on_output,
    team.TeamRunOutput: Translation.on_output,
    **{
        getattr(module, name): translate
        for module in (agno, team)
        for name, translate in (
            ("RunStartedEvent", Translation.on_run_started),
            ("RunCompletedEvent", Translation.on_run_completed),
            ("RunPausedEvent", Translation.on_run_paused),
            ("ModelRequestStartedEvent", Translation.on_request_started),
            ("ModelRequestCompletedEvent", Translation.on_request_completed),
            ("ToolCallStartedEvent", Translation.on_tool_started),
            ("ToolCallCompletedEvent", Translation.on_tool_completed),
            ("ReasoningStepEvent", Translation.on_reasoning_step),
            ("RunErrorEvent", Translation.on_failed),
            ("RunCancelledEvent", Translation.on_cancelled),
        )
    },
}
