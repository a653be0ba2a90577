"""A chat as a page shows it: its turns, which of them is the last, and where the live stream goes on."""

import pytest

from agentos.access.models import User
from agentos.chat.asks import Ask
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.transcript import open_transcript, shown_parts
from agentos.chat.models import ChatSession, Run
from tests.factories import ChatSessionFactory, RunEventFactory, RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(member: User) -> ChatSession:
    made: ChatSession = ChatSessionFactory(user=member, revision=7)
    for _ in range(3):
        RunFactory(session=made)
    return made


class TestThePage:
    def test_knows_its_last_turn(self, session: ChatSession) -> None:
        assert [turn.is_last for turn in open_transcript(session, may_write=True).turns] == [False, False, True]

    def test_of_older_turns_has_no_last_one(self, session: ChatSession) -> None:
        page = open_transcript(session, may_write=True, before=3)
        assert [(turn.run.turn, turn.is_last) for turn in page.turns] == [(1, False), (2, False)]
        assert page.older is None

    def test_of_an_empty_chat_is_empty(self, member: User) -> None:
        page = open_transcript(ChatSessionFactory(user=member), may_write=True)
        assert (page.turns, page.older, page.is_busy) == ([], None, False)

    @pytest.mark.parametrize(("status", "is_busy"), [(status, status in Run.OPEN) for status in Run.Status])
    def test_is_busy_while_a_turn_is_open(self, session: ChatSession, status: str, is_busy: bool) -> None:
        Run.objects.filter(turn=3).update(status=status)
        assert open_transcript(session, may_write=True).is_busy == is_busy


class TestTheCursor:
    def test_is_the_chats_revision_while_nothing_runs(self, session: ChatSession) -> None:
        assert open_transcript(session, may_write=True).cursor == str(Cursor(7))

    def test_is_at_the_journals_end_of_the_run_that_runs(self, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.RUNNING)
        for _ in range(2):
            RunEventFactory(run=run)
        page = open_transcript(session, may_write=True)
        assert page.cursor == str(Cursor(7, run.pk, 2))
        assert shown_parts(run) == ([{"kind": "text", "text": "word word "}], 2)

    def test_holds_no_line_of_a_run_that_has_ended(self, session: ChatSession) -> None:
        run = session.runs.get(turn=3)
        RunEventFactory(run=run)
        assert shown_parts(run) == (run.parts, 0)


class TestWhatIsAsked:
    def test_is_shown_again_as_it_was_typed(self, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.WAITING, requirements=[])
        typed = [Ask("ask-1", "call_1", "Send", (), is_form=False, fields=[], note="Soon")]
        turns = open_transcript(session, may_write=True, asks={run.pk: typed}).turns
        assert {turn.run.pk: turn.asks for turn in turns if turn.asks} == {run.pk: typed}
