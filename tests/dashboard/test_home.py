"""The dashboard."""

from typing import Any

import pytest
from django.test import Client

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Run
from agentos.service import AgentOSService
from tests.dashboard.asking import queries
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory
from tests.html import page

URL = "/agentos/"


class TestRoot:
    def test_leads_to_the_dashboard(self, as_member: Client) -> None:
        response = as_member.get("/")
        assert (response.status_code, response.headers["Location"]) == (302, URL)


class TestDashboard:
    def test_has_what_the_spec_names(self, as_member: Client, member: User, team_agent: DjangoAgent) -> None:
        response = as_member.get(URL)
        assert response.context["agentos_info"]["id"] == f"agentos_user_{member.pk}"
        assert [card.agent_id for card in response.context["available_agents"]] == ["support-writer"]
        assert list(response.context["user_agents"]) == [team_agent]
        assert "error" not in response.context
        assert "agentos/dashboard.html" in [template.name for template in response.templates]

    def test_offers_one_thing_to_do_next(self, as_member: Client, everyone_agent: DjangoAgent, session: ChatSession) -> None:
        """The agent of the last chat, not the first in the list."""
        found = page(as_member.get(URL))
        assert found.one(".primary")["href"] == "/agentos/chat/support-writer/"

    def test_goes_on_with_the_last_three_chats(self, as_member: Client, member: User) -> None:
        for number in range(5):
            ChatSessionFactory(user=member, title=f"Chat number {number}")
        ChatSessionFactory(user=member, title="Put away", is_archived=True)
        ChatSessionFactory(title="Somebody else's")
        assert page(as_member.get(URL)).texts(".continue .title") == ["Chat number 4", "Chat number 3", "Chat number 2"]

    def test_shows_ten_agents_and_says_how_many_there_are(self, as_member: Client) -> None:
        AgentFactory.create_batch(12, is_global=True)
        found = page(as_member.get(URL))
        assert len(found.all(".card")) == 10
        assert "All 12 agents" in found.text("main")

    def test_says_what_to_do_when_no_agent_is_open(self, as_stranger: Client) -> None:
        found = page(as_stranger.get(URL))
        assert found.has(".empty a[href='/agentos/agents/']")
        assert not found.has(".continue")
        assert "Your chats will appear here" in found.text("#sidebar-list")

    def test_counts_the_models_and_names_what_is_down_to_operators(self, as_operator: Client, as_member: Client) -> None:
        AgentFactory(is_global=True, model="scripted:5x0")
        AgentFactory(is_global=True, model="openai:gpt-5.4", name="Expensive")
        strip = page(as_operator.get(URL)).text(".strip")
        assert "reachable" not in page(as_member.get(URL)).html
        assert "1 of 2 models reachable" in strip
        assert "Expensive" in strip

    def test_says_so_when_all_is_well(self, as_operator: Client, everyone_agent: DjangoAgent) -> None:
        assert "1 model reachable" in page(as_operator.get(URL)).text(".strip .good")

    def test_counts_the_messages_of_today(self, as_member: Client, session: ChatSession) -> None:
        RunFactory.create_batch(2, session=session)
        RunFactory()
        assert "2 messages from you today" in page(as_member.get(URL)).text(".strip")

    def test_works_when_the_engine_is_down(self, as_member: Client, run: Run, engine_down: Any) -> None:
        response = as_member.get(URL)
        found = page(response)
        assert "no agent can answer" in found.text("#engine-error")
        assert "ImportError" not in found.html
        assert "Refund case" in found.text(".continue")

    def test_tells_an_operator_why_the_engine_is_down(self, as_operator: Client, engine_down: Any, everyone_agent: DjangoAgent) -> None:
        found = page(as_operator.get(URL))
        assert "ImportError" in found.text("#engine-error")
        assert "0 of 1 model reachable" in found.text(".strip")

    def test_tells_members_what_to_do_next(self, as_member: Client, as_stranger: Client, team_agent: DjangoAgent) -> None:
        assert "write your first message" in page(as_member.get(URL)).text("#next")
        assert not page(as_stranger.get(URL)).has("#next")  # no agent is open: the page says how one opens

    def test_tells_what_waits_first(self, as_member: Client, session: ChatSession) -> None:
        assert "Continue a chat" in page(as_member.get(URL)).text("#next")
        RunFactory(session=session, status=Run.Status.WAITING)
        assert "waiting for your decision" in page(as_member.get(URL)).text("#next")

    def test_works_when_the_agents_cannot_be_loaded(
        self, as_member: Client, run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def explode(service: AgentOSService) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(AgentOSService, "get_available_agents", explode)
        found = page(as_member.get(URL))
        assert "could not be loaded" in found.text("#engine-error")
        assert "secret detail" not in found.html
        assert "secret detail" in caplog.text
        assert "Refund case" in found.text(".continue")

    def test_never_trusts_a_name(self, as_member: Client, member: User) -> None:
        agent = AgentFactory(is_global=True, name="<b>Bold</b>", description="<script>x</script>", capabilities=["<i>"])
        ChatSessionFactory(user=member, agent=agent, title="<img src=x>")
        found = page(as_member.get(URL))
        assert not found.has("main b, main i, main img, main script")

    def test_takes_the_same_queries_however_much_there_is(self, as_member: Client, session: ChatSession) -> None:
        few = queries(as_member, URL)
        AgentFactory.create_batch(15, is_global=True)
        for more in ChatSessionFactory.create_batch(15, user=session.user):
            RunFactory(session=more)
        assert queries(as_member, URL) == few
