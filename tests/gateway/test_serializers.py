"""A run in Agno's words, whatever has become of it."""

from datetime import timedelta
from typing import Any

import pytest
from agno.run.agent import RunStartedEvent
from agno.run.base import RunStatus
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents import failures
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime.approvals import INPUT
from agentos.chat.models import ChatSession, Run
from agentos.core import clock
from agentos.gateway import context
from agentos.gateway.context import CallContext
from agentos.gateway.progress import Step
from agentos.gateway.resuming import JournalStream
from agentos.gateway.serializers import _ending, _stepped, output_of, requirements_of
from agentos.gateway.words import TEAM
from tests.factories import ChatSessionFactory, RunFactory

TEXT: dict[str, Any] = {"kind": "text", "text": "Hello."}
THOUGHT: dict[str, Any] = {"kind": "reasoning", "text": "Hm."}
TOOL: dict[str, Any] = {"kind": "tool", "call_id": "1", "name": "add", "args": {"a": 1}, "status": "finished", "result": "2", "seconds": 1}
SEND: dict[str, Any] = {"kind": "approval", "call_id": "2", "name": "send", "args": {"to": "Ada"}}
ASK: dict[str, Any] = {
    "kind": INPUT,
    "call_id": "3",
    "name": "ask",
    "args": {},
    "fields": [{"name": "nights", "type": "int"}, {"name": "x", "type": "odd", "description": "What", "value": "y"}],
}


def run_of(status: str = Run.Status.COMPLETED, **fields: Any) -> Run:
    session = ChatSession(session_id="session_1", agent=DjangoAgent(agent_id="assistant", name="Assistant"))
    return Run(run_id="run_1", session=session, by_id=7, status=status, input="Hi", created_at=clock.now(), **fields)


class TestOutput:
    def test_has_text_thoughts_and_tools(self) -> None:
        output = output_of(run_of(), [THOUGHT, TOOL, TEXT])
        assert (output.content, output.reasoning_content, output.status) == ("Hello.", "Hm.", RunStatus.completed)
        (tool,) = output.tools or []
        assert (tool.tool_name, tool.tool_args, tool.result, tool.tool_call_error) == ("add", {"a": 1}, "2", False)
        assert [(message.role, message.content) for message in output.messages or []] == [("user", "Hi"), ("assistant", "Hello.")]
        assert output.metadata is None

    def test_has_nothing_where_nothing_was_said(self) -> None:
        output = output_of(run_of(), [])
        assert (output.content, output.reasoning_content, output.tools, output.requirements) == ("", None, None, None)
        assert [message.role for message in output.messages or []] == ["user"]

    def test_says_what_people_are_told_of_a_failure(self) -> None:
        output = output_of(run_of(Run.Status.FAILED, error_code="model_auth"), [])
        assert output.content == failures.sentence("model_auth")
        assert output.metadata == {"error": failures.sentence("model_auth"), "error_code": "model_auth"}
        output = output_of(run_of(Run.Status.INTERRUPTED), [TEXT])
        assert output.content == "Hello."
        assert output.metadata == {"error": failures.sentence("interrupted"), "error_code": "interrupted"}

    def test_shows_what_waits_for_a_person(self) -> None:
        output = output_of(run_of(Run.Status.WAITING, requirements=[SEND, ASK]), [TOOL])
        done, send, ask = output.tools or []
        assert not done.requires_confirmation
        assert (send.requires_confirmation, send.tool_args) == (True, {"to": "Ada"})
        assert (ask.requires_user_input, ask.requires_confirmation) == (True, None)
        fields = ask.user_input_schema or []
        assert [(field.name, field.field_type, field.description, field.value) for field in fields] == [
            ("nights", int, "", None),
            ("x", str, "What", "y"),
        ]
        assert [requirement.id for requirement in output.requirements or []] == ["2", "3"]

    def test_of_a_team_has_what_its_members_did(self) -> None:
        delegation = {
            "kind": "delegation",
            "by": "ann",
            "name": "Ann",
            "task": "Add.",
            "seconds": None,
            "result": "",
            "parts": [TOOL, TEXT],
        }
        statuses = {"running": "RUNNING", "waiting": "PAUSED", "finished": "COMPLETED", "failed": "ERROR"}
        parts = [{**delegation, "call_id": status, "status": status} for status in statuses]
        output = output_of(run_of(), [*parts, TEXT], TEAM)
        assert (output.team_id, output.team_name, output.content) == ("assistant", "Assistant", "Hello.")
        assert [member.status.value for member in output.member_responses] == list(statuses.values())
        for member in output.member_responses:
            assert (member.agent_id, member.agent_name, member.input.input_content, member.content) == ("ann", "Ann", "Add.", "Hello.")
            assert [(tool.tool_name, tool.result) for tool in member.tools] == [("add", "2")]
        assert len(output.tools) == 4

    def test_says_whose_question_it_is(self) -> None:
        asked = [{**SEND, "by": "ann", "member": "Ann"}, ASK]
        ann, own = requirements_of(run_of(Run.Status.WAITING, requirements=asked))
        assert (ann.member_agent_id, ann.member_agent_name, own.member_agent_id) == ("ann", "Ann", None)

    def test_counts_tokens_and_seconds(self) -> None:
        now = clock.now()
        run = run_of(input_tokens=30, output_tokens=12, started_at=now, first_token_at=now + timedelta(seconds=2))
        metrics: Any = output_of(run, []).metrics
        assert (metrics.input_tokens, metrics.output_tokens, metrics.total_tokens, metrics.time_to_first_token) == (30, 12, 42, 2.0)
        for missing in ("started_at", "first_token_at"):
            setattr(run, missing, None)
            metrics = output_of(run, []).metrics
            assert metrics.time_to_first_token is None
            setattr(run, missing, now)


