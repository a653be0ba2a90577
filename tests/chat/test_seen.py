"""What is unread: an answer that ended, or began to wait, while no tab of its chat's owner showed the chat."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents.events import Event, Failed, Finished, Interrupted, Stopped, Waiting
from agentos.chat import actions, seen
from agentos.chat.models import ChatSession, Run
from agentos.chat.registry import OpenStream, registry
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.core.pubsub import pubsub
from tests.factories import RunFactory

Unseen = ChatSession.Unseen


@pytest.fixture
def running(session: ChatSession, member: User) -> Run:
    actions.send_message(by=member, session=session, text="Hello")
    run = claim_next(session.pk, timedelta(seconds=30))
    assert run
    return run


@pytest.fixture
def tab(session: ChatSession, member: User) -> Iterator[OpenStream]:
    opened = registry.open(member, "key", None, session_pk=session.pk)
    yield opened
    registry.close(opened)


def unseen(session: ChatSession) -> str:
    return ChatSession.objects.get(pk=session.pk).unseen


class TestAnAnswerThatNobodySaw:
    @pytest.mark.parametrize(
        ("event", "left"),
        [
            (Finished(), Unseen.ANSWER),
            (Finished(cut="length"), Unseen.ANSWER),
            (Waiting(requirements=[{"name": "send"}]), Unseen.ANSWER),
            (Failed("model_silent"), Unseen.FAILURE),
            (Interrupted(), Unseen.FAILURE),
            (Stopped("agent_closed"), Unseen.FAILURE),
        ],
    )
    def test_is_unread(self, running: Run, event: Event, left: str) -> None:
        assert unseen(running.session) == Unseen.NOTHING
        end_run(run_pk=running.pk, event=event, attempt=1)
        assert unseen(running.session) == left

    def test_is_not_when_its_owner_stops_it(self, running: Run, member: User) -> None:
        actions.stop_run(run=running, by=member)
        assert unseen(running.session) == Unseen.NOTHING

    def test_is_when_somebody_else_stops_it(self, running: Run, stranger: User) -> None:
        actions.stop_run(run=running, by=stranger)
        assert unseen(running.session) == Unseen.FAILURE

    def test_is_also_a_message_that_can_no_longer_be_answered(self, session: ChatSession, member: User) -> None:
        run = actions.send_message(by=member, session=session, text="Hello")
        actions.stop_run(run=run, by=None, code="agent_closed")
        assert unseen(session) == Unseen.FAILURE

    def test_is_none_when_a_message_is_withdrawn(self, session: ChatSession, member: User) -> None:
        run = actions.send_message(by=member, session=session, text="Hello")
        actions.stop_run(run=run, by=member)
        assert unseen(session) == Unseen.NOTHING

    def test_costs_no_query_more(self, session: ChatSession, member: User, tab: OpenStream) -> None:
        def cost() -> int:
            actions.send_message(by=member, session=session, text="Hello")
            run = claim_next(session.pk, timedelta(seconds=30))
            assert run
            with CaptureQueriesContext(connection) as asked:
                end_run(run_pk=run.pk, event=Finished(), attempt=1)
            return len(asked)

        looked_at = cost()
        registry.close(tab)
        assert cost() == looked_at
        assert unseen(session) == Unseen.ANSWER


class TestAnAnswerThatATabShows:
    def test_is_seen(self, running: Run, tab: OpenStream) -> None:
        end_run(run_pk=running.pk, event=Finished(), attempt=1)
        assert unseen(running.session) == Unseen.NOTHING

    def test_makes_the_one_before_seen_too(self, running: Run, tab: OpenStream) -> None:
        ChatSession.objects.update(unseen=Unseen.FAILURE)
        end_run(run_pk=running.pk, event=Finished(), attempt=1)
        assert unseen(running.session) == Unseen.NOTHING

    def test_is_unread_when_the_last_of_two_tabs_was_closed(self, running: Run, tab: OpenStream, member: User) -> None:
        other = registry.open(member, "key", None, session_pk=running.session_id)
        for opened in (other, tab):
            assert registry.shown[running.session_id]
            registry.close(opened)
        assert running.session_id not in registry.shown
        end_run(run_pk=running.pk, event=Finished(), attempt=1)
        assert unseen(running.session) == Unseen.ANSWER

    def test_is_unread_when_the_tab_shows_another_chat(self, running: Run, member: User) -> None:
        opened = registry.open(member, "key", None, session_pk=RunFactory().session_id)
        end_run(run_pk=running.pk, event=Finished(), attempt=1)
        registry.close(opened)
        assert unseen(running.session) == Unseen.ANSWER


@pytest.mark.django_db(transaction=True)
class TestLook:
    @pytest.fixture
    def waiting(self, session: ChatSession) -> ChatSession:
        session.unseen = Unseen.ANSWER
        session.save(update_fields=["unseen"])
        return session

    def test_takes_the_mark_away_and_tells_the_lists(self, waiting: ChatSession) -> None:
        before = pubsub.version(f"user:{waiting.user_id}")
        seen.look(waiting)
        assert (waiting.unseen, unseen(waiting)) == (Unseen.NOTHING, Unseen.NOTHING)
        assert pubsub.version(f"user:{waiting.user_id}") != before

    def test_writes_nothing_where_nothing_is_unread(self, session: ChatSession) -> None:
        before = pubsub.version(f"user:{session.user_id}")
        with CaptureQueriesContext(connection) as asked:
            seen.look(session)
        assert len(asked) == 0
        assert pubsub.version(f"user:{session.user_id}") == before

    def test_leaves_what_has_come_since(self, waiting: ChatSession) -> None:
        ChatSession.objects.filter(pk=waiting.pk).update(revision=waiting.revision + 1)
        seen.look(waiting)
        assert unseen(waiting) == Unseen.ANSWER
