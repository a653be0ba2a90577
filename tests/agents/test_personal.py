"""Agents that somebody has for themselves: who may copy what, what a copy may do, and what becomes of it."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from agentos.access.actions import NotYourTeam, allow_personal_agents, remove_member, suspend_user
from agentos.access.models import Membership, Team, User
from agentos.agents import actions, personal, queries
from agentos.agents.cache import cards_for
from agentos.agents.errors import NotReady, NotYourAgent, TooManyAgents
from agentos.agents.models import DjangoAgent
from agentos.agents.specs import spec_of
from agentos.chat.actions import create_session, send_message
from agentos.chat.errors import AgentClosed, AgentUnavailable
from agentos.chat.models import ChatSession
from agentos.core.events import happened
from tests.factories import AgentFactory, MembershipFactory, UserFactory
from tests.html import page


@pytest.fixture
def support(support: Team) -> Team:
    support.personal_agents = True
    support.save()
    return support


@pytest.fixture
def source(team_agent: DjangoAgent) -> DjangoAgent:
    team_agent.tools, team_agent.tool_policies = ["clock", "sql"], {"clock": "ask"}
    team_agent.tool_options, team_agent.model_options = {"sql": {"sources": ["sales"]}}, {"max_tokens": 500}
    team_agent.model = "scripted:echo"
    team_agent.save()
    return team_agent


@pytest.fixture
def own(source: DjangoAgent, member: User) -> DjangoAgent:
    """Published, and the member's."""
    made, _ = actions.copy_to_own(agent=source, by=member)
    actions.publish_agent(agent=made, by=member)
    made.refresh_from_db()
    return made


def names(user: User) -> set[str]:
    return {card.agent_id for card in cards_for(user)}


