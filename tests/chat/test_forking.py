"""Nothing is destroyed: a fork copies, the original stays."""

import pytest

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions, queries
from agentos.chat.actions.runs import FEEDBACK_LIMIT
from agentos.chat.errors import AgentClosed, InvalidInput, WrongState
from agentos.chat.models import ChatSession, Feedback, Run
from tests.factories import RunFactory


@pytest.fixture
def turns(session: ChatSession, member: User) -> list[Run]:
    return [RunFactory(session=session, by=member, turn=turn, input=f"Question {turn}", answer=f"Answer {turn}") for turn in (1, 2, 3)]


def last_verb() -> str:
    return AuditRecord.objects.order_by("-pk").values_list("verb", flat=True)[0]


class TestForkSession:
    def test_copies_the_turns_up_to_that_one(self, session: ChatSession, turns: list[Run], member: User) -> None:
        fork = actions.fork_session(session=session, through_turn=2, by=member)
        copied = queries.turns(fork).runs
        assert [(run.turn, run.input, run.answer) for run in copied] == [(1, "Question 1", "Answer 1"), (2, "Question 2", "Answer 2")]
        assert not {run.run_id for run in copied} & {run.run_id for run in turns}
        assert last_verb() == "chat.session.forked"

    def test_leaves_the_original_and_links_both(self, session: ChatSession, turns: list[Run], member: User) -> None:
        fork = actions.fork_session(session=session, through_turn=2, by=member)
        session.refresh_from_db()
        assert len(queries.turns(session).runs) == 3
        assert (session.fork_count, fork.forked_from, fork.forked_at_turn) == (1, session, 2)
        assert queries.forks_of(session) == [fork]

    def test_refuses_turns_that_have_not_ended(self, session: ChatSession, turns: list[Run], member: User) -> None:
        Run.objects.filter(pk=turns[1].pk).update(status=Run.Status.RUNNING)
        with pytest.raises(WrongState):
            actions.fork_session(session=session, through_turn=2, by=member)
        actions.fork_session(session=session, through_turn=1, by=member)

    def test_refuses_an_agent_that_was_taken_away(
        self, session: ChatSession, turns: list[Run], member: User, scripted: DjangoAgent
    ) -> None:
        DjangoAgent.objects.update(is_active=False)
        with pytest.raises(AgentClosed):
            actions.fork_session(session=session, through_turn=1, by=member)


class TestContinueRun:
    def test_adds_a_turn_that_knows_what_was_said(self, session: ChatSession, turns: list[Run], member: User) -> None:
        Run.objects.filter(pk=turns[2].pk).update(status=Run.Status.INTERRUPTED)
        going_on = actions.continue_run(run=turns[2], by=member)
        assert (going_on.turn, going_on.continues) == (4, turns[2])
        assert [turn.answer for turn in queries.history(going_on, 20)][-1] == "Answer 3"
        assert last_verb() == "chat.run.continued"

    def test_refuses_a_complete_answer(self, session: ChatSession, turns: list[Run], member: User) -> None:
        with pytest.raises(WrongState):
            actions.continue_run(run=turns[2], by=member)

    def test_refuses_an_answer_in_the_middle(self, session: ChatSession, turns: list[Run], member: User) -> None:
        Run.objects.filter(pk=turns[0].pk).update(status=Run.Status.INTERRUPTED)
        with pytest.raises(WrongState):
            actions.continue_run(run=turns[0], by=member)


class TestGiveFeedback:
    def test_is_kept_and_can_be_changed(self, turns: list[Run], member: User) -> None:
        actions.give_feedback(run=turns[0], value=1, by=member)
        actions.give_feedback(run=turns[0], value=-1, note="It invented a law.", by=member)
        given = Feedback.objects.get()
        assert (given.value, given.note, given.by) == (-1, "It invented a law.", member)
        assert last_verb() == "chat.feedback.given"

    def test_can_be_taken_back(self, turns: list[Run], member: User) -> None:
        actions.give_feedback(run=turns[0], value=1, by=member)
        actions.give_feedback(run=turns[0], value=None, by=member)
        assert not Feedback.objects.exists()

    def test_is_heard_by_the_open_tabs_of_the_chat(self, session: ChatSession, turns: list[Run], member: User) -> None:
        actions.give_feedback(run=turns[1], value=1, note="x" * FEEDBACK_LIMIT, by=member)
        session.refresh_from_db()
        assert [run.pk for run in queries.changed_runs(session, session.revision - 1)] == [turns[1].pk]

    def test_refuses_what_is_no_judgement(self, turns: list[Run], member: User) -> None:
        with pytest.raises(InvalidInput):
            actions.give_feedback(run=turns[0], value=5, by=member)
        with pytest.raises(InvalidInput):
            actions.give_feedback(run=turns[0], value=1, note="x" * 2001, by=member)

    def test_refuses_a_run_without_an_answer(self, session: ChatSession, member: User) -> None:
        with pytest.raises(WrongState):
            actions.give_feedback(run=actions.send_message(by=member, session=session, text="Hi"), value=1, by=member)
