"""Agno's events into ours. Text, which comes thousands of times, is dealt with in ``streaming``; the rest goes by class here."""

import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from agno.models.response import ToolExecution
from agno.run import agent as agno
from agno.run.base import RunStatus

from agentos.agents.events import Event, Failed, Finished, ReasoningDelta, ToolFailed, ToolFinished, ToolStarted, Usage, Waiting
from agentos.agents.runtime import call_context, conversation, pausing
from agentos.agents.runtime.errors import code_of_event, safe, wait_of_event
from agentos.agents.runtime.text import bounded, clean, jsonable
from agentos.agents.runtime.tools import REASONING

SPARE_REQUESTS = 2  # after its last tool step: one to answer, one more for good measure


class Translation:
    """One run. ``end`` is its terminal event, once known; nothing that comes after it counts. ``enough``: do not read on."""

    def __init__(self, steps: int) -> None:
        self.end: Failed | Finished | Waiting | None = None
        self.enough = False
        self._requests_left = steps + SPARE_REQUESTS
        self._open: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()

    @property
    def has_tools(self) -> bool:
        """Whether a tool was called."""
        return bool(self._used)

    def events(self, item: Any) -> Iterator[Event]:
        """Give our events for one of Agno's that is not text."""
        if self.end is None and (translate := self._BY_CLASS.get(type(item))) is not None:
            yield from translate(self, item)

    def _request_started(self, item: agno.ModelRequestStartedEvent) -> Iterator[Event]:
        """Calls that Agno refuses beyond its limit are not counted by it, requests are by us."""
        self._requests_left -= 1
        if self._requests_left < 0:
            self.end, self.enough = Failed("tool_limit"), True
        yield from ()

    def _request_completed(self, item: agno.ModelRequestCompletedEvent) -> Iterator[Event]:
        if item.input_tokens or item.output_tokens:
            yield Usage(item.input_tokens or 0, item.output_tokens or 0)

    def _tool_started(self, item: agno.ToolCallStartedEvent) -> Iterator[Event]:
        tool = item.tool
        if tool is not None and tool.tool_name not in REASONING:
            yield ToolStarted(self._open_call(tool), clean(tool.tool_name or ""), dict(jsonable(tool.tool_args or {})))

    def _tool_completed(self, item: agno.ToolCallCompletedEvent) -> Iterator[Event]:
        tool = item.tool
        if tool is None or tool.tool_name in REASONING:
            return
        call_id, began = self._open.pop(tool.tool_call_id or "", (tool.tool_call_id or "", time.monotonic()))
        seconds = tool.metrics.duration if tool.metrics and tool.metrics.duration else time.monotonic() - began
        name, said, seconds = clean(tool.tool_name or ""), bounded(str(tool.result or "")), round(seconds, 4)
        kind = ToolFailed if tool.tool_call_error else ToolFinished
        yield kind(call_id, name, said, seconds, call_context.shown(name, said))

    def _reasoning_step(self, item: agno.ReasoningStepEvent) -> Iterator[Event]:
        step = item.content
        said = "\n".join(part for name in ("title", "reasoning", "result", "action") if (part := str(getattr(step, name, None) or "")))
        if said:
            yield ReasoningDelta(bounded(said) + "\n\n")

    def _failed(self, item: agno.RunErrorEvent) -> Iterator[Event]:
        detail = safe(f"{item.content} ({item.error_type})")
        self.end = Failed(code_of_event(item.error_type), detail, wait_of_event(item.error_type))
        yield from ()

    def _cancelled(self, item: agno.RunCancelledEvent) -> Iterator[Event]:
        """Not our way of stopping a run. A RunCompleted follows, which is to be ignored."""
        self.end = Failed("interrupted", "Cancelled through Agno.")
        yield from ()

    def _output(self, item: agno.RunOutput) -> Iterator[Event]:
        if item.status == RunStatus.paused:
            self.end = Waiting(pausing.requirements(item), pausing.stored(item))
        elif item.status != RunStatus.completed:
            self.end = Failed("internal", f"The run ended as {item.status}.")
        elif item.content or item.tools or item.reasoning_content:
            self.end = Finished(conversation.kept(item.messages or []))
        else:
            self.end = Failed("model_empty")
        yield from ()

    def _open_call(self, tool: ToolExecution) -> str:
        """Return an id that is unique within the run: some providers number the calls of each request from 0 again."""
        given = tool.tool_call_id or ""
        call_id, number = given, 1
        while call_id in self._used or not call_id:
            number += 1
            call_id = f"{given}.{number}"
        self._used.add(call_id)
        self._open[given] = (call_id, time.monotonic())
        return call_id

    # The class's, and not each translation's: bound to it they would be a circle, which only the garbage collector finds.
    _BY_CLASS: ClassVar[dict[type, Callable[[Any, Any], Iterator[Event]]]] = {
        agno.ModelRequestStartedEvent: _request_started,
        agno.ModelRequestCompletedEvent: _request_completed,
        agno.ToolCallStartedEvent: _tool_started,
        agno.ToolCallCompletedEvent: _tool_completed,
        agno.ReasoningStepEvent: _reasoning_step,
        agno.RunErrorEvent: _failed,
        agno.RunCancelledEvent: _cancelled,
        agno.RunOutput: _output,
    }
