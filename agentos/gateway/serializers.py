"""Serializes runs for Agno's clients: a run as a RunOutput, what happens in it as Agno's events. Built from our tables alone."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from agno.metrics import RunMetrics
from agno.models.message import Message
from agno.models.response import ToolExecution
from agno.run import agent as agno
from agno.run.base import RunStatus
from agno.run.requirement import RunRequirement
from agno.tools.function import UserInputField

from agentos.agents import failures
from agentos.agents.runtime.approvals import INPUT
from agentos.chat import queries
from agentos.chat.callers import LOST_RIGHTS
from agentos.chat.live.parts import DELTAS, Part, as_call, text_of
from agentos.chat.models import Run
from agentos.chat.registry import registry
from agentos.chat.runs.following import follow
from agentos.core import db
from agentos.core.http.errors import Problem
from agentos.gateway import context
from agentos.gateway.progress import Progress, Step

SerializedEvent = Any  # one of Agno's events of an agent's run

STATUS = {
    Run.Status.QUEUED: RunStatus.pending,
    Run.Status.RUNNING: RunStatus.running,
    Run.Status.WAITING: RunStatus.paused,
    Run.Status.COMPLETED: RunStatus.completed,
    Run.Status.FAILED: RunStatus.error,
    Run.Status.INTERRUPTED: RunStatus.error,
    Run.Status.STOPPED: RunStatus.cancelled,
}
TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}
NOT_TAKEN_UP = "The server is restarting. Your message is saved, and the agent will answer it when the server is back."


def output_of(run: Run, parts: list[Part]) -> agno.RunOutput:
    """Return the run as Agno's clients know one. No prompt and no tool schema is in it."""
    failure = failure_of(run)
    return agno.RunOutput(
        **_identity(run),
        user_id=str(run.by_id),
        input=agno.RunInput(input_content=run.input),
        content=text_of(parts) or failure or "",
        reasoning_content="".join(part["text"] for part in parts if part["kind"] == "reasoning") or None,
        messages=_messages(run, parts),
        metrics=_metrics(run),
        tools=tools_of(run, parts) or None,
        requirements=requirements_of(run) or None,
        metadata={"error": failure, "error_code": run.error_code or run.status} if failure else _cut(run),
        created_at=int(run.created_at.timestamp()),
        status=STATUS[Run.Status(run.status)],
    )


def failure_of(run: Run) -> str | None:
    """Return what people are told of a run that broke; never the text of an error."""
    if run.status == Run.Status.FAILED:
        return failures.sentence(run.error_code)
    return failures.sentence("interrupted") if run.status == Run.Status.INTERRUPTED else None


def _cut(run: Run) -> dict[str, Any] | None:
    """Return what is said of an answer that is not whole; Agno has no field for it."""
    return {"finish_reason": run.cut} if run.cut else None


def tools_of(run: Run, parts: list[Part]) -> list[ToolExecution]:
    called = [_tool(part) for part in parts if part["kind"] not in DELTAS]
    return [*called, *(_asked(requirement) for requirement in run.requirements)]


def requirements_of(run: Run) -> list[RunRequirement]:
    return [RunRequirement(tool_execution=_asked(requirement), id=requirement["call_id"]) for requirement in run.requirements]


async def events_of(
    run: Run, *, progress: Progress | None = None, first: type | None = agno.RunStartedEvent
) -> AsyncIterator[SerializedEvent]:
    """Give the run's events from ``progress`` on, to its end; each carries its ``event_index``. ``first`` is how it begins."""
    context.current().agent_pk = run.session.agent_id
    progress = progress or Progress()
    if first is not None:
        yield _event(first, run, progress.index + (first is agno.RunContinuedEvent))
    async for look in follow(run):
        check_rights()
        for step in progress.steps(look.parts):
            yield _stepped(run, step)
        end = look.end or await _left_behind(run)
        if end:
            for event in _ending(end, progress.index + 1):
                yield event
            return


async def whole(run: Run) -> agno.RunOutput:
    """Return the run when it has ended or waits for a person. Raises ``Problem`` for a caller who has lost the right to it."""
    context.current().agent_pk = run.session.agent_id
    async for look in follow(run):
        check_rights()
        if end := look.end or await _left_behind(run):
            if end.status == Run.Status.STOPPED and end.error_code in LOST_RIGHTS:
                status, code = LOST_RIGHTS[end.error_code]
                raise Problem(status, failures.sentence(end.error_code), code=code)
            return output_of(end, end.parts)
    raise AssertionError("A run that is followed ends.")


