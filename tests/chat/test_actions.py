"""What people do with chats: the rule, the refusal, the audit record."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer
from agentos.audit.models import AuditRecord
from agentos.chat import actions, limits, queries
from agentos.chat.actions.messages import CONTEXT_LIMIT
from agentos.chat.errors import AgentClosed, AgentUnavailable, InvalidInput, KeyReused, QueueFull, WaitingForApproval, WrongState
from agentos.chat.idempotency import KEY_LIMIT
from agentos.chat.models import MESSAGE_LIMIT, TITLE_LIMIT, ChatSession, Feedback, Run, RunEvent
from agentos.chat.runs import dispatch, reaper
from agentos.core import clock
from tests.factories import AgentFactory, FeedbackFactory, RunEventFactory, RunFactory

HISTORY = [{"role": "user", "content": "Before"}]


def verbs() -> list[str]:
    return list(AuditRecord.objects.order_by("pk").values_list("verb", flat=True))


def end(run: Run, status: str = Run.Status.COMPLETED) -> Run:
    Run.objects.filter(pk=run.pk).update(status=status)
    run.refresh_from_db()
    return run


class TestSendMessage:
    def test_makes_a_session_with_a_title_and_a_queued_run(self, member: User, scripted: DjangoAgent) -> None:
        run = actions.send_message(by=member, agent=scripted, text=" \n\n  Draft a reply to the customer.\nIt is urgent.  ")
        assert run.status == Run.Status.QUEUED
        assert run.turn == 1
        assert run.input == "  Draft a reply to the customer.\nIt is urgent."  # its first line keeps its indentation: it may be code
        assert run.session.title == "Draft a reply to the customer."
        assert verbs() == ["chat.session.created", "chat.message.sent"]

    @pytest.mark.parametrize("text", ["    return total \n", " \n\n    return total"])
    def test_keeps_the_indentation_of_a_single_line(self, member: User, scripted: DjangoAgent, text: str) -> None:
        run = actions.send_message(by=member, agent=scripted, text=text)
        assert (run.input, run.session.title) == ("    return total", "return total")

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

    def test_that_is_waited_for_is_refused_behind_an_approval(self, session: ChatSession, member: User) -> None:
        waiting = end(actions.send_message(by=member, session=session, text="one"), Run.Status.WAITING)
        with pytest.raises(WaitingForApproval, match=session.session_id) as refusal:
            actions.send_message(by=member, session=session, text="two", idempotency_key="k", wants_answer=True)
        assert (refusal.value.status, refusal.value.headers["X-Session-ID"]) == (409, session.session_id)
        assert Run.objects.get() == waiting
        assert actions.send_message(by=member, session=session, text="two").status == Run.Status.QUEUED  # nobody waits for it
        end(waiting)
        again = actions.send_message(by=member, session=session, text="two", idempotency_key="k", wants_answer=True)
        assert again.turn == 3

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

    def test_takes_all_that_the_limits_allow(self, session: ChatSession, member: User) -> None:
        context = {"a": "x" * (CONTEXT_LIMIT - len('{"a": ""}'))}
        run = actions.send_message(by=member, session=session, text="hello", context=context, idempotency_key="k" * KEY_LIMIT)
        assert Run.objects.get(pk=run.pk).context == context
        with pytest.raises(InvalidInput, match="16,001"):
            actions.send_message(by=member, session=session, text="hello", context={"a": context["a"] + "x"})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("text", "something else"),
            ("context", {"a": 2}),
            ("options", {"format": {"type": "text"}}),
            ("history", [{"role": "user", "content": "After"}]),
        ],
    )
    def test_means_by_a_key_all_that_goes_with_the_message(self, member: User, scripted: DjangoAgent, name: str, value: Any) -> None:
        for given in ("context", "options", "history"):
            said: dict[str, Any] = {"text": "hello", "agent": scripted, "by": member, "idempotency_key": given}
            said[given] = {"context": {"a": 1}, "options": {"format": {"type": "json"}}, "history": HISTORY}[given]
            assert actions.send_message(**said).pk == actions.send_message(**said).pk
            with pytest.raises(KeyReused):
                actions.send_message(**{**said, name: value})

    def test_needs_somebody_to_answer(self, member: User) -> None:
        with pytest.raises(InvalidInput) as refusal:
            actions.send_message(by=member, text="hello")
        assert refusal.value.field == "agent_id"

    @pytest.mark.django_db(transaction=True)
    def test_is_stored_once_when_the_same_comes_twice_at_the_same_moment(
        self, session: ChatSession, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        together, sent, errors = threading.Barrier(2), list[int](), list[Exception]()
        check = limits.check_send

        def looked_for_the_key(user: User) -> None:
            together.wait()  # and neither has found it
            check(user)

        def send() -> None:
            try:
                sent.append(actions.send_message(by=member, session=session, text="hello", idempotency_key="k").pk)
            except Exception as error:  # noqa: BLE001
                errors.append(error)
            finally:
                connection.close()

        monkeypatch.setattr(limits, "check_send", looked_for_the_key)
        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(set(sent)) == Run.objects.count() == 1
        assert verbs().count("chat.message.sent") == 1


STARTS: dict[str, Callable[[Run, User], object]] = {
    "send": lambda run, by: actions.send_message(by=by, session=run.session, text="next"),
    "retry": lambda run, by: actions.retry_run(run=run, by=by),
    "continue": lambda run, by: actions.continue_run(run=run, by=by),
    "answer": lambda run, by: actions.answer_run(run=run, answers=[Answer("call_1")], by=by),
}


class TestEveryStartOfAnAnswer:
    """By a message, a retry, a continuation, or an answer to what a run asks: the same must hold."""

    @pytest.fixture(params=STARTS)
    def start(self, request: pytest.FixtureRequest) -> Callable[[Run, User], object]:
        return STARTS[request.param]

    @pytest.fixture
    def last(self, request: pytest.FixtureRequest, session: ChatSession, member: User) -> Run:
        if request.node.callspec.params["start"] == "answer":
            asks = {"call_id": "call_1", "kind": "confirm", "name": "post_letter", "args": {}, "fields": []}
            return RunFactory(session=session, by=member, status=Run.Status.WAITING, attempt=1, requirements=[asks])
        return RunFactory(session=session, by=member, status=Run.Status.INTERRUPTED)

    def test_needs_the_right_to_the_agent(self, start: Callable[[Run, User], object], last: Run, member: User) -> None:
        DjangoAgent.objects.update(is_global=False)
        with pytest.raises(AgentClosed):
            start(last, member)
        assert self.nothing_has_changed(last)

    def test_needs_an_agent_that_can_answer(self, start: Callable[[Run, User], object], last: Run, member: User) -> None:
        DjangoAgent.objects.update(model="anthropic:claude-without-a-key")
        with pytest.raises(AgentUnavailable):
            start(last, member)
        assert self.nothing_has_changed(last)

    def nothing_has_changed(self, last: Run) -> bool:
        before = (last.status, last.is_hidden, last.requirements)
        last.refresh_from_db()
        return (last.status, last.is_hidden, last.requirements) == before and Run.objects.get() == last

    def test_calls_the_driver_once_it_is_stored(
        self,
        start: Callable[[Run, User], object],
        last: Run,
        member: User,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        woken: list[int] = []
        monkeypatch.setattr(dispatch, "wake", woken.append)
        with django_capture_on_commit_callbacks(execute=True):
            start(last, member)
            assert woken == []
        assert woken == [last.session_id]

    def test_brings_its_chat_back_to_the_top(self, start: Callable[[Run, User], object], last: Run, member: User) -> None:
        before = clock.now()
        ChatSession.objects.update(is_archived=True, updated_at=before - timedelta(days=9))
        start(last, member)
        session = ChatSession.objects.get()
        assert not session.is_archived
        assert session.updated_at >= before
        assert Run.objects.order_by("-pk")[0].revision == session.revision

    def test_is_written_down(self, start: Callable[[Run, User], object], last: Run, member: User) -> None:
        start(last, member)
        newest = Run.objects.order_by("-pk")[0]
        record = AuditRecord.objects.order_by("-pk")[0]
        assert (record.actor, record.object_type, record.object_id) == (member, "run", newest.run_id)
        assert record.verb in {"chat.message.sent", "chat.run.retried", "chat.run.continued", "chat.run.answered"}


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

    @pytest.mark.parametrize(("status", "is_let_go"), [(Run.Status.RUNNING, True), (Run.Status.COMPLETED, False)])
    def test_lets_go_of_a_run_that_it_has_ended_and_of_no_other(
        self, status: str, is_let_go: bool, session: ChatSession, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that has ended by itself may still be writing that down."""
        let_go: list[int] = []
        monkeypatch.setattr(dispatch, "cancel", let_go.append)
        run = RunFactory(session=session, by=member, status=status, attempt=1)
        assert actions.stop_run(run=run, by=member) == is_let_go
        assert let_go == ([run.pk] if is_let_go else [])

    def test_withdraws_a_message_that_has_not_started(self, session: ChatSession, member: User) -> None:
        run = actions.send_message(by=member, session=session, text="hello")
        assert actions.stop_run(run=run, by=member)
        assert queries.turns(session).runs == []
        assert verbs()[-1] == "chat.message.withdrawn"


