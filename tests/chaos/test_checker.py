"""The checker of `make chaos` finds what it looks for: one that sees nothing proves nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentos.chat.models import ChatSession, Run
from tests.chaos import ledger
from tests.chaos.checker import FAULTS, check, is_settled
from tests.chaos.history import History, Sent, asked
from tests.factories import AgentFactory, ChatSessionFactory, RunEventFactory, RunFactory

WHOLE = {"careful": ["The letter is posted", "Refused"]}


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> None:
    settings.AGENTOS_DATA_DIR = tmp_path


@pytest.fixture
def session(db: None) -> ChatSession:
    return ChatSessionFactory(agent=AgentFactory(agent_id="careful", is_global=True))


@pytest.fixture
def run(session: ChatSession) -> Run:
    call = {"kind": "tool", "call_id": "call-1", "name": "post_letter", "args": {}, "status": "finished", "result": "ok"}
    run = RunFactory(session=session, input="Message one", answer="The letter is posted", parts=[call])
    RunEventFactory(run=run, kind="finished", data={})
    note(run)
    return run


@pytest.fixture
def history(run: Run) -> History:
    told = History(answers={run.run_id: {"yes"}})
    told.sent[run.input] = Sent(run.input, "chat", acked=True)
    told.saw(run.input, "The letter")
    return told


def note(run: Run, agent_id: str = "careful") -> None:
    with ledger.path().open("a") as lines:
        lines.write(json.dumps([run.run_id, agent_id, "post_letter"]) + "\n")


def found(history: History) -> dict[str, int]:
    return {name: count for name, count in check(history, WHOLE).items() if count}


class TestChecker:
    def test_finds_nothing_where_all_is_well(self, history: History) -> None:
        assert check(history, WHOLE) == dict.fromkeys(FAULTS, 0)
        assert is_settled()

    def test_finds_a_tool_that_ran_twice(self, history: History, run: Run) -> None:
        note(run)
        assert found(history) == {"tools run twice": 1}

    @pytest.mark.parametrize("answers", [{"no"}, set()])
    def test_finds_a_tool_that_nobody_approved(self, history: History, run: Run, answers: set[str]) -> None:
        history.answers[run.run_id] = answers
        assert found(history) == {"tools run unasked": 1}

    def test_finds_a_tool_that_only_says_that_it_ran(self, history: History) -> None:
        ledger.path().unlink()
        assert found(history) == {"tools not run": 1}

    def test_finds_an_approval_that_was_forgotten(self, history: History, run: Run) -> None:
        ledger.path().unlink()
        Run.objects.filter(pk=run.pk).update(parts=[])
        assert found(history) == {"tools not run": 1}

    def test_finds_a_message_that_is_lost(self, history: History) -> None:
        history.sent["Message two"] = Sent("Message two", "chat", acked=True)
        history.sent["Message three"] = Sent("Message three", "chat")
        assert found(history) == {"lost": 1}

    def test_finds_a_message_that_is_there_twice(self, history: History, session: ChatSession) -> None:
        RunFactory(session=session, input="Message one", answer="", status=Run.Status.INTERRUPTED)
        RunEventFactory(run=Run.objects.get(answer=""), kind="interrupted", data={})
        history.seen.clear()
        assert found(history) == {"duplicated": 1}

    @pytest.mark.parametrize("status", [Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.WAITING])
    def test_finds_a_run_that_does_not_end(self, history: History, session: ChatSession, status: str) -> None:
        RunFactory(session=session, input="Message two", answer="", status=status)
        assert not is_settled()
        assert found(history) == {"stuck": 1}

    @pytest.mark.parametrize("answer", ["The letter", "The letter is posted twice", "Something else"])
    def test_finds_an_answer_that_is_not_the_models(self, history: History, run: Run, answer: str) -> None:
        Run.objects.filter(pk=run.pk).update(answer=answer)
        history.seen.clear()
        assert found(history) == {"changed": 1}

    def test_finds_words_that_were_taken_back(self, history: History) -> None:
        history.saw("Message one", "The letter was posted")
        assert found(history) == {"taken back": 1}

    def test_finds_an_answer_that_ended_twice(self, history: History, run: Run) -> None:
        RunEventFactory(run=run, kind="stopped", data={})
        assert found(history) == {"ends": 1}


class TestTeams:
    @pytest.fixture
    def told(self, run: Run, history: History) -> History:
        """Ann was allowed to post a letter, and Ben was not."""
        ledger.path().unlink()
        note(run, "ann")
        calls = {name: {"kind": "tool", "call_id": f"call-{name}", "name": "post_letter", "args": {}} for name in ("ann", "ben")}
        ended = {"ann": {"status": "finished", "result": "ok"}, "ben": {"status": "failed", "result": "No"}}
        parts = [{"kind": "delegation", "call_id": name, "by": name, "parts": [{**calls[name], **ended[name]}]} for name in ("ann", "ben")]
        Run.objects.filter(pk=run.pk).update(parts=parts)
        history.answers = {asked(run.run_id, "call-ann"): {"yes"}, asked(run.run_id, "call-ben"): {"no"}}
        return history

    def test_are_well(self, told: History) -> None:
        assert found(told) == {}

    def test_have_a_member_that_called_twice(self, told: History, run: Run) -> None:
        note(run, "ann")
        assert found(told) == {"tools run twice": 1}

    def test_have_a_member_that_was_refused_and_called(self, told: History, run: Run) -> None:
        note(run, "ben")
        assert found(told) == {"tools run unasked": 1}

    def test_have_a_member_that_was_allowed_and_did_not_call(self, told: History, run: Run) -> None:
        ledger.path().unlink()
        assert found(told) == {"tools not run": 1}
