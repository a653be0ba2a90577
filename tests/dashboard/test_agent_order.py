"""The order of the agents' page: what one keeps at the top, what people turn to, what is new."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents import actions
from agentos.agents.models import AgentPin, DjangoAgent
from agentos.core import clock
from tests.factories import AgentFactory, ChatSessionFactory, UserFactory
from tests.html import page

URL = "/agentos/agents/"
HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def agents() -> list[DjangoAgent]:
    return [AgentFactory(name=name, agent_id=name.lower(), is_global=True) for name in ("Ada", "Bob", "Cleo")]


def names(client: Client, query: str = "") -> list[str]:
    return page(client.get(URL + query)).texts("#agent-list .card h3")


class TestPins:
    def test_keep_an_agent_at_the_top_of_the_list_and_of_the_home_page(self, as_member: Client, member: User, agents: list) -> None:
        answer = as_member.post(f"{URL}cleo/pin/", {"pinned": "1", "order": "name"})
        assert (answer.status_code, answer.headers["Location"]) == (303, URL)
        assert names(as_member) == ["Cleo", "Ada", "Bob"]
        shown = page(as_member.get(URL))
        assert shown.one("#pin-cleo")["aria-pressed"] == "true"
        assert shown.one("#pin-ada")["aria-pressed"] == "false"
        assert page(as_member.get("/agentos/")).texts(".card h3")[0] == "Cleo"
        as_member.post(f"{URL}cleo/pin/", {"pinned": "0"})
        assert names(as_member) == ["Ada", "Bob", "Cleo"]

    def test_bring_the_list_again_as_it_is_searched_now(self, as_member: Client, agents: list) -> None:
        answer = as_member.post(f"{URL}bob/pin/", {"pinned": "1", "q": "bob"}, headers=HTMX)
        assert page(answer).texts(".card h3") == ["Bob"]

    def test_are_ones_own(self, as_member: Client, as_stranger: Client, agents: list) -> None:
        as_stranger.post(f"{URL}cleo/pin/", {"pinned": "1"})
        assert names(as_member) == ["Ada", "Bob", "Cleo"]
        as_member.post(f"{URL}cleo/pin/", {"pinned": "0"})
        assert names(as_stranger) == ["Cleo", "Ada", "Bob"]

    def test_twice_is_once(self, member: User, agents: list) -> None:
        for _ in range(2):
            actions.pin_agent(agent=agents[0], by=member)
        assert AgentPin.objects.count() == 1

    def test_are_not_for_an_agent_that_one_may_not_use(self, as_stranger: Client, team_agent: DjangoAgent) -> None:
        assert as_stranger.post(f"{URL}{team_agent.agent_id}/pin/", {"pinned": "1"}).status_code == 404
        assert not AgentPin.objects.exists()

    def test_cost_as_many_queries_for_many_as_for_one(self, as_member: Client, member: User, agents: list) -> None:
        names(as_member)
        counts = []
        for agent in agents:
            actions.pin_agent(agent=agent, by=member)
            with CaptureQueriesContext(connection) as asked:
                names(as_member)
            counts.append(len(asked))
        assert len(set(counts)) == 1


class TestOrder:
    def test_popular_is_what_most_people_turn_to(self, as_member: Client, member: User, agents: list) -> None:
        ada, bob, cleo = agents
        for _ in range(3):
            ChatSessionFactory(agent=ada, user=member)  # one person, however often
        for agent in (cleo, cleo, bob):
            ChatSessionFactory(agent=agent, user=UserFactory())
        old = clock.now() - timedelta(days=40)
        for _ in range(4):
            type(ChatSessionFactory(agent=bob, user=UserFactory())).objects.filter(agent=bob).update(created_at=old)
        assert names(as_member, "?order=popular") == ["Cleo", "Ada", "Bob"]

    def test_new_is_what_was_made_last(self, as_member: Client, agents: list) -> None:
        for days, agent in enumerate(agents):
            DjangoAgent.objects.filter(pk=agent.pk).update(created_at=clock.now() - timedelta(days=9 - days))
        assert names(as_member, "?order=new") == ["Cleo", "Bob", "Ada"]

    def test_stays_with_the_search(self, as_member: Client, agents: list) -> None:
        answer = as_member.get(f"{URL}?order=new&q=o", headers=HTMX)
        assert answer.headers["HX-Replace-Url"] == f"{URL}?q=o&order=new"
        assert page(as_member.get(f"{URL}?order=new")).one("#agent-order option[selected]")["value"] == "new"

    def test_that_does_not_exist_is_by_name(self, as_member: Client, agents: list) -> None:
        assert names(as_member, "?order=%00") == ["Ada", "Bob", "Cleo"]


class TestOpenTo:
    def test_leaves_what_is_open_for_this_reason(self, as_member: Client, agents: list, team_agent: DjangoAgent) -> None:
        assert names(as_member, "?why=Team+Support") == [team_agent.name]
        assert names(as_member, "?why=Everyone") == ["Ada", "Bob", "Cleo"]
        assert "Team Support" in page(as_member.get(URL)).texts("#facets .chip")
