"""What a user finds of their chats: pages, the archive, the turns of one."""

from datetime import timedelta

import pytest

from agentos.access import allowances
from agentos.access.models import User
from agentos.chat import queries
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs import ending
from agentos.core import clock
from tests.factories import ChatSessionFactory, PlanFactory, RunEventFactory, RunFactory

LONG_AGO = timedelta(days=9)


def titles(sessions: list[ChatSession]) -> list[str]:
    return [session.title for session in sessions]


class TestPages:
    def test_have_a_next_one_only_when_there_is_more(self, member: User) -> None:
        ChatSessionFactory.create_batch(queries.PAGE_SESSIONS, user=member)
        assert queries.recent_sessions(member).next == ""
        ChatSessionFactory(user=member)
        first = queries.recent_sessions(member)
        assert len(first.sessions) == queries.PAGE_SESSIONS
        assert len(queries.recent_sessions(member, before=first.next).sessions) == 1

    def test_tell_chats_of_the_same_moment_apart(self, member: User) -> None:
        sessions = ChatSessionFactory.create_batch(2 * queries.PAGE_SESSIONS, user=member)
        ChatSession.objects.update(updated_at=clock.now())
        first = queries.recent_sessions(member)
        second = queries.recent_sessions(member, before=first.next)
        assert {session.pk for session in [*first.sessions, *second.sessions]} == {session.pk for session in sessions}

    def test_of_the_archive_have_what_was_pinned_too(self, member: User) -> None:
        ChatSessionFactory(user=member, title="Both", is_pinned=True, is_archived=True)
        ChatSessionFactory(user=member, title="Neither")
        ChatSessionFactory(user=member, title="Pinned", is_pinned=True)
        assert titles(queries.recent_sessions(member, archived=True).sessions) == ["Both"]
        assert titles(queries.recent_sessions(member).sessions) == ["Neither"]
        assert titles(queries.pinned_sessions(member)) == ["Pinned"]

    @pytest.mark.parametrize(
        "place",
        [
            "",
            "x",
            "2026-01-01~5",
            "2026-01-01T00:00:00~5",
            "2026-01-01T00:00:00+00:00~",
            "2026-01-01T00:00:00+00:00~-1",
            f"2026-01-01T00:00:00+00:00~{'1' * 19}",
        ],
    )
    def test_begin_again_where_the_place_is_not_one_of_ours(self, member: User, place: str) -> None:
        ChatSessionFactory(user=member, title="Only one")
        assert titles(queries.recent_sessions(member, before=place).sessions) == ["Only one"]


class TestAChat:
    def test_is_running_while_a_message_waits_for_its_turn(self, member: User) -> None:
        for status, is_running, is_waiting in (
            (Run.Status.QUEUED, True, False),
            (Run.Status.RUNNING, True, False),
            (Run.Status.WAITING, False, True),
            (Run.Status.COMPLETED, False, False),
        ):
            session = ChatSessionFactory(user=member)
            RunFactory(session=session, status=status)
            found = queries.listed_session(member, session.pk)
            assert found is not None
            assert (found.is_running, found.is_waiting) == (is_running, is_waiting)  # type: ignore[attr-defined]

    def test_can_be_brought_back_by_its_owner_alone(self, member: User, stranger: User) -> None:
        session = ChatSessionFactory(user=member, deleted_at=clock.now())
        assert queries.deleted_session_for(member, session.session_id) == session
        assert queries.deleted_session_for(stranger, session.session_id) is None
        assert queries.session_for(member, session.session_id) is None
        assert queries.deleted_session_for(member, ChatSessionFactory(user=member).session_id) is None

    def test_hides_its_runs_with_itself(self, member: User, stranger: User) -> None:
        run = RunFactory(session=ChatSessionFactory(user=member))
        assert queries.run_for(member, run.run_id) == run
        assert queries.run_for(stranger, run.run_id) is None
        ChatSession.objects.update(deleted_at=clock.now())
        assert queries.run_for(member, run.run_id) is None

    def test_knows_its_forks(self, member: User) -> None:
        session = ChatSessionFactory(user=member)
        fork = ChatSessionFactory(user=member, forked_from=session)
        ChatSessionFactory(user=member)
        assert queries.forks_of(session) == [fork]


class TestAnOpenAnswer:
    def test_is_what_the_journal_says_up_to_its_last_line(self, member: User) -> None:
        run = RunFactory(session=ChatSessionFactory(user=member), status=Run.Status.RUNNING, answer="", parts=[])
        assert queries.parts_so_far(run) == ([], 0)
        for _ in range(2):
            RunEventFactory(run=run)
        assert queries.parts_so_far(run) == ([{"kind": "text", "text": "word word "}], 2)


class TestCost:
    def test_no_more_rows_are_read_than_are_looked_at(self, member: User) -> None:
        """However long a chat is, and however many plans there are."""
        session = ChatSessionFactory(user=member)
        for _ in range(3):
            run = RunFactory(session=session, status=Run.Status.QUEUED)
            RunEventFactory(run=run)
            RunEventFactory(run=run)
            PlanFactory(runs_a_day=1)
        assert len(queries._NEWEST_TURN.rows(session.pk)) == 1
        assert len(queries._FIRST_TOKEN.rows(run.pk)) == 1
        assert len(ending._QUEUED.rows(session.pk)) == 1
        assert len(allowances._LIMITING.rows()) == 1


class TestTurns:
    def test_have_older_ones_only_when_there_are_more(self, member: User) -> None:
        session = ChatSessionFactory(user=member)
        for _ in range(5):
            RunFactory(session=session)
        assert queries.turns(session, limit=5).older is None
        page = queries.turns(session, limit=2)
        assert ([run.turn for run in page.runs], page.older) == ([4, 5], 4)
        page = queries.turns(session, before=4, limit=2)
        assert ([run.turn for run in page.runs], page.older) == ([2, 3], 2)

    def test_are_given_to_the_model_as_they_ended(self, member: User) -> None:
        """The last ones before the run: no hidden ones, and none that is still open."""
        session = ChatSessionFactory(user=member)
        for number in range(1, 5):
            RunFactory(session=session, turn=number, input=f"Q{number}")
        RunFactory(session=session, turn=4, input="Taken back", is_hidden=True)
        RunFactory(session=session, turn=5, input="Waits", status=Run.Status.WAITING)
        run = RunFactory(session=session, turn=6, status=Run.Status.QUEUED)
        assert [turn.message for turn in queries.history(run, 3)] == ["Q3", "Q4"]
        assert [turn.message for turn in queries.history(run, 10)] == ["Q1", "Q2", "Q3", "Q4"]
