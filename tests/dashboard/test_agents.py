"""The agents page: what one may use, what is locked, search and filters."""

import pytest
from django.http import HttpResponseBase
from django.test import Client

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.dashboard.queries import Filters
from tests.dashboard.asking import get, queries
from tests.factories import AgentFactory
from tests.html import page

URL = "/agentos/agents/"


@pytest.fixture
def catalogue(db: None) -> None:
    AgentFactory(agent_id="writer", name="Writer", is_global=True, tools=["clock"], capabilities=["drafts"])
    AgentFactory(agent_id="counter", name="Counter", is_global=True, tools=["clock", "calculator"], model="scripted:tour")
    AgentFactory(agent_id="thinker", name="Thinker", is_global=True, model="openai:gpt-5.4", capabilities=["drafts", "plans"])


def shown(response: HttpResponseBase) -> list[str]:
    return page(response).texts("#agent-list .card:not(.locked) h3")


class TestAgentList:
    def test_has_what_the_spec_names(self, as_member: Client, team_agent: DjangoAgent) -> None:
        response = as_member.get(URL)
        assert [card.agent_id for card in response.context["agents"]] == ["support-writer"]
        assert list(response.context["django_agents"]) == [team_agent]
        assert "agentos/agents.html" in [template.name for template in response.templates]

    def test_says_of_each_agent_what_it_is_and_why_one_has_it(self, as_owner: Client, plan_agent: DjangoAgent, catalogue: None) -> None:
        found = page(as_owner.get(URL))
        assert found.text("#agent-analyst .why").endswith("Plan Pro")
        assert found.text("#agent-writer .why").endswith("Everyone")
        assert found.texts("#agent-counter .tag") == ["Scripted", "Clock", "Calculator"]
        assert found.one("#agent-counter h3 a")["href"] == "/agentos/chat/counter/"

    def test_labels_the_demo_model(self, as_member: Client) -> None:
        AgentFactory(agent_id="small", is_global=True, model="local:smollm2")
        assert page(as_member.get(URL)).texts("#agent-small .tag.note") == ["Small demo model"]

    def test_says_what_is_not_available_now(self, as_member: Client, catalogue: None) -> None:
        assert page(as_member.get(URL)).text("#agent-thinker .why") == "This agent is not available now. Ask your administrator."

    def test_shows_locked_agents_with_what_opens_them(
        self, as_stranger: Client, plan_agent: DjangoAgent, other_team_agent: DjangoAgent, inactive_agent: DjangoAgent
    ) -> None:
        found = page(as_stranger.get(URL))
        assert found.text("#agent-analyst .why").endswith("Included in plan Pro")
        assert found.text("#agent-researcher .why").endswith("Ask to join team Research")
        assert not found.has("#agent-analyst a, #agent-retired")
        assert found.text("#ask-analyst") == "Ask for access"
        assert "SECRET-INSTRUCTIONS" not in found.html

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("q=count", ["Counter"]),
            ("q=WRITER", ["Writer"]),
            ("tool=clock", ["Counter", "Writer"]),
            ("tool=clock&tool=calculator", ["Counter"]),
            ("capability=drafts", ["Thinker", "Writer"]),
            ("model=scripted:tour&model=openai:gpt-5.4", ["Counter", "Thinker"]),
            ("model=scripted:tour&q=writer", []),
            ("q=+++", ["Counter", "Thinker", "Writer"]),
            ("tool=nothing", []),
        ],
    )
    def test_finds(self, as_member: Client, catalogue: None, query: str, expected: list[str]) -> None:
        assert shown(as_member.get(f"{URL}?{query}")) == expected
        assert shown(get(as_member, f"{URL}?{query}")) == expected

    def test_answers_htmx_with_the_list_alone(self, as_member: Client, catalogue: None) -> None:
        response = get(as_member, f"{URL}?q=count&model=&tool=")
        found = page(response)
        assert found.one("#agent-list") is next(iter(found.soup.find_all(True)))
        assert not found.has("nav, form, html")
        assert response.headers["HX-Replace-Url"] == f"{URL}?q=count"
        assert {"HX-Request", "HX-Request-Type"} <= set(response.headers["Vary"].replace(" ", "").split(","))

    def test_says_of_the_page_too_that_it_varies(self, as_member: Client) -> None:
        assert "HX-Request" in as_member.get(URL).headers["Vary"]

    def test_keeps_the_question_in_the_form(self, as_member: Client, catalogue: None) -> None:
        found = page(as_member.get(f"{URL}?q=cou%22nt&tool=clock"))
        assert found.one("#agent-search")["value"] == 'cou"nt'
        assert [box["value"] for box in found.all(".chip input[checked]")] == ["clock"]

    def test_offers_to_clear_what_finds_nothing(self, as_member: Client, catalogue: None) -> None:
        assert page(get(as_member, f"{URL}?q=zzz")).one("#clear-filters")["href"] == URL

    def test_says_what_to_do_when_there_is_no_agent(self, as_member: Client, as_operator: Client) -> None:
        assert "There are no agents yet" in page(as_member.get(URL)).text("#agent-list")
        assert page(as_operator.get(URL)).has("#agent-list a.primary")

    def test_takes_the_same_queries_for_any_number_of_agents(self, as_stranger: Client, stranger: User, plan_agent: DjangoAgent) -> None:
        AgentFactory(is_global=True)
        few = queries(as_stranger, URL)
        AgentFactory.create_batch(20, is_global=True)
        for _ in range(10):
            AgentFactory(plans=list(plan_agent.plans.all()))
        assert queries(as_stranger, URL) == few


class TestFilters:
    def test_leave_out_a_row_with_nothing_to_choose(self, as_member: Client) -> None:
        AgentFactory(is_global=True, tools=["clock"])
        assert not page(as_member.get(URL)).has(".chip")

    def test_fold_what_does_not_fit(self) -> None:
        cards = [AgentFactory.build(name="A", tools=[f"tool-{number}" for number in range(9)])]
        for card in cards:
            card.model_label, card.why = "A model", ""
        facet = Filters(tools=frozenset({"tool-8"})).facets(cards)[0]
        assert [choice.value for choice in facet.first] == ["tool-0", "tool-1", "tool-2", "tool-3", "tool-4", "tool-8"]
        assert [choice.value for choice in facet.others] == ["tool-5", "tool-6", "tool-7"]
