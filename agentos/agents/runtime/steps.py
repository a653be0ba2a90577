"""Agents one after the other, in one run: the answer of each is the message of the next.

All but the last work inside a delegation each; what the last one says is the answer. A step that waits for a person is stored with its
number, so that the run goes on there, after a restart too.
"""

import dataclasses
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Unpack

from agentos.agents import failures
from agentos.agents.events import (
    Delegated,
    DelegationEnded,
    Event,
    Failed,
    Finished,
    Follower,
    ReasoningDelta,
    Rethought,
    TextDelta,
    ToolFailed,
    ToolFinished,
    ToolStarted,
    Usage,
    Waiting,
)
from agentos.agents.history import Turn
from agentos.agents.media import Given
from agentos.agents.runtime import streaming
from agentos.agents.runtime.approvals import Answer
from agentos.agents.runtime.whose import Whose
from agentos.agents.specs import AgentSpec
from agentos.conf import app_settings

Events = AsyncGenerator[Event, None]
_PLACED = (TextDelta, ReasoningDelta, ToolStarted, ToolFinished, ToolFailed)


@dataclass
class _Step:
    """``place``: where it works; None for the last one. ``said``: its own text so far, without what was thought."""

    spec: AgentSpec
    number: int
    follower: Follower
    is_last: bool
    said: list[str] = field(default_factory=list)

    @property
    def call_id(self) -> str:
        return f"step-{self.number}"

    @property
    def place(self) -> dict[str, str]:
        return {} if self.is_last else {"within": self.call_id, "by": self.spec.agent_id}

    def on_text(self, kind: str, text: str, within: str = "", by: str = "") -> None:
        if kind == TextDelta.kind:
            self.said.append(text)
        elif kind == Rethought.kind:
            self.said.clear()
        self.follower.on_text(kind, text, **self.place)

    def has_more(self, read: Callable[[], None]) -> None:
        self.follower.has_more(read)

    def begins(self) -> list[Event]:
        return [] if self.is_last else [Delegated(self.call_id, self.spec.agent_id, self.spec.name, self.spec.task)]

    def ends(self, error: str = "") -> list[Event]:
        return [] if self.is_last else [DelegationEnded(self.call_id, error=error)]

    def asked(self, said: str) -> str:
        """Return its message: what the step before it said, after its task."""
        return f"{self.spec.task}\n\n{said}" if self.spec.task else said

    def took(self, event: Event) -> Event:
        """Return an event of the step as one of the run."""
        if isinstance(event, ToolStarted):
            self.said.clear()  # what it says before a call is no answer yet
        if isinstance(event, Usage):
            return dataclasses.replace(event, model=self.spec.model)
        if not self.place or not isinstance(event, _PLACED):
            return event
        return dataclasses.replace(event, within=self.call_id, by=self.spec.agent_id)


def run(
    spec: AgentSpec,
    *,
    follower: Follower,
    message: str,
    context: dict[str, Any],
    history: Sequence[Turn],
    files: Sequence[Given] = (),
    **whose: Unpack[Whose],
) -> Events:
    def begin(step: _Step, said: str) -> Events:
        is_first = step.number == 1
        told: dict[str, Any] = {"context": context, "history": history, "files": files} if is_first else {"context": {}, "history": ()}
        return streaming.run(step.spec, follower=step, **whose, message=step.asked(said), **told)

    return _Run(spec, follower, message, begin).events(1, message, None)


def resume(
    spec: AgentSpec,
    *,
    follower: Follower,
    output: dict[str, Any],
    answers: Sequence[Answer],
    history: Sequence[Turn],
    files: Sequence[Given] = (),
    **whose: Unpack[Whose],
) -> Events:
    message = str(output["message"])

    def begin(step: _Step, said: str) -> Events:
        if step.number == output["step"]:
            told: dict[str, Any] = {"history": history, "files": files} if step.number == 1 else {"history": ()}
            return streaming.resume(step.spec, follower=step, **whose, output=output["output"], answers=answers, **told)
        return streaming.run(step.spec, follower=step, **whose, message=step.asked(said), context={}, history=())

    return _Run(spec, follower, message, begin).events(int(output["step"]), "", str(output["agent_id"]))


class _Run:
    """``begin`` starts a step, with what the step before it said. ``message``: the user's."""

    def __init__(self, spec: AgentSpec, follower: Follower, message: str, begin: Callable[[_Step, str], Events]) -> None:
        self.spec, self.follower, self.message, self.begin = spec, follower, message, begin
        self.calls_left = app_settings.TOOL_STEPS
        self.end: Event = Failed("agent_unavailable", "There are no steps.")

    async def events(self, first: int, said: str, expected: str | None) -> Events:
        """``expected``: the agent of the step that a stored run goes on with."""
        members = self.spec.members
        if expected is not None and (first > len(members) or members[first - 1].agent_id != expected):
            yield Failed("agent_unavailable", "The steps are others than they were when one of them asked.")
            return
        for number, member in enumerate(members[first - 1 :], start=first):
            step = _Step(member, number, self.follower, is_last=number == len(members))
            async with aclosing(self._of(step, said)) as events:
                async for event in events:
                    yield event
            if not isinstance(self.end, Finished):
                break
            said = "".join(step.said).strip()
        yield self._ended(said)

    async def _of(self, step: _Step, said: str) -> Events:
        for event in step.begins():
            yield event
        async with aclosing(self.begin(step, said)) as events:
            async for event in events:
                if event.terminal or isinstance(event, Waiting):
                    self.end = event
                    break
                self.calls_left -= isinstance(event, ToolStarted)
                if self.calls_left < 0:
                    self.end = Failed("tool_limit")
                    break
                yield step.took(event)
        if isinstance(self.end, Waiting):
            self.end = self._waiting(step, self.end)
            return
        for event in step.ends(failures.sentence(self.end.code) if isinstance(self.end, Failed) else ""):
            yield event

    def _waiting(self, step: _Step, end: Waiting) -> Waiting:
        whose = {"by": step.spec.agent_id, "member": step.spec.name}
        stored = {"step": step.number, "agent_id": step.spec.agent_id, "message": self.message, "output": end.output}
        return Waiting([{**requirement, **whose} for requirement in end.requirements], stored)

    def _ended(self, said: str) -> Event:
        """Later turns are shown the question and the answer, and not the way."""
        if not isinstance(self.end, Finished):
            return self.end
        kept = [{"role": "user", "content": self.message}, {"role": "assistant", "content": said}]
        return dataclasses.replace(self.end, messages=kept)
