"""A run as a response: what its items are, and how it says that an answer is not whole."""

import json
from typing import Any

import pytest

from agentos.api.openai.responses.serializers import EventWriter, items_of, response_of
from agentos.chat.live.parts import fold
from agentos.chat.models import ChatSession, Run
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

CALL = {"call_id": "c1", "name": "add", "args": {"a": 1}}
PARTS = fold(
    [
        ("reasoning", {"text": "Hm."}),
        ("text", {"text": "One."}),
        ("tool_started", CALL),
        ("tool_finished", {"call_id": "c1", "result": "2", "seconds": 0.5}),
        ("text", {"text": "Two."}),
    ]
)


@pytest.fixture
def session(db: None) -> ChatSession:
    return ChatSessionFactory(agent=AgentFactory(agent_id="assistant", is_global=True))


def told(frames: Any) -> list[dict[str, Any]]:
    lines = b"".join(frames).decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


class TestItems:
    def test_are_the_same_told_at_once_and_in_pieces(self, session: ChatSession) -> None:
        run = RunFactory(session=session, parts=PARTS, answer="One.\n\nTwo.")
        events = EventWriter(run)
        frames = [*events.start()]
        for end in range(len(PARTS) + 1):
            frames += [*events.new(PARTS[:end])]
        frames += [*events.finish(run)]
        last = told(frames)[-1]
        assert last["type"] == "response.completed"
        whole = items_of(run)
        assert last["response"]["output"] == whole.items
        assert [item["type"] for item in whole.items] == ["reasoning", "message"]
        assert whole.items[1]["content"][0]["text"] == "One.\n\nTwo."
        assert [event["kind"] for event in whole.agent_events] == ["tool_started", "tool_finished"]

    def test_name_the_run(self, session: ChatSession) -> None:
        run = RunFactory(session=session, parts=PARTS)
        key = run.run_id.removeprefix("run_")
        response = response_of(run, items_of(run))
        assert response["id"] == f"resp_{key}"
        assert [item["id"] for item in response["output"]] == [f"rs_{key}_0", f"msg_{key}_1"]


class TestStatus:
    @pytest.mark.parametrize(
        ("cut", "reason"), [("length", "max_output_tokens"), ("unfinished", "max_output_tokens"), ("content_filter", "content_filter")]
    )
    def test_says_what_was_cut(self, session: ChatSession, cut: str, reason: str) -> None:
        run = RunFactory(session=session, parts=PARTS, cut=cut)
        (last,) = told(EventWriter(run).finish(run))
        assert last["type"] == "response.incomplete"
        assert (last["response"]["status"], last["response"]["incomplete_details"]) == ("incomplete", {"reason": reason})

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (Run.Status.QUEUED, "queued"),
            (Run.Status.RUNNING, "in_progress"),
            (Run.Status.WAITING, "incomplete"),
            (Run.Status.COMPLETED, "completed"),
            (Run.Status.INTERRUPTED, "failed"),
            (Run.Status.STOPPED, "cancelled"),
        ],
    )
    def test_is_what_became_of_the_run(self, session: ChatSession, status: str, expected: str) -> None:
        run = RunFactory.build(session=session, status=status)
        response = response_of(run, items_of(run))
        assert response["status"] == expected
        assert bool(response["error"]) is (expected == "failed")
        assert bool(response["usage"]) is (status in Run.ENDED)
