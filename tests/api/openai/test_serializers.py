"""What a client is told: the deltas are the answer, and errors do not promise what does not hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.agents.failures import CODES
from agentos.api.openai.outcomes import problem_of
from agentos.api.openai.serializers import DeltaSource, completion
from agentos.chat.live.parts import Part, add, fold, text_of
from agentos.chat.models import ChatSession, Run
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

CALL = {"call_id": "c1", "name": "add", "args": {"a": 1}}
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["text", "reasoning"]), st.builds(dict, text=st.text(min_size=1, max_size=5))),
        st.builds(lambda n: ("tool_started", {"call_id": f"c{n}", "name": "add", "args": {"n": n}}), st.integers(0, 3)),
        st.builds(lambda n: ("tool_finished", {"call_id": f"c{n}", "result": "2", "seconds": 0.1}), st.integers(0, 3)),
        st.builds(lambda n: ("tool_failed", {"call_id": f"c{n}", "error": "No", "seconds": 0.1}), st.integers(0, 3)),
    ),
    max_size=25,
)


def once(events: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """The events as a run has them: each call has an id of its own, and ends after it began, once."""
    state: dict[str, str] = {}
    kept = []
    for kind, data in events:
        call = data.get("call_id")
        if call is None or (kind == "tool_started" and call not in state) or (kind != "tool_started" and state.get(call) == "tool_started"):
            kept.append((kind, data))
            if call:
                state[call] = kind
    return kept


class TestDeltaSource:
    @given(EVENTS.map(once), st.lists(st.integers(0, 25), max_size=6))
    def test_gives_everything_once_however_often_it_is_asked(self, events: Any, looks: list[int]) -> None:
        parts: list[Part] = []
        source = DeltaSource()
        deltas: list[Any] = []
        for number, (kind, data) in enumerate(events):
            add(parts, kind, data)
            if number in looks:
                deltas += source.new(parts)
        deltas += source.new(parts)
        assert list(source.new(parts)) == []
        whole = list(DeltaSource().new(fold(events)))
        for name in ("content", "reasoning_content"):
            assert "".join(delta.get(name, "") for delta in deltas) == "".join(delta.get(name, "") for delta in whole)
        told = [event for delta in deltas for event in delta.get("agent_events", [])]
        assert [event["index"] for event in told] == list(range(len(told)))
        assert sorted((event["kind"], event["call_id"]) for event in told) == sorted(
            (kind, data["call_id"]) for kind, data in events if "call_id" in data
        )
        content = "".join(delta.get("content", "") for delta in deltas)
        assert content.split() == text_of(parts).split()

    def test_tells_a_call_that_ends_after_the_next_has_begun(self) -> None:
        parts = fold([("tool_started", {**CALL, "call_id": "a"}), ("tool_started", {**CALL, "call_id": "b"}), ("text", {"text": "x"})])
        deltas = DeltaSource()
        assert len(list(deltas.new(parts))) == 3
        add(parts, "tool_finished", {"call_id": "b", "result": "2", "seconds": 0.5})
        assert [event["call_id"] for delta in deltas.new(parts) for event in delta["agent_events"]] == ["b"]
        add(parts, "tool_failed", {"call_id": "a", "error": "No", "seconds": 0.5})
        ((ended,),) = [delta["agent_events"] for delta in deltas.new(parts)]
        assert ended == {"index": 3, "kind": "tool_failed", "call_id": "a", "name": "add", "error": "No", "seconds": 0.5}


@pytest.fixture
def session(db: None) -> ChatSession:
    return ChatSessionFactory(agent=AgentFactory(agent_id="assistant", is_global=True))


class TestCompletion:
    def test_is_the_stored_answer(self, session: ChatSession) -> None:
        parts = fold(
            [("reasoning", {"text": "Hm."}), ("tool_started", CALL), ("tool_finished", {"call_id": "c1", "result": "2", "seconds": 0.5})]
        )
        run = RunFactory(session=session, parts=[*parts, {"kind": "text", "text": "Two."}], answer="Two.", input_tokens=3, output_tokens=4)
        told = json.loads(completion(run).model_dump_json())
        assert (told["id"], told["model"], told["session_id"]) == (f"chatcmpl-{run.run_id}", "assistant", session.session_id)
        details = {"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}
        assert told["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, **details}
        message = told["choices"][0]["message"]
        assert (message["content"], message["reasoning_content"]) == ("Two.", "Hm.")
        assert message["agent_events"] == [
            {"index": 0, "kind": "tool_started", **CALL},
            {"index": 1, "kind": "tool_finished", "call_id": "c1", "name": "add", "result": "2", "seconds": 0.5},
        ]
        assert "tool_calls" not in message

    def test_without_a_session_names_none(self, session: ChatSession) -> None:
        session.is_ephemeral = True
        assert completion(RunFactory.build(session=session)).session_id is None


class TestProblem:
    @pytest.mark.parametrize("code", sorted(CODES))
    def test_promises_to_keep_only_what_is_kept(self, session: ChatSession, code: str) -> None:
        run = RunFactory.build(session=session, status=Run.Status.FAILED, error_code=code)
        kept = problem_of(run)
        session.is_ephemeral = True
        lost = problem_of(run)
        assert (kept.status, kept.code) == (lost.status, lost.code)
        assert kept.status in {400, 502, 503}
        assert "saved" not in lost.sentence
        assert "kept" not in lost.sentence
        assert lost.sentence.endswith(".")
        assert lost.sentence.split(". ")[0] in kept.sentence
        assert "  " not in lost.sentence

    @pytest.mark.parametrize(
        ("status", "answer", "code"),
        [
            (Run.Status.STOPPED, 409, "stopped"),
            (Run.Status.WAITING, 409, "waiting_for_approval"),
            (Run.Status.INTERRUPTED, 503, "interrupted"),
            (Run.Status.RUNNING, 504, "not_finished"),
        ],
    )
    def test_says_how_it_ended(self, session: ChatSession, status: str, answer: int, code: str) -> None:
        problem = problem_of(RunFactory.build(session=session, status=status))
        assert (problem.status, problem.code) == (answer, code)

    def test_asks_not_to_send_again_what_is_stored(self, session: ChatSession) -> None:
        run = RunFactory.build(session=session, status=Run.Status.FAILED, error_code="model_busy")
        assert problem_of(run).headers == {"x-should-retry": "false", "X-Session-ID": session.session_id}
        session.is_ephemeral = True
        assert list(problem_of(run).headers) == ["Retry-After"]