@pytest.mark.parametrize(
    ("status", "events"),
    [
        (Run.Status.COMPLETED, ["RunContentCompleted", "RunCompleted"]),
        (Run.Status.WAITING, ["RunPaused"]),
        (Run.Status.STOPPED, ["RunCancelled"]),
        (Run.Status.QUEUED, ["RunError"]),
        (Run.Status.FAILED, ["RunError"]),
        (Run.Status.INTERRUPTED, ["RunError"]),
    ],
)
def test_a_run_ends_with_its_event(status: str, events: list[str]) -> None:
    told = list(_ending(run_of(status, error_code="model_auth" if status == Run.Status.FAILED else ""), 5))
    assert [event.event for event in told] == events
    assert [event.event_index for event in told] == [5, 6][: len(told)]
    kind = {Run.Status.QUEUED: "unavailable", Run.Status.FAILED: "model_auth", Run.Status.INTERRUPTED: "interrupted"}.get(
        Run.Status(status)
    )
    assert getattr(told[0], "error_type", None) == kind


@pytest.mark.parametrize(
    ("what", "status", "event", "result", "failed"),
    [
        ("began", "finished", "ToolCallStarted", None, None),
        ("began", "failed", "ToolCallStarted", None, None),
        ("ended", "finished", "ToolCallCompleted", "2", False),
        ("ended", "failed", "ToolCallError", "2", True),
    ],
)
def test_a_call_begins_without_a_result_and_ends_with_it(
    what: str, status: str, event: str, result: str | None, failed: bool | None
) -> None:
    told: Any = _stepped(run_of(), Step(what, {**TOOL, "status": status}, "", 7))
    assert (told.event, told.event_index, told.tool.tool_name) == (event, 7, "add")
    assert (told.tool.result, told.tool.tool_call_error) == (result, failed)


@pytest.mark.parametrize(("what", "said", "thought"), [("text", "Hi", None), ("reasoning", "", "Hi")])
def test_words_and_thoughts_are_told_apart(what: str, said: str, thought: str | None) -> None:
    told: Any = _stepped(run_of(), Step(what, TEXT, "Hi", 7))
    assert (told.event, told.content, told.reasoning_content) == ("RunContent", said, thought)


class TestTheJournal:
    """Of a run, for its owner; to everybody else there is none."""

    async def test_of_another_one_is_not_there(self, owner: User, member: User) -> None:
        session = await sync_to_async(ChatSessionFactory)(user=owner)
        run = await sync_to_async(RunFactory)(session=session, answer="Hello.")
        stream = JournalStream()
        context.enter(CallContext(owner, None))
        assert await stream.get_run_status(run.run_id) == RunStatus.completed
        assert await stream.get_last_index(run.run_id) == 2 * len("Hello.")
        assert await stream.get_event_count(run.run_id) == 2 * len("Hello.") + 1
        assert [event.event for _, event in await stream.replay(run.run_id)][-1] == "RunCompleted"
        context.enter(CallContext(member, None))
        assert await stream.get_run_status(run.run_id) is None
        assert (await stream.get_last_index(run.run_id), await stream.get_event_count(run.run_id)) == (-1, 0)
        assert await stream.replay(run.run_id) == []
        assert [event async for event in stream.tail(run.run_id)] == []

    async def test_is_written_by_whoever_drives_the_run(self) -> None:
        """Agno's server tells it of events, which are in the journal already."""
        for index, number in ((5, 5), (None, 0)):
            event = RunStartedEvent()
            event.event_index = index
            assert await JournalStream().add_event("run_1", event) == number
