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
        assert "not available now" in page(as_member.get("/agentos/chat/far/")).text("#composer.closed")

    def test_of_an_agent_of_others_is_not_found(self, as_stranger: Client, inactive_agent: DjangoAgent) -> None:
        for unknown in (URL, "/agentos/chat/retired/", "/agentos/chat/nothing/"):
            assert as_stranger.get(unknown).status_code == (403 if unknown == URL else 404)  # a locked one says why
            assert as_stranger.post(unknown, {"message": "Hi"}).status_code == 404

    def test_says_what_the_agent_can_use(self, as_member: Client) -> None:
        AgentFactory(agent_id="counter", is_global=True, tools=["calculator", "gone"])
        assert "Calculator Arithmetic with exact whole numbers" in page(as_member.get("/agentos/chat/counter/")).text("#intro .abilities")
        assert not page(as_member.get(URL)).has(".abilities, #starters")

    def test_offers_starters_that_begin_the_chat_at_a_click(self, as_member: Client, member: User) -> None:
        AgentFactory(agent_id="ready", is_global=True, starters=["Count <b>twice</b>", "Rhyme"])
        found = page(as_member.get("/agentos/chat/ready/"))
        assert [button["value"] for button in found.all("#starters button")] == ["Count <b>twice</b>", "Rhyme"]
        form = {field["name"]: field["value"] for field in found.all("#starters input")} | {"message": "Rhyme"}
        answers = [as_member.post(str(found.one("#starters")["action"]), form) for _ in range(2)]  # a double click
        assert [answer.status_code for answer in answers] == [303, 303]
        assert [run.input for run in Run.objects.filter(by=member)] == ["Rhyme"]
        assert not page(as_member.get(answers[0].headers["Location"])).has("#starters")

    def test_offers_no_starters_that_nobody_would_answer(self, as_member: Client) -> None:
        AgentFactory(agent_id="far", is_global=True, model="openai:gpt-5.4", starters=["Rhyme"])
        assert not page(as_member.get("/agentos/chat/far/")).has("#starters")

    def test_lets_one_pick_another_agent(self, as_member: Client) -> None:
        assert not page(as_member.get(URL)).has("#agent-picker")  # there is no other
        AgentFactory(agent_id="other", name="Other", is_global=True)
        found = page(as_member.get(URL))
        assert found.one("#agent-picker [aria-current=page]")["href"] == URL
        assert found.has("#agent-picker a[href='/agentos/chat/other/']")

    def test_begins_with_the_agent_that_was_chosen_last(self, as_member: Client, as_stranger: Client, member: User) -> None:
        other = AgentFactory(agent_id="another", is_global=True)
        assert as_member.get("/agentos/chat/").headers["Location"] == "/agentos/chat/another/"  # the first there is
        ChatSessionFactory(user=member, agent=other)
        ChatSessionFactory(user=member, agent=DjangoAgent.objects.get(agent_id="support-writer"))
        assert as_member.get("/agentos/chat/").headers["Location"] == URL
        member.memberships.all().delete()
        assert as_member.get("/agentos/chat/").headers["Location"] == "/agentos/chat/another/"
        other.is_active = False
        other.save()
        assert as_stranger.get("/agentos/chat/").headers["Location"] == "/agentos/agents/"

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
            assert found.one("#composer-error").get("data-longest") == ("32000" if text.strip() else None)
        assert not ChatSession.objects.exists()

    def test_to_an_agent_that_is_down_stays_in_the_box(self, as_member: Client) -> None:
        AgentFactory(agent_id="far", is_global=True, model="openai:gpt-5.4")
        response = post(as_member, "/agentos/chat/far/", {"message": "\nHello <b>"})
        found = page(response)
        assert response.status_code == 503
        assert response.headers["HX-Reswap"] == "outerHTML"
        assert found.one("#message").get_text() == "\n\nHello <b>"
        assert "Nothing was sent" in found.text("#composer-error")
        assert "aria-invalid" not in found.one("#message").attrs  # nothing is wrong with the text
