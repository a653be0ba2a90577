"""A chat that begins."""

import pytest
from django.test import Client

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Run
from tests.dashboard.asking import post, queries
from tests.factories import AgentFactory, ChatSessionFactory
from tests.html import page

URL = "/agentos/chat/support-writer/"


@pytest.fixture(autouse=True)
def agent(team_agent: DjangoAgent) -> DjangoAgent:
    return team_agent


class TestChatPage:
    def test_has_what_the_spec_names(self, as_member: Client, agent: DjangoAgent, member: User) -> None:
        response = as_member.get(URL)
        assert response.context["agent"] == agent
        assert response.context["agentos_info"]["id"] == f"agentos_user_{member.pk}"
        assert "agentos/chat.html" in [template.name for template in response.templates]

    def test_introduces_the_agent_and_no_more(self, as_member: Client) -> None:
        found = page(as_member.get(URL))
        assert found.text("#intro h1") == "Support Writer"
        assert "Team Support" in found.text("#intro")
        assert "SECRET-INSTRUCTIONS" not in found.html

    def test_puts_the_cursor_into_the_composer(self, as_member: Client) -> None:
        assert page(as_member.get(URL)).has("#message[autofocus]")

    def test_says_when_the_agent_is_not_available(self, as_member: Client) -> None:
        AgentFactory(agent_id="far", is_global=True, model="openai:gpt-5.4")
        assert "not available now" in page(as_member.get("/agentos/chat/far/")).text("#composer .note")

    def test_of_an_agent_of_others_is_not_found(self, as_stranger: Client, inactive_agent: DjangoAgent) -> None:
        for unknown in (URL, "/agentos/chat/retired/", "/agentos/chat/nothing/"):
            assert as_stranger.get(unknown).status_code == 404
            assert as_stranger.post(unknown, {"message": "Hi"}).status_code == 404

    def test_takes_the_same_queries_however_many_chats_there_are(self, as_member: Client, member: User, agent: DjangoAgent) -> None:
        few = queries(as_member, URL)
        ChatSessionFactory.create_batch(20, user=member, agent=agent)
        AgentFactory.create_batch(10, is_global=True)
        assert queries(as_member, URL) == few


@pytest.mark.django_db
class TestFirstMessage:
    def test_makes_the_chat_and_leads_to_it(self, as_member: Client, member: User) -> None:
        response = as_member.post(URL, {"message": "Draft a reply\nto a customer"})
        run = Run.objects.get()
        assert (response.status_code, response.headers["Location"]) == (303, f"/agentos/session/{run.session.session_id}/#turn-1")
        assert (run.session.user, run.session.title, run.input) == (member, "Draft a reply", "Draft a reply\nto a customer")

    def test_leads_htmx_there_too(self, as_member: Client) -> None:
        response = post(as_member, URL, {"message": "Hi"})
        assert response.headers["HX-Redirect"] == f"/agentos/session/{ChatSession.objects.get().session_id}/#turn-1"

    def test_sent_twice_from_one_composer_is_one_chat(self, as_member: Client) -> None:
        key = page(as_member.get(URL)).one("#composer [name=idempotency_key]")["value"]
        for _ in range(2):
            assert as_member.post(URL, {"message": "Hi", "idempotency_key": key}).status_code == 303
        assert ChatSession.objects.count() == 1

    @pytest.mark.parametrize(("text", "sentence"), [(" \n ", "Write a message first."), ("x" * 32_001, "this one has 32,001")])
    def test_that_cannot_be_sent_stays_in_the_box(self, as_member: Client, text: str, sentence: str) -> None:
        for response in (as_member.post(URL, {"message": text}), post(as_member, URL, {"message": text})):
            found = page(response)
            assert response.status_code == 422
            assert sentence in found.text("#composer-error")
            assert found.one("#message").get_text().removeprefix("\n") == text
            assert found.one("#message")["aria-invalid"] == "true"
        assert not ChatSession.objects.exists()

    def test_to_an_agent_that_is_down_stays_in_the_box(self, as_member: Client) -> None:
        AgentFactory(agent_id="far", is_global=True, model="openai:gpt-5.4")
        response = post(as_member, "/agentos/chat/far/", {"message": "\nHello <b>"})
        found = page(response)
        assert response.status_code == 503
        assert response.headers["HX-Reswap"] == "outerHTML"
        assert found.one("#message").get_text() == "\n\nHello <b>"
        assert "Nothing was sent" in found.text("#composer-error")
