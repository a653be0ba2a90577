"""What people do with chats: the rule, the refusal, the audit record."""

from datetime import timedelta

import pytest

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions, queries, sweeper
from agentos.chat.models import MESSAGE_LIMIT, TITLE_LIMIT, ChatSession, Run, RunEvent
from agentos.chat.refusals import AgentClosed, AgentUnavailable, InvalidInput, KeyReused, QueueFull, WrongState
from agentos.core import clock
from tests.factories import AgentFactory, RunFactory


def verbs() -> list[str]:
    return list(AuditRecord.objects.order_by("pk").values_list("verb", flat=True))


def end(run: Run, status: str = Run.Status.COMPLETED) -> Run:
    Run.objects.filter(pk=run.pk).update(status=status)
    run.refresh_from_db()
    return run


class TestSendMessage:
    def test_makes_a_session_with_a_title_and_a_queued_run(self, member: User, scripted: DjangoAgent) -> None:
        run = actions.send_message(by=member, agent=scripted, text="  Draft a reply to the customer.\nIt is urgent.  ")
        assert run.status == Run.Status.QUEUED
        assert run.turn == 1
        assert run.input == "Draft a reply to the customer.\nIt is urgent."
        assert run.session.title == "Draft a reply to the customer."
        assert verbs() == ["chat.session.created", "chat.message.sent"]

    def test_cuts_a_long_title_at_a_word(self, member: User, scripted: DjangoAgent) -> None:
        run = actions.send_message(by=member, agent=scripted, text="word " * 50)
        assert run.session.title == "word " * 10 + "word…"

    def test_numbers_the_turns_of_a_session(self, session: ChatSession, member: User) -> None:
        first, second = (actions.send_message(by=member, session=session, text=text) for text in ("one", "two"))
        assert (first.turn, second.turn) == (1, 2)

    @pytest.mark.parametrize("text", ["", "   \n\t ", "\r\n"])
    def test_refuses_an_empty_message(self, session: ChatSession, member: User, text: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            actions.send_message(by=member, session=session, text=text)
        assert refusal.value.field == "message"
        assert not Run.objects.exists()

    def test_refuses_a_message_over_the_limit_and_says_both_numbers(self, session: ChatSession, member: User) -> None:
        actions.send_message(by=member, session=session, text="x" * MESSAGE_LIMIT)
        with pytest.raises(InvalidInput, match="32,000 characters; this one has 32,001"):
            actions.send_message(by=member, session=session, text="x" * (MESSAGE_LIMIT + 1))

    def test_stores_what_no_database_stores_as_something_it_does(self, session: ChatSession, member: User) -> None:
        assert actions.send_message(by=member, session=session, text="a\0b\ud800c").input == "a\ufffdb?c"

    def test_refuses_an_agent_that_was_taken_away(self, session: ChatSession, member: User, scripted: DjangoAgent) -> None:
        DjangoAgent.objects.filter(pk=scripted.pk).update(is_active=False)
        with pytest.raises(AgentClosed):
            actions.send_message(by=member, session=session, text="hello")
        assert not Run.objects.exists()

    def test_refuses_an_agent_of_somebody_else(self, stranger: User, team_agent: DjangoAgent) -> None:
        with pytest.raises(AgentClosed):
            actions.send_message(by=stranger, agent=team_agent, text="hello")
        assert not ChatSession.objects.exists()

    def test_refuses_an_agent_whose_model_cannot_be_used(self, member: User) -> None:
        agent = AgentFactory(is_global=True, model="anthropic:claude-without-a-key")
        with pytest.raises(AgentUnavailable):
            actions.send_message(by=member, agent=agent, text="hello")
        assert not ChatSession.objects.exists()

    def test_gives_the_same_run_for_the_same_key(self, session: ChatSession, member: User) -> None:
        runs = [actions.send_message(by=member, session=session, text="hello", idempotency_key="k") for _ in range(3)]
        assert len({run.pk for run in runs}) == Run.objects.count() == 1

    def test_refuses_a_key_with_another_content(self, session: ChatSession, member: User) -> None:
        actions.send_message(by=member, session=session, text="hello", idempotency_key="k")
        with pytest.raises(KeyReused):
            actions.send_message(by=member, session=session, text="other", idempotency_key="k")

    def test_refuses_a_key_that_is_too_long(self, session: ChatSession, member: User) -> None:
        with pytest.raises(InvalidInput) as refusal:
            actions.send_message(by=member, session=session, text="hello", idempotency_key="k" * 101)
        assert refusal.value.field == "idempotency_key"

    def test_keeps_keys_of_two_users_apart(self, session: ChatSession, member: User, owner: User, scripted: DjangoAgent) -> None:
        first = actions.send_message(by=member, session=session, text="hello", idempotency_key="k")
        second = actions.send_message(by=owner, agent=scripted, text="hello", idempotency_key="k")
        assert first.pk != second.pk

    def test_limits_how_many_messages_wait(self, session: ChatSession, member: User) -> None:
        for _ in range(actions.QUEUE_LIMIT):
            actions.send_message(by=member, session=session, text="hello")
        with pytest.raises(QueueFull):
            actions.send_message(by=member, session=session, text="hello")

    def test_refuses_a_context_that_is_too_large(self, session: ChatSession, member: User) -> None:
        with pytest.raises(InvalidInput) as refusal:
            actions.send_message(by=member, session=session, text="hello", context={"a": "x" * 20_000})
        assert refusal.value.field == "context"

    def test_brings_an_archived_session_back_to_the_top(self, session: ChatSession, member: User) -> None:
        actions.archive_session(session=session, archived=True, by=member)
        actions.send_message(by=member, session=session, text="hello")
        session.refresh_from_db()
        assert not session.is_archived


class TestRetryRun:
    def test_takes_the_place_of_the_answer_and_keeps_its_turn(self, session: ChatSession, member: User) -> None:
        run = end(actions.send_message(by=member, session=session, text="hello"), Run.Status.FAILED)
        retry = actions.retry_run(run=run, by=member)
        assert (retry.turn, retry.input, retry.status) == (1, "hello", Run.Status.QUEUED)
        assert [shown.pk for shown in queries.turns(session).runs] == [retry.pk]
        assert verbs()[-1] == "chat.run.retried"

    def test_refuses_a_run_that_has_not_ended(self, session: ChatSession, member: User) -> None:
        with pytest.raises(WrongState):
            actions.retry_run(run=actions.send_message(by=member, session=session, text="hello"), by=member)

    def test_refuses_an_answer_in_the_middle(self, session: ChatSession, member: User) -> None:
        first = end(actions.send_message(by=member, session=session, text="one"))
        end(actions.send_message(by=member, session=session, text="two"))
        with pytest.raises(WrongState):
            actions.retry_run(run=first, by=member)

    def test_refuses_a_second_retry_of_the_same_answer(self, session: ChatSession, member: User) -> None:
        run = end(actions.send_message(by=member, session=session, text="hello"))
        actions.retry_run(run=run, by=member)
        with pytest.raises(WrongState):
            actions.retry_run(run=run, by=member)


class TestStopRun:
    def test_keeps_what_was_said(self, session: ChatSession, member: User) -> None:
        run = end(actions.send_message(by=member, session=session, text="hello"), Run.Status.RUNNING)
        RunEvent.objects.create(run=run, seq=1, attempt=0, kind="text", data={"text": "Half an ans"})
        assert actions.stop_run(run=run, by=member)
        run.refresh_from_db()
        assert (run.status, run.answer) == (Run.Status.STOPPED, "Half an ans")
        assert [(event.seq, event.kind) for event in run.events.all()] == [(2, "stopped")]
        assert verbs()[-1] == "chat.run.stopped"

    def test_changes_nothing_once_the_run_has_ended(self, session: ChatSession, member: User) -> None:
        run = end(actions.send_message(by=member, session=session, text="hello"))
        assert not actions.stop_run(run=run, by=member)
        run.refresh_from_db()
        assert run.status == Run.Status.COMPLETED

    def test_withdraws_a_message_that_has_not_started(self, session: ChatSession, member: User) -> None:
        run = actions.send_message(by=member, session=session, text="hello")
        assert actions.stop_run(run=run, by=member)
        assert queries.turns(session).runs == []
        assert verbs()[-1] == "chat.message.withdrawn"


class TestSessions:
    def test_are_renamed(self, session: ChatSession, member: User) -> None:
        actions.rename_session(session=session, title="  A   new\ttitle ", by=member)
        session.refresh_from_db()
        assert session.title == "A new title"
        assert verbs()[-1] == "chat.session.renamed"

    @pytest.mark.parametrize("title", ["", "  ", "x" * (TITLE_LIMIT + 1)])
    def test_refuse_a_title_that_is_empty_or_too_long(self, session: ChatSession, member: User, title: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            actions.rename_session(session=session, title=title, by=member)
        assert refusal.value.field == "title"

    def test_are_pinned_and_archived(self, session: ChatSession, member: User) -> None:
        actions.pin_session(session=session, pinned=True, by=member)
        actions.archive_session(session=session, archived=True, by=member)
        session.refresh_from_db()
        assert (session.is_pinned, session.is_archived) == (True, True)
        assert verbs()[-2:] == ["chat.session.pinned", "chat.session.archived"]

    def test_vanish_when_deleted_and_come_back_when_restored(self, session: ChatSession, member: User) -> None:
        actions.delete_session(session=session, by=member)
        assert queries.session_for(member, session.session_id) is None
        deleted = queries.deleted_session_for(member, session.session_id)
        assert deleted is not None
        actions.restore_session(session=deleted, by=member)
        assert queries.session_for(member, session.session_id) == session
        assert verbs()[-2:] == ["chat.session.deleted", "chat.session.restored"]

    def test_end_their_runs_when_deleted(self, session: ChatSession, member: User) -> None:
        running = end(actions.send_message(by=member, session=session, text="one"), Run.Status.RUNNING)
        queued = actions.send_message(by=member, session=session, text="two")
        actions.delete_session(session=session, by=member)
        assert {run.status for run in Run.objects.filter(pk__in=(running.pk, queued.pk))} == {Run.Status.STOPPED}

    def test_are_erased_an_hour_after_they_were_deleted(self, session: ChatSession, member: User) -> None:
        RunFactory(session=session, by=member)
        actions.delete_session(session=session, by=member)
        assert sweeper.erase_deleted_sessions() == 0
        ChatSession.objects.update(deleted_at=clock.now() - sweeper.UNDO_TIME - timedelta(seconds=1))
        assert sweeper.erase_deleted_sessions() == 1
        assert not Run.objects.exists()
        assert verbs()[-1] == "chat.session.erased"
