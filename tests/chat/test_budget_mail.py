"""Telling people of budgets: whom, how often, and who wants no mail."""

from typing import Any

import pytest

from agentos.access import outbox
from agentos.access.actions import change_preferences
from agentos.access.models import Letter, Team, User
from agentos.agents.events import Finished
from agentos.agents.models import DjangoAgent
from agentos.chat import budget_mail
from agentos.chat.actions.budgets import set_budget
from agentos.chat.models import Run
from agentos.chat.runs.ending import end_run
from agentos.core import notices
from agentos.core.security.secrets import unseal
from tests.chat.test_budgets import DOLLAR, spend
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "wake", lambda: None)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    monkeypatch.setattr(notices, "send", lambda user_pk, sentence: found.append((user_pk, sentence)))
    return found


def mailed() -> list[tuple[str, str]]:
    return list(Letter.objects.order_by("pk").values_list("to", "subject"))


def look(user: User, agent: DjangoAgent) -> None:
    budget_mail.look(user.pk, agent.pk)


class TestWhen:
    def test_once_at_four_fifths_and_once_when_it_is_used_up(
        self, member: User, team_agent: DjangoAgent, said: list[tuple[int, str]]
    ) -> None:
        set_budget(of="each", micro_a_month=DOLLAR, by=None)
        for micro, mails in ((799_999, 0), (1, 1), (100_000, 1), (100_000, 2), (100_000, 2)):
            spend(member, team_agent, micro)
            look(member, team_agent)
            assert len(mailed()) == mails
        assert mailed() == [
            ("member@example.com", "Your budget for this month is nearly used up"),
            ("member@example.com", "Your budget for this month is used up"),
        ]
        assert said == [(member.pk, f"{subject}.") for _, subject in mailed()]
        text = unseal(Letter.objects.latest("pk").text)
        assert "$1.00 of $1.00 are spent. No answer begins" in text
        assert "/agentos/settings/usage/" in text

    def test_of_each_person_by_themselves(self, member: User, owner: User, team_agent: DjangoAgent) -> None:
        set_budget(of="each", micro_a_month=DOLLAR, by=None)
        for user in (member, owner):
            spend(user, team_agent, DOLLAR)
            look(user, team_agent)
        assert [to for to, _ in mailed()] == ["member@example.com", "owner@example.com"]

    def test_again_of_a_larger_one_and_in_another_month(
        self, member: User, team_agent: DjangoAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_budget(of="person", whose=member, micro_a_month=DOLLAR, by=None)
        spend(member, team_agent, DOLLAR)
        look(member, team_agent)
        set_budget(of="person", whose=member, micro_a_month=DOLLAR + 1, by=None)
        look(member, team_agent)
        assert len(mailed()) == 2

    def test_when_an_answer_ends(self, member: User, everyone_agent: DjangoAgent, django_capture_on_commit_callbacks: Any) -> None:
        set_budget(of="each", micro_a_month=DOLLAR, is_hard=False, by=None)
        spend(member, everyone_agent, DOLLAR)
        run = RunFactory(session=ChatSessionFactory(user=member, agent=everyone_agent), by=member, status=Run.Status.RUNNING)
        assert mailed() == []
        with django_capture_on_commit_callbacks(execute=True):
            assert end_run(run_pk=run.pk, event=Finished())
        assert mailed() == [("member@example.com", "Your budget for this month is used up")]
        assert "Answers go on." in unseal(Letter.objects.get().text)

    @pytest.mark.django_db(transaction=True)
    def test_no_answer_is_lost_because_nobody_can_be_told(
        self, member: User, everyone_agent: DjangoAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_budget(of="each", micro_a_month=DOLLAR, by=None)
        spend(member, everyone_agent, DOLLAR)
        run = RunFactory(session=ChatSessionFactory(user=member, agent=everyone_agent), by=member, status=Run.Status.RUNNING)
        with monkeypatch.context() as broken:
            broken.setattr(outbox, "post", lambda *_args, **_about: 1 / 0)
            assert end_run(run_pk=run.pk, event=Finished())
        run.refresh_from_db()
        assert run.status == Run.Status.COMPLETED
        look(member, everyone_agent)
        assert len(mailed()) == 1  # what nobody was told of is told by the next answer

    def test_for_no_query_while_there_is_no_budget(self, member: User, team_agent: DjangoAgent, django_assert_num_queries: Any) -> None:
        look(member, team_agent)
        with django_assert_num_queries(0):
            look(member, team_agent)


class TestWhom:
    @pytest.mark.parametrize(
        ("of", "to", "subject"),
        [
            ("site", "operator@example.com", "The budget of this site for this month is used up"),
            ("team", "owner@example.com", "The budget of the agents of team Support for this month is used up"),
            ("agent", "owner@example.com", "The budget of the agent Support Writer for this month is used up"),
            ("person", "member@example.com", "Your budget for this month is used up"),
        ],
    )
    def test_whoever_looks_after_it(
        self, owner: User, member: User, operator: User, support: Team, team_agent: DjangoAgent, of: str, to: str, subject: str
    ) -> None:
        whose: Any = {"person": member, "team": support, "agent": team_agent}.get(of)
        set_budget(of=of, whose=whose, micro_a_month=DOLLAR, by=None)
        spend(member, team_agent, DOLLAR)
        look(member, team_agent)
        assert mailed() == [(to, subject)]

    def test_operators_of_an_agent_without_a_team(self, member: User, operator: User) -> None:
        agent = AgentFactory(is_global=True)
        set_budget(of="agent", whose=agent, micro_a_month=DOLLAR, by=None)
        spend(member, agent, DOLLAR)
        look(member, agent)
        assert [to for to, _ in mailed()] == ["operator@example.com"]

    def test_nobody_who_wants_no_mail_but_by_a_notice(self, member: User, team_agent: DjangoAgent, said: list[tuple[int, str]]) -> None:
        change_preferences(by=member, budget_mails=False)
        set_budget(of="each", micro_a_month=DOLLAR, by=None)
        spend(member, team_agent, DOLLAR)
        look(member, team_agent)
        assert mailed() == []
        assert said == [(member.pk, "Your budget for this month is used up.")]

    def test_no_one_who_is_suspended(self, support: Team, owner: User, member: User, team_agent: DjangoAgent) -> None:
        User.objects.filter(pk=owner.pk).update(is_active=False)
        set_budget(of="team", whose=support, micro_a_month=DOLLAR, by=None)
        spend(member, team_agent, DOLLAR)
        look(member, team_agent)
        assert mailed() == []
