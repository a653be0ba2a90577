"""Asking for an agent that is locked, and who decides it."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from agentos.access.models import Membership, User
from agentos.agents.actions import ask_for_access
from agentos.agents.models import AccessRequest, DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.core.pubsub import pubsub
from tests.dashboard.asking import post
from tests.factories import MembershipFactory, UserFactory
from tests.html import page

ASK = "/agentos/agents/support-writer/ask/"
CHAT = "/agentos/chat/support-writer/"
LIST = "/agentos/settings/access/"


@pytest.fixture(autouse=True)
def agent(team_agent: DjangoAgent) -> DjangoAgent:
    return team_agent


@pytest.fixture
def asked(agent: DjangoAgent, stranger: User) -> AccessRequest:
    return ask_for_access(agent=agent, by=stranger)


class TestClosedPage:
    def test_says_why_and_offers_to_ask(self, as_stranger: Client) -> None:
        answer = as_stranger.get(CHAT)
        assert answer.status_code == 403
        found = page(answer)
        assert "Support Writer is not open to you" in found.text("h1")
        assert found.text("#why-closed") == "Ask to join team Support."
        assert found.one("#closed form")["action"] == ASK
        assert not found.has("#composer")
        assert "SECRET-INSTRUCTIONS" not in found.html

    def test_says_that_one_has_asked(self, as_stranger: Client, asked: AccessRequest) -> None:
        found = page(as_stranger.get(CHAT))
        assert "You asked for it just now" in found.text("#closed [role=status]")
        assert not found.has("#ask-access")

    def test_is_no_door(self, as_stranger: Client) -> None:
        assert as_stranger.post(CHAT, {"message": "Hi"}).status_code == 404


class TestAsking:
    def test_shows_the_card_again_to_htmx(self, as_stranger: Client, stranger: User) -> None:
        found = page(post(as_stranger, ASK))
        assert "You asked for it just now" in found.text("#agent-support-writer")
        assert not found.has("form")
        assert AccessRequest.objects.get().user == stranger

    def test_twice_is_once(self, as_stranger: Client) -> None:
        assert [as_stranger.post(ASK).status_code for _ in range(2)] == [303, 303]
        assert AccessRequest.objects.count() == 1
        assert AuditRecord.objects.filter(verb="agents.access.asked").count() == 1

    def test_for_what_one_has_leads_there(self, as_member: Client) -> None:
        assert as_member.post(ASK).headers["Location"] == CHAT
        assert not AccessRequest.objects.exists()

    def test_for_what_nobody_opens_finds_nothing(self, as_stranger: Client, inactive_agent: DjangoAgent) -> None:
        for agent_id in ("retired", "nothing"):
            assert as_stranger.post(f"/agentos/agents/{agent_id}/ask/").status_code == 404

    def test_has_a_limit(self, as_stranger: Client, settings: Any) -> None:
        settings.AGENTOS_CREATIONS_A_MINUTE = 1
        assert post(as_stranger, ASK).status_code == 200
        assert post(as_stranger, ASK).status_code == 429
        assert "too often" in page(as_stranger.post(ASK, follow=True)).text("#notices")

    def test_tells_owners_of_the_team_and_operators_and_nobody_else(
        self,
        agent: DjangoAgent,
        stranger: User,
        owner: User,
        member: User,
        operator: User,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        told: list[str] = []
        monkeypatch.setattr(pubsub, "publish", told.append)
        with django_capture_on_commit_callbacks(execute=True):
            ask_for_access(agent=agent, by=stranger)
        heard = {topic.partition("#")[0]: topic.partition("#")[2] for topic in told if topic.startswith("notice:")}
        assert set(heard) == {f"notice:{owner.pk}", f"notice:{operator.pk}"}
        assert heard[f"notice:{owner.pk}"].startswith("Sam Stranger asks for access to Support Writer.")


class TestList:
    def test_is_for_owners_of_the_team_and_operators(
        self, as_owner: Client, as_operator: Client, as_member: Client, asked: AccessRequest
    ) -> None:
        for client in (as_owner, as_operator):
            found = page(client.get(LIST))
            assert found.text(".row-card h3") == "Sam Stranger asks for Support Writer"
            assert found.text(".settings-menu [aria-current=page]") == "Access requests (1)"
            assert "1 person asks for access" in page(client.get("/agentos/")).text(".strip")
        assert not page(as_member.get(LIST)).has(f".row-card, .settings-menu a[href='{LIST}']")

    def test_shows_no_owner_what_another_team_is_asked(self, asked: AccessRequest) -> None:
        other = UserFactory()
        MembershipFactory(user=other, role=Membership.Role.OWNER)
        client = Client()
        client.force_login(other)
        assert not page(client.get(LIST)).has(".row-card")
        assert client.post(f"{LIST}{asked.pk}/", {"decision": "grant"}).status_code == 404

    def test_forgets_who_has_the_agent_by_now(self, as_owner: Client, asked: AccessRequest, agent: DjangoAgent) -> None:
        MembershipFactory(team=agent.team, user=asked.user)
        assert not page(as_owner.get(LIST)).has(".row-card")

    def test_lets_an_owner_take_them_into_the_team(self, as_owner: Client, as_stranger: Client, asked: AccessRequest) -> None:
        answer = as_owner.post(f"{LIST}{asked.pk}/", {"decision": "grant"}, follow=True)
        assert "is in the team Support now" in page(answer).text("#notices")
        assert as_stranger.get(CHAT).status_code == 200
        assert not AccessRequest.objects.exists()
        assert {"access.membership.added", "agents.access.granted"} <= set(AuditRecord.objects.values_list("verb", flat=True))

    @pytest.mark.parametrize("form", [{"decision": "decline"}, {}])
    def test_leaves_it_closed_otherwise(self, as_owner: Client, as_stranger: Client, asked: AccessRequest, form: dict[str, str]) -> None:
        assert as_owner.post(f"{LIST}{asked.pk}/", form).status_code == 303
        assert page(as_stranger.get(CHAT)).has("#ask-access")  # they may ask again

    def test_adds_nobody_where_no_team_opens_the_agent(self, as_operator: Client, stranger: User, plan_agent: DjangoAgent) -> None:
        asked = ask_for_access(agent=plan_agent, by=stranger)
        assert not page(as_operator.get(LIST)).has(f"#grant-{asked.pk}")
        answer = as_operator.post(f"{LIST}{asked.pk}/", {"decision": "grant"}, follow=True)
        assert "No team opens this agent" in page(answer).text("#notices")
        assert AccessRequest.objects.count() == 1
