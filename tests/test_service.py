"""The door of every face, asked from within: what a run or a chat of one's own leads to."""

from typing import Any

import pytest

from agentos.access.models import User
from agentos.chat.errors import TooMuch
from agentos.chat.models import ChatSession, Run
from agentos.service import AgentOSService
from tests.factories import ChatSessionFactory, RunEventFactory, RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(owner: User) -> AgentOSService:
    return AgentOSService(owner)


@pytest.fixture
def session(owner: User) -> ChatSession:
    return ChatSessionFactory(user=owner)


class TestAMessageAfterATurn:
    def test_is_said_in_the_chat_after_the_last_one(self, service: AgentOSService, session: ChatSession) -> None:
        RunFactory(session=session)
        run = service.send_after(RunFactory(session=session), "And?")
        assert (run.session, run.turn, run.input) == (session, 3, "And?")

    def test_is_said_in_a_fork_after_another(self, service: AgentOSService, session: ChatSession) -> None:
        first = RunFactory(session=session)
        RunFactory(session=session)
        run = service.send_after(first, "And?")
        assert run.session != session
        assert list(run.session.runs.order_by("turn").values_list("input", flat=True)) == [first.input, "And?"]
        assert session.runs.count() == 2

    def test_is_said_once_for_a_key(self, service: AgentOSService, session: ChatSession) -> None:
        first = RunFactory(session=session)
        runs = [service.send_after(first, "And?", idempotency_key="k1") for _ in range(2)]
        assert runs[0] == runs[1]
        assert Run.objects.count() == 2


def test_what_was_said_up_to_a_turn_is_what_was_given_and_what_was_said(service: AgentOSService, owner: User) -> None:
    given = [{"role": "user", "content": "Before"}]
    session = ChatSessionFactory(user=owner, given_history=given)
    RunFactory(session=session, input="One", answer="1")
    second = RunFactory(session=session, input="Two", answer="")
    RunFactory(session=session, input="Three", answer="3")
    said = [(message["role"], message["content"]) for message in service.said_up_to(second)]
    assert said == [("user", "Before"), ("user", "One"), ("assistant", "1"), ("user", "Two")]


def test_chats_are_opened_as_many_a_minute_as_the_limit_says(service: AgentOSService, session: ChatSession, settings: Any) -> None:
    settings.AGENTOS_CREATIONS_A_MINUTE = 1
    service.create_session(session.agent.agent_id)
    with pytest.raises(TooMuch):
        service.create_session(session.agent.agent_id)


def test_an_answer_so_far_is_of_the_journal_while_the_run_is_active(service: AgentOSService, session: ChatSession) -> None:
    ended = RunFactory(session=session, answer="Done")
    assert service.get_run_so_far(ended.run_id) == (ended, ended.parts)
    running = RunFactory(session=session, status=Run.Status.RUNNING, attempt=1, answer="")
    RunEventFactory(run=running, data={"text": "So far"})
    assert service.get_run_so_far(running.run_id) == (running, [{"kind": "text", "text": "So far"}])
