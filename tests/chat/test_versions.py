"""Versions of a turn: an edit and a retry keep what was there, and one switches between them."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from agentos.access.models import User
from agentos.agents.events import Finished
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions, queries
from agentos.chat.errors import AgentClosed, InvalidInput, NoSuchVersion, WrongState
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs.ending import end_run
from tests.factories import RunFactory

pytestmark = pytest.mark.django_db


def ended(run: Run) -> Run:
    """The run as it is when it has been answered."""
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, attempt=1)
    end_run(run_pk=run.pk, event=Finished(), attempt=1)
    run.refresh_from_db()
    return run


@pytest.fixture
def turns(session: ChatSession, member: User) -> list[Run]:
    return [ended(actions.send_message(by=member, session=session, text=f"Question {turn}")) for turn in (1, 2, 3)]


def shown(session: ChatSession) -> list[str]:
    return [run.input for run in queries.turns(session).runs]


def places(run: Run) -> list[tuple[int, int, int, int]]:
    return [(one.edition, one.editions, one.version, one.versions) for one in queries.versions(run)]


class TestOfAnEarlierVersion:
    """A turn that stands behind a version of an earlier one that is not chosen."""

    def test_is_shown_with_what_it_follows(self, session: ChatSession, turns: list[Run], member: User) -> None:
        edited = ended(actions.edit_message(run=turns[0], text="Another start", by=member))
        again = ended(actions.send_message(by=member, session=session, text="Another second"))
        assert actions.choose_version(run=Run.objects.get(pk=turns[2].pk), by=member) == turns[2]
        assert shown(session) == ["Question 1", "Question 2", "Question 3"]
        assert [run.input for run in queries.turns_through(again).runs] == ["Another start", "Another second"]
        actions.choose_version(run=Run.objects.get(pk=again.pk), by=member)
        assert shown(session) == ["Another start", "Another second"]
        assert queries.turns_through(edited).runs == [edited]

    def test_leads_past_what_was_erased(self, session: ChatSession, turns: list[Run], member: User) -> None:
        actions.erase_run(run=turns[1], by=member)
        assert [run.input for run in queries.turns_through(turns[2]).runs] == ["Question 1", "Question 3"]
        actions.edit_message(run=turns[0], text="Another start", by=member)
        Run.objects.filter(status=Run.Status.QUEUED).update(status=Run.Status.COMPLETED)
        actions.choose_version(run=Run.objects.get(pk=turns[2].pk), by=member)
        assert shown(session) == ["Question 1", "Question 3"]

    def test_is_read_in_pages(self, session: ChatSession, turns: list[Run]) -> None:
        found = queries.turns_through(turns[2], limit=2)
        assert ([run.turn for run in found.runs], found.older) == ([2, 3], 2)


class TestEditMessage:
    def test_says_it_differently_in_the_same_chat(self, session: ChatSession, turns: list[Run], member: User) -> None:
        edited = actions.edit_message(run=turns[1], text="Question 2, better", by=member)
        assert shown(session) == ["Question 1", "Question 2, better"]
        assert (edited.session, edited.status, edited.turn, edited.follows) == (session, Run.Status.QUEUED, 2, turns[0].pk)
        assert [turn.message for turn in queries.history(edited, 20)] == ["Question 1"]
        assert places(edited) == [(1, 2, 1, 1), (2, 2, 1, 1)]
        assert AuditRecord.objects.latest("pk").verb == "chat.message.edited"
        assert ChatSession.objects.count() == 1

    def test_of_the_first_message_names_the_chat_after_the_new_one(self, session: ChatSession, turns: list[Run], member: User) -> None:
        actions.edit_message(run=turns[0], text="Another start", by=member)
        session.refresh_from_db()
        assert session.title == "Another start"

    def test_leaves_a_title_that_a_person_gave(self, session: ChatSession, turns: list[Run], member: User) -> None:
        actions.rename_session(session=session, title="Mine", by=member)
        actions.edit_message(run=turns[0], text="Another start", by=member)
        session.refresh_from_db()
        assert session.title == "Mine"

    def test_waits_for_an_answer_that_is_being_written(self, session: ChatSession, turns: list[Run], member: User) -> None:
        actions.send_message(by=member, session=session, text="Question 4")
        with pytest.raises(WrongState):
            actions.edit_message(run=turns[0], text="Better", by=member)
        assert len(shown(session)) == 4

    def test_changes_nothing_when_the_words_are_refused(self, session: ChatSession, turns: list[Run], member: User) -> None:
        with pytest.raises(InvalidInput):
            actions.edit_message(run=turns[0], text=" ", by=member)
        assert len(shown(session)) == 3

    def test_refuses_an_agent_that_was_taken_away(self, session: ChatSession, turns: list[Run], member: User) -> None:
        DjangoAgent.objects.update(is_active=False)
        with pytest.raises(AgentClosed):
            actions.edit_message(run=turns[0], text="Better", by=member)

    def test_refuses_what_is_not_shown_and_what_is_no_message_of_a_person(
        self, session: ChatSession, turns: list[Run], member: User
    ) -> None:
        ended(actions.edit_message(run=turns[2], text="Better", by=member))
        with pytest.raises(WrongState):
            actions.edit_message(run=turns[2], text="Again", by=member)
        Run.objects.filter(pk=turns[1].pk).update(continues=turns[0])
        with pytest.raises(WrongState):
            actions.edit_message(run=turns[1], text="Again", by=member)

    def test_that_is_withdrawn_gives_back_what_was_shown(self, session: ChatSession, turns: list[Run], member: User) -> None:
        edited = actions.edit_message(run=turns[1], text="Better", by=member)
        actions.stop_run(run=edited, by=member)
        assert shown(session) == ["Question 1", "Question 2", "Question 3"]
        assert places(turns[1]) == [(1, 1, 1, 1)]


class TestRetry:
    def test_keeps_the_answer_that_was_there(self, session: ChatSession, turns: list[Run], member: User) -> None:
        second = ended(actions.retry_run(run=turns[2], by=member))
        third = ended(actions.retry_run(run=second, by=member))
        assert places(third) == [(1, 1, 1, 3), (1, 1, 2, 3), (1, 1, 3, 3)]
        assert queries.turns(session).runs[-1] == third

    def test_belongs_to_its_edition_of_the_message(self, session: ChatSession, turns: list[Run], member: User) -> None:
        edited = ended(actions.edit_message(run=turns[2], text="Better", by=member))
        again = ended(actions.retry_run(run=edited, by=member))
        assert places(again) == [(1, 2, 1, 1), (2, 2, 1, 2), (2, 2, 2, 2)]

    def test_that_is_withdrawn_gives_back_the_answer(self, session: ChatSession, turns: list[Run], member: User) -> None:
        actions.stop_run(run=actions.retry_run(run=turns[2], by=member), by=member)
        assert queries.turns(session).runs[-1] == turns[2]
        assert places(turns[2]) == [(1, 1, 1, 1)]


class TestChooseVersion:
    def test_brings_back_what_came_after_it(self, session: ChatSession, turns: list[Run], member: User) -> None:
        edited = ended(actions.edit_message(run=turns[0], text="Other", by=member))
        ended(actions.send_message(by=member, session=session, text="Other 2"))
        actions.choose_version(run=edited, by=member, edition=1)
        assert shown(session) == ["Question 1", "Question 2", "Question 3"]
        actions.choose_version(run=turns[0], by=member, edition=2)
        assert shown(session) == ["Other", "Other 2"]
        assert AuditRecord.objects.latest("pk").verb == "chat.version.chosen"

    def test_brings_back_the_versions_that_were_shown_last(self, session: ChatSession, turns: list[Run], member: User) -> None:
        third = ended(actions.edit_message(run=turns[2], text="Question 3, better", by=member))
        actions.choose_version(run=third, by=member, edition=1)
        first = ended(actions.edit_message(run=turns[0], text="Other", by=member))
        actions.choose_version(run=first, by=member, edition=1)
        assert shown(session) == ["Question 1", "Question 2", "Question 3"]
        actions.choose_version(run=third, by=member)
        actions.choose_version(run=first, by=member)
        actions.choose_version(run=turns[0], by=member)
        assert shown(session) == ["Question 1", "Question 2", "Question 3, better"]

    def test_is_where_the_next_message_goes_on(self, session: ChatSession, turns: list[Run], member: User) -> None:
        second = ended(actions.retry_run(run=turns[2], by=member))
        actions.choose_version(run=second, by=member, version=1)
        following = actions.send_message(by=member, session=session, text="Question 4")
        assert (following.turn, following.follows) == (4, turns[2].pk)
        ended(following)
        actions.choose_version(run=turns[2], by=member, version=2)
        assert shown(session) == ["Question 1", "Question 2", "Question 3"]
        actions.choose_version(run=second, by=member, version=1)
        assert shown(session)[3:] == ["Question 4"]

    def test_waits_for_an_answer_that_is_being_written(self, session: ChatSession, turns: list[Run], member: User) -> None:
        actions.retry_run(run=turns[2], by=member)
        with pytest.raises(WrongState):
            actions.choose_version(run=turns[2], by=member)

    def test_knows_only_versions_of_this_turn(self, session: ChatSession, turns: list[Run], member: User) -> None:
        for number in ({"version": 2}, {"edition": 2}, {"version": 0}, {"edition": 0}):
            with pytest.raises(NoSuchVersion):
                actions.choose_version(run=turns[2], by=member, **number)
        Run.objects.filter(pk=turns[2].pk).update(version=0)
        with pytest.raises(NoSuchVersion):
            actions.choose_version(run=turns[2], by=member)

    def test_of_what_is_shown_changes_nothing(self, session: ChatSession, turns: list[Run], member: User) -> None:
        session.refresh_from_db()
        before = session.revision
        assert actions.choose_version(run=turns[1], by=member) == turns[1]
        session.refresh_from_db()
        assert session.revision == before


class TestErasing:
    def test_of_a_version_numbers_the_others_again(self, session: ChatSession, turns: list[Run], member: User) -> None:
        second = ended(actions.retry_run(run=turns[2], by=member))
        third = ended(actions.retry_run(run=second, by=member))
        before = third.revision
        actions.erase_run(run=second, by=member)
        third.refresh_from_db()
        assert places(third) == [(1, 1, 1, 2), (1, 1, 2, 2)]
        assert third.revision > before  # open tabs show another number

    def test_of_an_edition_numbers_the_others_again(self, session: ChatSession, turns: list[Run], member: User) -> None:
        second = ended(actions.edit_message(run=turns[2], text="Second", by=member))
        third = ended(actions.edit_message(run=second, text="Third", by=member))
        actions.erase_run(run=second, by=member)
        assert places(third) == [(1, 2, 1, 1), (2, 2, 1, 1)]

    def test_of_a_turn_keeps_what_came_after_it(self, session: ChatSession, turns: list[Run], member: User) -> None:
        edited = ended(actions.edit_message(run=turns[0], text="Other", by=member))
        actions.choose_version(run=edited, by=member, edition=1)
        actions.erase_run(run=turns[1], by=member)
        actions.choose_version(run=turns[0], by=member, edition=2)
        actions.choose_version(run=edited, by=member, edition=1)
        assert shown(session) == ["Question 1", "Question 3"]


class TestForks:
    def test_hold_what_is_shown_as_the_only_version(self, session: ChatSession, turns: list[Run], member: User) -> None:
        ended(actions.retry_run(run=turns[2], by=member))
        fork = actions.fork_session(session=session, through_turn=3, by=member)
        copies = queries.turns(fork).runs
        assert [copy.follows for copy in copies] == [None, copies[0].pk, copies[1].pk]
        assert places(copies[2]) == [(1, 1, 1, 1)]


class TestMigration:
    def test_makes_versions_of_what_retries_have_replaced(self, session: ChatSession, member: User) -> None:
        first = RunFactory(session=session, by=member, turn=1)
        replaced = RunFactory(session=session, by=member, turn=2, is_hidden=True)
        withdrawn = RunFactory(session=session, by=member, turn=2, is_hidden=True, status="stopped", attempt=0)
        erased = RunFactory(session=session, by=member, turn=2, is_hidden=True, input="")
        last = RunFactory(session=session, by=member, turn=2)
        import_module("agentos.chat.migrations.0009_versions_of_turns").number_versions(apps, SimpleNamespace(connection=connection))
        places = {run.pk: (run.follows, run.version, run.versions) for run in Run.objects.all()}
        assert places[first.pk] == (None, 1, 1)
        assert places[replaced.pk] == (first.pk, 1, 2)
        assert places[last.pk] == (first.pk, 2, 2)
        assert (places[withdrawn.pk][1], places[erased.pk][1]) == (0, 0)