class TestEraseRun:
    """A program takes a turn back for good."""

    def test_leaves_nothing_of_what_was_said(self, session: ChatSession, member: User) -> None:
        RunFactory(session=session, by=member, input="Stays", answer="Here")
        run = RunFactory(session=session, by=member, input="canary", answer="canary", context={"a": "canary"})
        RunEventFactory(run=run, data={"text": "canary"})
        FeedbackFactory(run=run, by=member, note="canary")
        actions.rename_session(session=session, title="Named by a person", by=member)
        actions.erase_run(run=run, by=member)
        run.refresh_from_db()
        assert (run.is_hidden, run.input, run.answer, run.parts, run.context) == (True, "", "", [], {})
        assert not RunEvent.objects.exists()
        assert not Feedback.objects.exists()
        session.refresh_from_db()
        assert (session.title, session.deleted_at, run.revision) == ("Named by a person", None, session.revision)
        assert verbs()[-1] == "chat.run.erased"

    def test_leaves_no_title_that_was_made_of_the_message(self, session: ChatSession, member: User) -> None:
        run = actions.send_message(by=member, session=session, text="canary " * 20)
        actions.send_message(by=member, session=session, text="Stays")
        actions.erase_run(run=run, by=member)
        assert ChatSession.objects.get().title == ""

    def test_deletes_a_chat_of_which_nothing_is_left(self, session: ChatSession, member: User) -> None:
        RunFactory(session=session, by=member, is_hidden=True)
        actions.erase_run(run=RunFactory(session=session, by=member), by=member)
        assert ChatSession.objects.get().deleted_at is not None
        assert verbs()[-2:] == ["chat.run.erased", "chat.session.deleted"]

    @pytest.mark.parametrize("status", Run.OPEN)
    def test_stops_one_that_is_not_over(self, status: str, session: ChatSession, member: User) -> None:
        RunFactory(session=session, by=member)
        run = RunFactory(session=session, by=member, status=status, attempt=0 if status == Run.Status.QUEUED else 1)
        actions.erase_run(run=run, by=member)
        run.refresh_from_db()
        assert (run.status, run.input) == (Run.Status.STOPPED, "")


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

    def test_may_have_a_title_as_long_as_the_limit(self, session: ChatSession, member: User) -> None:
        actions.rename_session(session=session, title="x" * TITLE_LIMIT, by=member)
        session.refresh_from_db()
        assert session.title == "x" * TITLE_LIMIT

    def test_are_pinned_and_archived(self, session: ChatSession, member: User) -> None:
        actions.pin_session(session=session, pinned=True, by=member)
        actions.archive_session(session=session, archived=True, by=member)
        session.refresh_from_db()
        assert (session.is_pinned, session.is_archived) == (True, True)
        assert verbs()[-2:] == ["chat.session.pinned", "chat.session.archived"]
        actions.pin_session(session=session, pinned=False, by=member)
        actions.archive_session(session=session, archived=False, by=member)
        session.refresh_from_db()
        assert (session.is_pinned, session.is_archived) == (False, False)
        assert verbs()[-2:] == ["chat.session.unpinned", "chat.session.unarchived"]

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
        assert reaper.erase_deleted_sessions() == 0
        ChatSession.objects.update(deleted_at=clock.now() - reaper.UNDO_TIME - timedelta(seconds=1))
        assert reaper.erase_deleted_sessions() == 1
        assert not Run.objects.exists()
        assert verbs()[-1] == "chat.session.erased"
