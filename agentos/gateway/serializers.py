"""Serializes runs for Agno's clients: a run as a RunOutput, what happens in it as Agno's events. Built from our tables alone."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from agno.metrics import RunMetrics
from agno.models.message import Message
from agno.models.response import ToolExecution
from agno.run.base import RunStatus
from agno.run.requirement import RunRequirement
from agno.tools.function import UserInputField

from agentos.agents import failures
from agentos.agents.prices import MICRO
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
from agentos.gateway.words import AGENT, TEAM, Words, words_for

SerializedEvent = Any  # one of Agno's events of an agent's run, or of a team's
SerializedRun = Any  # RunOutput, or TeamRunOutput

STARTED, CONTINUED = "RunStartedEvent", "RunContinuedEvent"

STATUS = {
    Run.Status.QUEUED: RunStatus.pending,
    Run.Status.RUNNING: RunStatus.running,
    Run.Status.WAITING: RunStatus.paused,
    Run.Status.COMPLETED: RunStatus.completed,
    Run.Status.FAILED: RunStatus.error,
    Run.Status.INTERRUPTED: RunStatus.error,
    Run.Status.STOPPED: RunStatus.cancelled,
}
DELEGATED = {
    "running": RunStatus.running,
    "waiting": RunStatus.paused,
    "finished": RunStatus.completed,
    "failed": RunStatus.error,
}
TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}
NOT_TAKEN_UP = "The server is restarting. Your message is saved, and the agent will answer it when the server is back."


def output_of(run: Run, parts: list[Part], words: Words = AGENT) -> SerializedRun:
    """Return the run as Agno's clients know one. No prompt and no tool schema is in it."""
    failure = failure_of(run)
    return words.output(
        **_identity(run, words),
        **({"member_responses": _members(run, parts)} if words is TEAM else {}),
        user_id=str(run.by_id),
        input=words.input(input_content=run.input),
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
    return [_required(requirement) for requirement in run.requirements]


async def events_of(run: Run, *, progress: Progress | None = None, first: str = STARTED) -> AsyncIterator[SerializedEvent]:
    """Give the run's events from ``progress`` on, to its end; each carries its ``event_index``. ``first`` is how it begins."""
    call = context.current()
    call.agent_pk = run.session.agent_id
    words = words_for(as_team=call.as_team)
    progress = progress or Progress()
    if first:
        yield _event(first, run, progress.index + (first == CONTINUED), words)
    async for look in follow(run):
        check_rights()
        for step in progress.steps(look.parts):
            yield _stepped(run, step, words)
        end = look.end or await _left_behind(run)
        if end:
            for event in _ending(end, progress.index + 1, words):
                yield event
            return


async def whole(run: Run) -> SerializedRun:
    """Return the run when it has ended or waits for a person. Raises ``Problem`` for a caller who has lost the right to it."""
    call = context.current()
    call.agent_pk = run.session.agent_id
    async for look in follow(run):
        check_rights()
        if end := look.end or await _left_behind(run):
            if end.status == Run.Status.STOPPED and end.error_code in LOST_RIGHTS:
                status, code = LOST_RIGHTS[end.error_code]
                raise Problem(status, failures.sentence(end.error_code), code=code)
            return output_of(end, end.parts, words_for(as_team=call.as_team))
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


def _ending(run: Run, index: int, words: Words = AGENT) -> Iterator[SerializedEvent]:
    match run.status:
        case Run.Status.COMPLETED:
            yield _event("RunContentCompletedEvent", run, index, words)
            content: dict[str, Any] = {"content": run.answer, "reasoning_content": output_of(run, run.parts).reasoning_content}
            if words is TEAM:
                content["member_responses"] = _members(run, run.parts)
            yield _event("RunCompletedEvent", run, index + 1, words, metrics=_metrics(run), metadata=_cut(run), **content)
        case Run.Status.WAITING:
            yield _event("RunPausedEvent", run, index, words, tools=tools_of(run, run.parts), requirements=requirements_of(run))
        case Run.Status.STOPPED:
            yield _event("RunCancelledEvent", run, index, words, reason=failures.sentence(run.error_code) if run.error_code else "Stopped.")
        case Run.Status.QUEUED:
            yield _event("RunErrorEvent", run, index, words, content=NOT_TAKEN_UP, error_type="unavailable")
        case _:
            yield _event("RunErrorEvent", run, index, words, content=failure_of(run), error_type=run.error_code or run.status)


def _stepped(run: Run, step: Step, words: Words = AGENT) -> SerializedEvent:
    if step.what == "text":
        return _event("RunContentEvent", run, step.index, words, content=step.text)
    if step.what == "reasoning":
        # With a content of no text: where there is none at all, Agno's chat application shows what it takes for JSON.
        return _event("RunContentEvent", run, step.index, words, content="", reasoning_content=step.text)
    tool = _tool(step.part)
    if step.what == "began":
        tool.result, tool.tool_call_error = None, None
        return _event("ToolCallStartedEvent", run, step.index, words, tool=tool)
    if step.part["status"] == "failed":
        return _event("ToolCallErrorEvent", run, step.index, words, tool=tool, error=tool.result)
    return _event("ToolCallCompletedEvent", run, step.index, words, tool=tool, content=tool.result)


def _event(kind: str, run: Run, index: int, words: Words, **fields: Any) -> SerializedEvent:
    event = getattr(words.events, kind)(**_identity(run, words), **fields)
    event.event_index = index
    return event


def _identity(run: Run, words: Words) -> dict[str, Any]:
    agent = run.session.agent
    return {"run_id": run.run_id, "session_id": run.session.session_id, **words.whose(agent.agent_id, agent.name)}


def _members(run: Run, parts: list[Part]) -> list[SerializedRun]:
    """Return what each member did, as far as it is told of the team's answer."""
    return [
        AGENT.output(
            **AGENT.whose(part["by"], part["name"]),
            parent_run_id=run.run_id,
            session_id=run.session.session_id,
            input=AGENT.input(input_content=part["task"]),
            content=part["result"] or text_of(part["parts"]),
            tools=[_tool(inner) for inner in part["parts"] if inner["kind"] not in DELTAS] or None,
            created_at=int(run.created_at.timestamp()),
            status=DELEGATED[part["status"]],
        )
        for part in parts
        if part["kind"] == "delegation"
    ]


def _tool(part: Part) -> ToolExecution:
    part = as_call(part)
    failed = part["status"] == "failed"
    return ToolExecution(part["call_id"], part["name"], part["args"], tool_call_error=failed, result=part["result"] or None)


def _required(requirement: dict[str, Any]) -> RunRequirement:
    required = RunRequirement(tool_execution=_asked(requirement), id=requirement["call_id"])
    required.member_agent_id, required.member_agent_name = requirement.get("by"), requirement.get("member")
    return required


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
    tokens |= {"cache_read_tokens": run.cached_tokens, "reasoning_tokens": run.reasoning_tokens}
    if run.cost_micro is not None:
        tokens["cost"] = run.cost_micro / MICRO
    first = (run.first_token_at - run.started_at).total_seconds() if run.first_token_at and run.started_at else None
    return RunMetrics(**tokens, total_tokens=run.input_tokens + run.output_tokens, duration=run.seconds, time_to_first_token=first)