def check_rights() -> None:
    """Raise the ``Problem`` of a caller who may not have the answer any more, when the gateway has found out."""
    if lost := context.current().lost:
        raise lost


def parts_of(run: Run) -> list[Part]:
    """Return the answer as far as it is stored."""
    return queries.parts_so_far(run)[0] if run.status == Run.Status.RUNNING else run.parts


async def _left_behind(run: Run) -> Run | None:
    """Return the run if it has not begun and the server goes away: nobody needs to wait for it here."""
    if not registry.stopping:
        return None
    found = await db.read(Run.objects.select_related("session__agent").get, pk=run.pk)
    return found if found.status == Run.Status.QUEUED else None


def _ending(run: Run, index: int) -> Iterator[SerializedEvent]:
    match run.status:
        case Run.Status.COMPLETED:
            yield _event(agno.RunContentCompletedEvent, run, index)
            content = {"content": run.answer, "reasoning_content": output_of(run, run.parts).reasoning_content}
            yield _event(agno.RunCompletedEvent, run, index + 1, metrics=_metrics(run), metadata=_cut(run), **content)
        case Run.Status.WAITING:
            yield _event(agno.RunPausedEvent, run, index, tools=tools_of(run, run.parts), requirements=requirements_of(run))
        case Run.Status.STOPPED:
            yield _event(agno.RunCancelledEvent, run, index, reason=failures.sentence(run.error_code) if run.error_code else "Stopped.")
        case Run.Status.QUEUED:
            yield _event(agno.RunErrorEvent, run, index, content=NOT_TAKEN_UP, error_type="unavailable")
        case _:
            yield _event(agno.RunErrorEvent, run, index, content=failure_of(run), error_type=run.error_code or run.status)


def _stepped(run: Run, step: Step) -> SerializedEvent:
    if step.what == "text":
        return _event(agno.RunContentEvent, run, step.index, content=step.text)
    if step.what == "reasoning":
        # With a content of no text: where there is none at all, Agno's chat application shows what it takes for JSON.
        return _event(agno.RunContentEvent, run, step.index, content="", reasoning_content=step.text)
    tool = _tool(step.part)
    if step.what == "began":
        tool.result, tool.tool_call_error = None, None
        return _event(agno.ToolCallStartedEvent, run, step.index, tool=tool)
    if step.part["status"] == "failed":
        return _event(agno.ToolCallErrorEvent, run, step.index, tool=tool, error=tool.result)
    return _event(agno.ToolCallCompletedEvent, run, step.index, tool=tool, content=tool.result)


def _event(kind: type, run: Run, index: int, **fields: Any) -> SerializedEvent:
    event = kind(**_identity(run), **fields)
    event.event_index = index
    return event


def _identity(run: Run) -> dict[str, Any]:
    agent = run.session.agent
    return {"run_id": run.run_id, "session_id": run.session.session_id, "agent_id": agent.agent_id, "agent_name": agent.name}


def _tool(part: Part) -> ToolExecution:
    part = as_call(part)
    failed = part["status"] == "failed"
    return ToolExecution(part["call_id"], part["name"], part["args"], tool_call_error=failed, result=part["result"] or None)


def _asked(requirement: dict[str, Any]) -> ToolExecution:
    """Return the call that waits for a person, as it is stored."""
    tool = ToolExecution(requirement["call_id"], requirement["name"], requirement["args"])
    if requirement["kind"] == INPUT:
        tool.requires_user_input = True
        tool.user_input_schema = [
            UserInputField(item["name"], TYPES.get(item["type"], str), item.get("description", ""), item.get("value"))
            for item in requirement["fields"]
        ]
    else:
        tool.requires_confirmation = True
    return tool


def _messages(run: Run, parts: list[Part]) -> list[Message]:
    if run.messages:
        return [Message(**message) for message in run.messages]
    said = [Message(role="user", content=run.input)]
    return [*said, Message(role="assistant", content=text_of(parts))] if text_of(parts) else said


def _metrics(run: Run) -> RunMetrics:
    tokens: dict[str, Any] = {"input_tokens": run.input_tokens, "output_tokens": run.output_tokens}
    first = (run.first_token_at - run.started_at).total_seconds() if run.first_token_at and run.started_at else None
    return RunMetrics(**tokens, total_tokens=run.input_tokens + run.output_tokens, duration=run.seconds, time_to_first_token=first)
