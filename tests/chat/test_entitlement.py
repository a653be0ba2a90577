"""Runs that may not go on: whose they are, why, and how often that is asked."""

from datetime import timedelta
from typing import Any

import pytest

from agentos.access.models import Plan, Team, User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import Run
from agentos.chat.runs import entitlement
from agentos.chat.runs.entitlement import CLOSED, SUSPENDED, RunRights
from agentos.core import clock
from tests.factories import ChatSessionFactory, RunFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db


def run_of(user: User, agent: DjangoAgent, status: str = Run.Status.RUNNING) -> Run:
    made: Run = RunFactory(session=ChatSessionFactory(user=user, agent=agent), status=status, attempt=1)
    return made


class TestWhatIsLost:
    def test_is_each_open_run_of_a_suspended_person_and_no_other(
        self, suspended: User, member: User, everyone_agent: DjangoAgent, team_agent: DjangoAgent
    ) -> None:
        """Once, and for that: they may not use the agent either."""
        theirs = [run_of(suspended, team_agent, status) for status in Run.OPEN]
        run_of(suspended, everyone_agent, Run.Status.COMPLETED)
        run_of(member, everyone_agent)
        rights = RunRights()
        for _ in range(2):  # a suspension is asked about every time
            assert sorted(rights.lost()) == sorted((run.pk, SUSPENDED) for run in theirs)

    def test_is_what_is_asked_of_an_agent_that_is_closed(
        self, stranger: User, member: User, team_agent: DjangoAgent, everyone_agent: DjangoAgent
    ) -> None:
        barred = [run_of(stranger, team_agent, status) for status in Run.OPEN]
        run_of(stranger, team_agent, Run.Status.STOPPED)
        run_of(stranger, everyone_agent)
        run_of(member, team_agent)
        assert sorted(RunRights().lost()) == sorted((run.pk, CLOSED) for run in barred)

    def test_is_asked_of_agents_after_a_change_of_rights_only(
        self, member: User, support: Team, team_agent: DjangoAgent, django_assert_num_queries: Any
    ) -> None:
        run, rights = run_of(member, team_agent), RunRights()
        assert rights.lost() == []
        with django_assert_num_queries(2):  # who is suspended, and the version of the rights
            assert rights.lost() == []
        member.memberships.get().delete()
        assert rights.lost() == [(run.pk, CLOSED)]


class TestAnEndByTime:
    def test_has_come_when_the_period_is_over(
        self, stranger: User, pro: Plan, plan_agent: DjangoAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = clock.now()
        end = now + timedelta(hours=1)
        SubscriptionFactory(customer__user=stranger, plan=pro, current_period_end=end)
        run, rights = run_of(stranger, plan_agent), RunRights()
        assert not rights.is_behind()  # of which nothing is known yet
        assert rights.lost() == []
        for moment, is_behind in ((end - timedelta(seconds=1), False), (end, True)):
            monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
            assert rights.is_behind() == is_behind
        rights.end_of_time()
        assert rights.lost() == [(run.pk, CLOSED)]
        assert not rights.is_behind()


class TestStopping:
    @pytest.mark.parametrize("status", Run.OPEN)
    def test_ends_the_run_and_says_why(self, status: str, member: User, everyone_agent: DjangoAgent) -> None:
        run = run_of(member, everyone_agent, status)
        entitlement.stop(run.pk, SUSPENDED)
        run.refresh_from_db()
        assert (run.status, run.error_code, run.is_hidden) == (Run.Status.STOPPED, SUSPENDED, False)

    def test_changes_nothing_of_one_that_has_ended_meanwhile(self, member: User, everyone_agent: DjangoAgent) -> None:
        run = run_of(member, everyone_agent, Run.Status.COMPLETED)
        entitlement.stop(run.pk, SUSPENDED)
        run.refresh_from_db()
        assert (run.status, run.error_code) == (Run.Status.COMPLETED, "")


@pytest.mark.parametrize(("started", "finished", "seconds"), [(None, None, None), (0, None, None), (None, 3, None), (0, 3, 3.0)])
def test_a_run_took_as_long_as_from_its_start_to_its_end(started: int | None, finished: int | None, seconds: float | None) -> None:
    now = clock.now()
    begun, ended = (None if at is None else now + timedelta(seconds=at) for at in (started, finished))
    assert Run(started_at=begun, finished_at=ended).seconds == seconds


@pytest.mark.parametrize(
    ("status", "cut", "is_broken_off"),
    [
        (Run.Status.COMPLETED, "", False),
        (Run.Status.COMPLETED, "length", True),
        (Run.Status.STOPPED, "", True),
        (Run.Status.RUNNING, "", False),
    ],
)
def test_a_run_is_broken_off_where_its_answer_is_not_whole(status: str, cut: str, is_broken_off: bool) -> None:
    assert Run(status=status, cut=cut).is_broken_off == is_broken_off
