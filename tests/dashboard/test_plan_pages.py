"""The pages on which operators look after plans: their quotas, the agents that they open, who has them."""

from typing import Any

import pytest
from django.test import Client

from agentos.access.models import Plan, Team, User
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for
from agentos.audit.models import AuditRecord
from agentos.billing.queries import plans_shown_to
from agentos.chat.actions import send_message
from agentos.chat.errors import QuotaReached
from tests.factories import AgentFactory, MembershipFactory, PlanFactory, SubscriptionFactory
from tests.html import page

URL = "/agentos/settings/all-plans/"
FILLED = {"name": "Gold", "description": "For all.", "price_text": "€ 20 a month: ask us.", "runs_a_day": "50", "tokens_a_month": ""}

pytestmark = pytest.mark.django_db


class TestPlans:
    def test_are_made_with_quotas_and_agents(self, as_operator: Client, stranger: User) -> None:
        agent = AgentFactory(name="Painter")
        assert as_operator.post(f"{URL}new/", {**FILLED, "agents": [agent.pk]})["Location"] == URL
        plan = Plan.objects.get()
        assert (plan.name, plan.runs_a_day, plan.tokens_a_month, plan.price_text) == ("Gold", 50, None, "€ 20 a month: ask us.")
        SubscriptionFactory(customer__user=stranger, plan=plan)
        assert list(agents_for(stranger)) == [agent]
        shown = page(as_operator.get(URL)).text(f"#plan-{plan.pk}")
        for words in ("Opens: Painter", "50 answers a day", "€ 20 a month", "1 subscription"):
            assert words in shown
        assert set(AuditRecord.objects.values_list("verb", flat=True)) >= {"access.plan.created", "agents.plan.opens"}

    def test_open_what_is_chosen_and_close_what_is_not(self, as_operator: Client, stranger: User) -> None:
        plan = PlanFactory(name="Gold")
        closed, opened = AgentFactory(plans=[plan]), AgentFactory()
        SubscriptionFactory(customer__user=stranger, plan=plan)
        as_operator.post(f"{URL}{plan.pk}/", {**FILLED, "agents": [opened.pk]})
        assert list(agents_for(stranger)) == [opened]
        assert closed.is_active

    def test_open_no_agent_that_is_somebodys_own(self, as_operator: Client, team_agent: DjangoAgent, member: User) -> None:
        own = AgentFactory(team=team_agent.team, owner=member)
        answer = as_operator.post(f"{URL}new/", {**FILLED, "agents": [own.pk]})
        assert answer.status_code == 422
        assert not Plan.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [({"name": ""}, "name"), ({"name": "Silver"}, "name"), ({"runs_a_day": "-1"}, "runs_a_day"), ({"files_mb": "9" * 30}, "files_mb")],
    )
    def test_say_what_is_wrong(self, as_operator: Client, wrong: dict[str, str], field: str) -> None:
        PlanFactory(name="Silver")
        answer = as_operator.post(f"{URL}new/", {**FILLED, **wrong})
        assert answer.status_code == 422
        assert page(answer).has(f"#id_{field}_error")
        assert Plan.objects.count() == 1

    def test_are_deleted_unless_somebody_has_them(self, as_operator: Client, stranger: User) -> None:
        plan = PlanFactory(name="Gold")
        held = SubscriptionFactory(customer__user=stranger, plan=plan)
        answer = as_operator.post(f"{URL}{plan.pk}/delete/", follow=True)
        assert "Somebody has this plan" in answer.content.decode()
        held.delete()
        as_operator.post(f"{URL}{plan.pk}/delete/")
        assert not Plan.objects.exists()

    def test_are_listed_in_as_many_queries_however_many(self, as_operator: Client, django_assert_num_queries: Any) -> None:
        PlanFactory(name="One").agents.add(AgentFactory())
        as_operator.get(URL)
        with django_assert_num_queries(9):
            as_operator.get(URL)
        for number in range(10):
            plan = PlanFactory(name=f"More {number}")
            plan.agents.set([AgentFactory(), AgentFactory()])
        with django_assert_num_queries(9):
            as_operator.get(URL)

    def test_with_a_price_in_words_are_shown_to_people(self, stranger: User) -> None:
        PlanFactory(name="Hidden")
        spoken = PlanFactory(name="Spoken", price_text="Ask us.")
        assert [shown.plan for shown in plans_shown_to(stranger)] == [spoken]

    def test_of_a_team_allow_each_person_in_it_their_own(self, member: User, support: Team, team_agent: DjangoAgent) -> None:
        SubscriptionFactory(customer__user=None, customer__team=support, plan=PlanFactory(runs_a_day=1))
        for user in (member, MembershipFactory(team=support).user):
            send_message(by=user, text="Hi", agent=team_agent)
            with pytest.raises(QuotaReached):
                send_message(by=user, text="Hi again", agent=team_agent)
