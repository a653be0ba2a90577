"""Asking for an agent over the API, and deciding who gets one."""

from typing import Any

import pytest
from django.test import Client

from agentos.access.models import User
from agentos.agents.actions import ask_for_access
from agentos.agents.models import AccessRequest, DjangoAgent
from tests.api.calls import ROOT, assert_refused, post
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db

URL = f"{ROOT}access-requests/"


@pytest.fixture(autouse=True)
def agent(team_agent: DjangoAgent) -> DjangoAgent:
    return team_agent


@pytest.fixture
def asked(agent: DjangoAgent, stranger: User) -> AccessRequest:
    return ask_for_access(agent=agent, by=stranger)


def told(asked: AccessRequest) -> dict[str, Any]:
    return {
        "id": asked.pk,
        "agent_id": "support-writer",
        "agent_name": "Support Writer",
        "person": {"id": str(asked.user_id), "name": "Sam Stranger", "email": "stranger@example.com"},
        "team": "Support",
        "created_at": asked.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


class TestAsk:
    def test_is_answered_with_the_request_and_twice_is_once(self, as_stranger: Client) -> None:
        made = [post(as_stranger, URL, {"agent_id": "support-writer"}) for _ in range(2)]
        asked = AccessRequest.objects.get()
        assert [(answer.status_code, answer.json()) for answer in made] == [(201, told(asked))] * 2

    def test_for_what_is_open_is_a_conflict(self, as_member: Client) -> None:
        assert_refused(post(as_member, URL, {"agent_id": "support-writer"}), 409, "agent_open")

    @pytest.mark.parametrize("agent_id", ["retired", "nothing", "\x00"])
    def test_for_what_nobody_opens_finds_nothing(self, as_stranger: Client, inactive_agent: DjangoAgent, agent_id: str) -> None:
        assert_refused(post(as_stranger, URL, {"agent_id": agent_id}), 404, "agent_not_found")


class TestList:
    def test_has_what_one_may_decide_and_what_one_asks(
        self, as_owner: Client, as_operator: Client, as_member: Client, as_stranger: Client, asked: AccessRequest
    ) -> None:
        for client in (as_owner, as_operator):
            assert client.get(URL).json() == {"to_decide": [told(asked)], "mine": []}
        assert as_member.get(URL).json() == {"to_decide": [], "mine": []}
        assert as_stranger.get(URL).json() == {"to_decide": [], "mine": [told(asked)]}


class TestDecide:
    def test_granted_opens_the_agent(self, as_owner: Client, as_stranger: Client, asked: AccessRequest) -> None:
        assert post(as_owner, f"{URL}{asked.pk}/grant/", {}).status_code == 204
        assert "support-writer" in [row["id"] for row in as_stranger.get(f"{ROOT}agents/").json()["agents"]]
        assert_refused(post(as_owner, f"{URL}{asked.pk}/grant/", {}), 404, "request_not_found")

    def test_declined_leaves_it_closed(self, as_owner: Client, as_stranger: Client, asked: AccessRequest) -> None:
        assert post(as_owner, f"{URL}{asked.pk}/decline/", {}).status_code == 204
        assert as_stranger.get(URL).json()["mine"] == []
        assert as_stranger.get(f"{ROOT}agents/").json()["agents"] == []

    def test_is_not_for_whoever_asks(self, asked: AccessRequest, stranger: User) -> None:
        assert_refused(post(signed_in(stranger), f"{URL}{asked.pk}/grant/", {}), 404, "request_not_found")

    def test_without_a_team_opens_nothing(self, as_operator: Client, stranger: User, plan_agent: DjangoAgent) -> None:
        asked = ask_for_access(agent=plan_agent, by=stranger)
        assert_refused(post(as_operator, f"{URL}{asked.pk}/grant/", {}), 409, "no_team")
        assert as_operator.get(URL).json()["to_decide"][0]["team"] is None
