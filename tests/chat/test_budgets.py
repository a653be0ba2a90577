"""Budgets: whose they are, that they are told of before they are used up, and that nobody gets past one by sending at once."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import Team, User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions, budgets
from agentos.chat.actions.budgets import set_budget
from agentos.chat.errors import BudgetReached
from agentos.chat.models import Run
from agentos.chat.usage_models import Budget, MonthlyUsage
from agentos.core import clock
from tests.api.calls import ROOT, assert_refused, post
from tests.factories import AgentFactory, ChatSessionFactory
from tests.html import page

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
PAGE = "/agentos/settings/budgets/"
DOLLAR = 1_000_000

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def spend(user: User, agent: DjangoAgent, micro: int, *, answers: int = 1, month: int = 0) -> None:
    day = clock.now().date().replace(day=1)
    if month:
        day = day.replace(month=month)
    numbers = {"cost_micro": micro, "answers": answers}
    MonthlyUsage.objects.create(day=day, user=user, agent=agent, team=agent.team, model=f"m{MonthlyUsage.objects.count()}", **numbers)


def send(user: User, agent: DjangoAgent) -> Run:
    return actions.send_message(by=user, text="Hi", agent=agent)


class TestWhoseItIs:
    @pytest.mark.parametrize("of", ["site", "each", "person", "team", "agent"])
    def test_it_stops_whom_it_is_of(self, now: None, member: User, owner: User, team_agent: DjangoAgent, of: str) -> None:
        whose: Any = {"person": member, "team": team_agent.team, "agent": team_agent}.get(of)
        set_budget(of=of, whose=whose, micro_a_month=DOLLAR, by=None)
        spend(member, team_agent, DOLLAR, answers=9)
        with pytest.raises(BudgetReached) as refused:
            send(member, team_agent)
        assert (refused.value.status, refused.value.code) == (402, "budget_reached")
        assert refused.value.sentence.endswith("for this month is used up. There is a new one on 1 June. Ask your administrator for more.")
        other = AgentFactory(is_global=True, model="scripted:echo")
        for user, agent, is_of in (
            (owner, team_agent, of in {"site", "team", "agent"}),
            (member, other, of in {"site", "each", "person"}),
        ):
            if is_of:
                with pytest.raises(BudgetReached):
                    send(user, agent)
            else:
                send(user, agent)

    def test_ones_own_stands_in_for_that_of_each(self, member: User, team_agent: DjangoAgent) -> None:
        set_budget(of="each", micro_a_month=DOLLAR, by=None)
        set_budget(of="person", whose=member, micro_a_month=3 * DOLLAR, by=None)
        spend(member, team_agent, 2 * DOLLAR, answers=100)
        send(member, team_agent)
        assert [spent.limit for spent in budgets.of_person(member)] == [3 * DOLLAR]

    def test_of_another_month_counts_for_that(self, now: None, member: User, team_agent: DjangoAgent) -> None:
        set_budget(of="site", micro_a_month=DOLLAR, by=None)
        spend(member, team_agent, 5 * DOLLAR, answers=100, month=4)
        send(member, team_agent)

    def test_a_soft_one_tells_and_stops_nobody(self, member: User, team_agent: DjangoAgent) -> None:
        set_budget(of="site", micro_a_month=DOLLAR, is_hard=False, by=None)
        spend(member, team_agent, 2 * DOLLAR)
        send(member, team_agent)
        assert budgets.warnings(member, team_agent) == [
            "The budget of this site for this month is nearly used up: 100 percent of it are spent."
        ]

    def test_there_is_one_of_each(self, team_agent: DjangoAgent, support: Team, operator: User) -> None:
        for dollars in (1, 2):
            set_budget(of="team", whose=support, micro_a_month=dollars * DOLLAR, by=operator)
        assert Budget.objects.get().micro_a_month == 2 * DOLLAR
        assert AuditRecord.objects.filter(verb="chat.budget.set", actor=operator, object_id=f"team:{support.pk}").count() == 2

    def test_costs_no_query_while_there_is_none(self, member: User, team_agent: DjangoAgent, django_assert_num_queries: Any) -> None:
        budgets.warnings(member, team_agent)
        with django_assert_num_queries(0):
            budgets.check(member, team_agent)
            assert budgets.warnings(member, team_agent) == []


class TestBefore:
    def test_what_is_on_its_way_counts_as_much_as_answers_cost(self, member: User, team_agent: DjangoAgent) -> None:
        set_budget(of="team", whose=team_agent.team, micro_a_month=DOLLAR, by=None)
        spend(member, team_agent, 800_000, answers=8)
        send(member, team_agent)
        send(member, team_agent)
        with pytest.raises(BudgetReached):
            send(member, team_agent)

    def test_the_composer_tells_from_four_fifths_on(self, as_member: Client, member: User, team_agent: DjangoAgent) -> None:
        set_budget(of="each", micro_a_month=DOLLAR, by=None)
        spend(member, team_agent, 799_000, answers=1000)
        url = f"/agentos/chat/{team_agent.agent_id}/"
        assert not page(as_member.get(url)).has("#composer .note")
        spend(member, team_agent, 1_000, answers=1000)
        assert (
            page(as_member.get(url)).text("#composer .note") == "Your budget for this month is nearly used up: 80 percent of it are spent."
        )
        spend(member, team_agent, 200_000, answers=1000)
        assert page(as_member.get(url)).text("#composer .note").startswith("Your budget for this month is used up.")
        answer = as_member.post(url, {"message": "Long thought"})
        assert answer.status_code == 402
        found = page(answer)
        assert found.text("#composer-error").startswith("Your budget for this month is used up.")
        assert not found.has("#composer .note")
        assert found.one("#message").get_text().strip() == "Long thought"

    def test_every_face_says_the_same(self, as_owner: Client, owner: User, team_agent: DjangoAgent) -> None:
        set_budget(of="agent", whose=team_agent, micro_a_month=DOLLAR, by=None)
        spend(owner, team_agent, DOLLAR)
        sentence = budgets.refusal(budgets.all_budgets()[0])
        chat = ChatSessionFactory(user=owner, agent=team_agent)
        answer = post(as_owner, f"{ROOT}sessions/{chat.session_id}/runs/", {"message": "Hi"})
        assert_refused(answer, 402, "budget_reached", sentence)
        messages = [{"role": "user", "content": "Hi"}]
        _token, secret = create_token(by=owner, name="Program", scopes=["runs:write"])
        program = Client(headers={"Authorization": f"Bearer {secret}"})
        answer = post(program, "/v1/chat/completions", {"model": team_agent.agent_id, "messages": messages})
        assert answer.status_code == 402
        assert answer.json()["error"]["message"] == sentence
        assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sends_at_once_do_not_get_past_it(member: User, team_agent: DjangoAgent) -> None:
    set_budget(of="site", micro_a_month=DOLLAR, by=None)
    spend(member, team_agent, 700_000, answers=7)
    chats = [actions.create_session(agent=team_agent, by=member) for _ in range(8)]
    outcomes: list[str] = []

    def one(number: int) -> None:
        try:
            actions.send_message(by=member, text="Hi", session=chats[number])
            outcomes.append("sent")
        except BudgetReached:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 5 + ["sent"] * 3


class TestPage:
    def test_sets_and_deletes(self, as_operator: Client, member: User, team_agent: DjangoAgent, as_owner: Client) -> None:
        wanted = {"site": "", "each": "", "person": member.email.upper(), "team": str(team_agent.team), "agent": team_agent.agent_id}
        for of, name in wanted.items():
            assert as_operator.post(PAGE, {"of": of, "name": name, "dollars": "2.50", "then": "stop"}).status_code == 303
        assert set(Budget.objects.values_list("of", "micro_a_month", "is_hard")) == {(of, 2_500_000, True) for of in wanted}
        spend(member, team_agent, 2_100_000)
        found = page(as_operator.get(PAGE))
        assert len(found.all("#budgets li")) == 5
        assert len(found.all("#budgets .scarce")) == 4
        team = page(as_owner.get(f"/agentos/settings/teams/{team_agent.team_id}/usage/"))
        assert "$2.10 of $2.50 this month" in team.text("#budget")
        assert not team.has("#budget a")
        for budget in Budget.objects.all():
            assert as_operator.post(f"{PAGE}{budget.pk}/delete/").status_code == 303
        assert not Budget.objects.exists()

    @pytest.mark.parametrize(
        "wrong", [{"of": "person", "name": "nobody@example.com"}, {"of": "team"}, {"of": "agent"}, {"dollars": ""}, {"of": "x"}]
    )
    def test_refuses_what_makes_no_sense(self, as_operator: Client, wrong: dict[str, str]) -> None:
        answer = as_operator.post(PAGE, {"of": "site", "name": "", "dollars": "1", "then": "tell", **wrong})
        assert answer.status_code == 422
        assert page(answer).has("#budget-form .error")
        assert not Budget.objects.exists()