class TestCopying:
    def test_gives_a_draft_that_is_ones_own(self, source: DjangoAgent, member: User, support: Team) -> None:
        made, missing = actions.copy_to_own(agent=source, by=member)
        draft = queries.worked_on(made, queries.draft_of(made))
        assert (made.owner, made.team, made.version, missing) == (member, support, 0, [])
        assert (draft["name"], draft["tool_options"], draft["model_options"]) == (
            "Copy of Support Writer", {"sql": {"sources": ["sales"]}}, {"max_tokens": 500},
        )  # fmt: skip

    def test_is_for_agents_of_teams_that_allow_it(
        self, source: DjangoAgent, member: User, everyone_agent: DjangoAgent, support: Team
    ) -> None:
        assert {agent.agent_id for agent in queries.copyable_by(member)} == {source.agent_id}
        with pytest.raises(NotYourAgent):
            actions.copy_to_own(agent=everyone_agent, by=member)
        Team.objects.update(personal_agents=False)
        with pytest.raises(NotYourAgent):
            actions.copy_to_own(agent=source, by=member)

    def test_has_a_limit(self, source: DjangoAgent, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(personal, "MOST", 1)
        actions.copy_to_own(agent=source, by=member)
        with pytest.raises(TooManyAgents):
            actions.copy_to_own(agent=source, by=member)

    def test_by_the_pages(self, as_member: Client, source: DjangoAgent, member: User) -> None:
        assert page(as_member.get("/agentos/agents/")).one("button[aria-label='Make a copy of Support Writer for yourself']")
        answer = as_member.post(f"/agentos/agents/{source.agent_id}/own/", follow=True)
        assert (answer.status_code, answer.request["PATH_INFO"]) == (200, "/agentos/workshop/agent/copy-of-support-writer/")
        assert "Yours alone" in page(as_member.get("/agentos/workshop/")).text()
        assert as_member.get("/agentos/workshop/new/").status_code == 403
        shared = page(as_member.get("/agentos/workshop/agent/copy-of-support-writer/share/"))
        assert shared.all("#share") == []
        assert shared.one("#export")


class TestWhoMayUseIt:
    def test_is_nobody_else(self, own: DjangoAgent, member: User, owner: User, operator: User, stranger: User) -> None:
        assert own.agent_id in names(member)
        assert [user for user in (owner, operator, stranger) if queries.may_use(user.pk, own.pk)] == []
        assert [queries.may_edit(user, own) for user in (member, operator, owner, stranger)] == [True, True, False, False]
        assert [agent.agent_id for agent in queries.locked_agents_for(stranger)] == ["support-writer"]
        assert own not in queries.agents_with_connection("crm")

    def test_to_others_it_is_not_there(self, own: DjangoAgent, as_owner: Client) -> None:
        for what in ("", "share/", "versions/", "tests/"):
            assert as_owner.get(f"/agentos/workshop/agent/{own.agent_id}/{what}").status_code == 404
        assert as_owner.get(f"/agentos/chat/{own.agent_id}/").status_code == 404

    def test_also_where_a_project_decides_otherwise(self, own: DjangoAgent, member: User, owner: User, settings: Any) -> None:
        settings.AGENTOS_ACCESS = "tests.access.by_group.Careless"
        assert [queries.may_use(user.pk, own.pk) for user in (member, owner)] == [True, False]

    def test_cannot_be_shared(self, own: DjangoAgent, member: User, operator: User, support: Team) -> None:
        for who in (member, operator):
            with pytest.raises(NotYourAgent):
                actions.share_agent(agent=own, team=support, is_global=False, plans=(), by=who)
        with pytest.raises(IntegrityError), transaction.atomic():
            DjangoAgent.objects.filter(pk=own.pk).update(is_global=True)

    def test_is_in_no_team_of_agents(self, own: DjangoAgent, operator: User, support: Team) -> None:
        crew = {"kind": "team", "model": "scripted:lead", "members": [{"agent": own.agent_id}]}
        made = actions.start_agent(name="Crew", team=support, blueprint=crew, by=operator)
        with pytest.raises(NotReady, match="no agent 'copy-of"):
            actions.publish_agent(agent=made, by=operator)

    def test_the_team_hears_nothing_of_it(self, source: DjangoAgent, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        from agentos.webhooks.outbound.models import Delivery
        from agentos.webhooks.outbound.subscriptions import subscribed
        from tests.factories import HookFactory

        HookFactory(team=source.team, events=["agent.published"])
        monkeypatch.setattr(subscribed, "events", lambda: {"agent.published"})
        assert happened.receivers
        made, _ = actions.copy_to_own(agent=source, by=member)
        actions.publish_agent(agent=made, by=member)
        assert not Delivery.objects.exists()


class TestWhatItMayDo:
    def test_is_what_its_owner_may_do(self, own: DjangoAgent, member: User, support: Team) -> None:
        AgentFactory(agent_id="elsewhere", tools=["fetch-page"], model="scripted:5x0")
        changes = {"tools": ["clock", "fetch-page"], "model": "scripted:5x0", "tool_policies": {"clock": "auto"}}
        actions.save_draft(agent=own, changes=changes, stamp=None, by=member)
        with pytest.raises(NotReady) as refused:
            actions.publish_agent(agent=own, by=member)
        assert set(refused.value.missing) == {"tools", "model"}
        draft = queries.worked_on(own, queries.draft_of(own))
        assert draft["tool_policies"] == {"clock": "ask"}

    def test_new_tools_come_with_the_settings_that_they_have(self, own: DjangoAgent, member: User, support: Team) -> None:
        AgentFactory(agent_id="mailer", team=support, tools=["send-mail"], tool_options={"send-mail": {"domains": ["a.example"]}})
        actions.save_draft(agent=own, changes={"tools": ["send-mail"]}, stamp=None, by=member)
        actions.publish_agent(agent=own, by=member)
        own.refresh_from_db()
        assert own.tool_options == {"send-mail": {"domains": ["a.example"]}}

    def test_is_less_when_they_may_do_less(self, own: DjangoAgent, source: DjangoAgent, member: User) -> None:
        send_message(by=member, text="Hi", agent=own)
        source.tools = ["clock"]
        source.save()
        own = DjangoAgent.objects.get(pk=own.pk)
        assert spec_of(own).tools == ("clock",)  # of what was sent already
        assert own.tools == ["clock", "sql"]
        with pytest.raises(AgentUnavailable, match=r"No agent that you may use has these tools.*Nothing was sent"):
            send_message(by=member, text="Hi", agent=own)
        card = next(card for card in cards_for(member) if card.agent_id == own.agent_id)
        assert not card.is_available
        assert card.unavailable.startswith("No agent that you may use has these tools")

    def test_who_makes_agents_for_the_team_may_choose_freely(self, source: DjangoAgent, owner: User) -> None:
        made, _ = actions.copy_to_own(agent=source, by=owner)
        actions.save_draft(agent=made, changes={"tools": ["fetch-page"], "model": "scripted:5x0"}, stamp=None, by=owner)
        actions.publish_agent(agent=made, by=owner)

    def test_cost_no_query_each(self, own: DjangoAgent, member: User, source: DjangoAgent, django_assert_max_num_queries: Any) -> None:
        for _ in range(4):
            made, _ = actions.copy_to_own(agent=source, by=member)
            actions.publish_agent(agent=made, by=member)
        with django_assert_max_num_queries(16):
            assert len(cards_for(member)) == 6


class TestWhatBecomesOfIt:
    def test_who_leaves_the_team_loses_it_until_they_are_back(self, own: DjangoAgent, member: User, support: Team, owner: User) -> None:
        session = create_session(agent=own, by=member)
        remove_member(membership=Membership.objects.get(team=support, user=member), by=owner)
        assert not queries.may_use(member.pk, own.pk)
        assert not queries.may_edit(member, own)
        with pytest.raises(AgentClosed):
            send_message(by=member, text="Hi", session=session)
        MembershipFactory(team=support, user=member)
        assert queries.may_use(member.pk, own.pk)

    def test_the_switch_and_a_suspension_close_it(self, own: DjangoAgent, member: User, support: Team, owner: User) -> None:
        allow_personal_agents(team=support, allowed=False, by=owner)
        assert not queries.may_use(member.pk, own.pk)
        allow_personal_agents(team=support, allowed=True, by=owner)
        assert queries.may_use(member.pk, own.pk)
        suspend_user(user=member, by=owner)
        assert not queries.may_use(member.pk, own.pk)

    def test_a_member_does_not_turn_the_switch(self, support: Team, member: User) -> None:
        with pytest.raises(NotYourTeam):
            allow_personal_agents(team=support, allowed=True, by=member)

    def test_is_deleted_with_its_chats(self, own: DjangoAgent, as_member: Client, member: User) -> None:
        send_message(by=member, text="Hi", agent=own)
        text = page(as_member.get(f"/agentos/workshop/agent/{own.agent_id}/share/")).text()
        assert "gone for good, and with it 1 chat." in text
        assert as_member.post(f"/agentos/workshop/agent/{own.agent_id}/delete/").status_code == 303
        assert not DjangoAgent.objects.filter(pk=own.pk).exists()
        assert not ChatSession.objects.exists()

    def test_goes_with_the_account_and_keeps_no_other_agent_from_staying(self, own: DjangoAgent, member: User, source: DjangoAgent) -> None:
        send_message(by=member, text="Hi", agent=own)
        send_message(by=member, text="Hi", agent=source)
        member.delete()
        assert list(DjangoAgent.objects.values_list("agent_id", flat=True)) == [source.agent_id]

    def test_an_agent_with_chats_of_others_stays(self, source: DjangoAgent, member: User) -> None:
        from django.db.models import RestrictedError

        send_message(by=member, text="Hi", agent=source)
        with pytest.raises(RestrictedError):
            source.delete()


class TestApi:
    def test_copies_lists_and_shares(self, as_member: Client, as_owner: Client, source: DjangoAgent, support: Team) -> None:
        def send(client: Client, method: str, path: str, **body: Any) -> Any:
            return client.generic(method, f"/api/v1/agentos/workshop/{path}", json.dumps(body), content_type="application/json")

        Team.objects.update(personal_agents=False)
        assert send(as_member, "POST", "agents/support-writer/copy/", personal=True).status_code == 403
        assert send(as_owner, "PATCH", f"teams/{support.pk}/", personal_agents=True).json()["personal_agents"] is True
        made = send(as_member, "POST", "agents/support-writer/copy/", personal=True)
        assert (made.status_code, made.json()["personal"], made.json()["notes"]) == (201, True, [])
        assert send(as_member, "POST", "agents/copy-of-support-writer/publish/").status_code == 201
        mine = as_member.get("/api/v1/agentos/agents/").json()["agents"]
        assert {agent["id"]: agent["personal"] for agent in mine} == {"support-writer": False, "copy-of-support-writer": True}
        assert send(as_member, "PUT", "agents/copy-of-support-writer/sharing/", team=None).status_code == 403
        file = as_member.get("/api/v1/agentos/workshop/agents/copy-of-support-writer/file/").json()
        brought = send(as_owner, "POST", "files/", file=file, team=support.pk).json()
        assert (brought["personal"], brought["team"]["id"]) == (False, support.pk)
        assert send(as_owner, "POST", "files/", file={"kind": "x"}).headers["X-Error-Code"] == "bad_file"
        assert send(as_owner, "PUT", f"agents/{brought['id']}/sharing/", team=None, for_everyone=True).status_code == 403


def test_other_people_do_not_see_that_there_are_some(own: DjangoAgent, as_owner: Client) -> None:
    UserFactory()
    assert own.name not in page(as_owner.get("/agentos/workshop/")).text()
