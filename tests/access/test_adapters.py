"""A project's own rule of access: pages, the API, OpenAI's protocol, streams and running answers go by it alike."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from agentos.access import rights
from agentos.access.actions import create_token
from agentos.access.adapters import Access, access, rights_changed
from agentos.access.checks import access_is_decided
from agentos.access.models import User
from agentos.access.tokens import SCOPES
from agentos.agents.cache import cards_for
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for, locked_agents_for, may_use
from agentos.chat.errors import QuotaReached
from agentos.chat.quotas import check
from agentos.chat.runs.entitlement import CLOSED, RunRights
from agentos.service import AgentOSService
from tests.conftest import signed_in
from tests.factories import AgentFactory


@pytest.fixture
def by_group(settings: Any) -> None:
    settings.AGENTOS_ACCESS = "tests.access.by_group.ByGroup"


@pytest.fixture
def let_in(everyone_agent: DjangoAgent, member: User, stranger: User) -> User:
    """The stranger is in the group of the agent that was for everyone; the member is not."""
    stranger.groups.add(Group.objects.create(name=everyone_agent.agent_id))
    rights_changed()
    return stranger


def statuses(user: User, agent: DjangoAgent) -> dict[str, Any]:
    """What every face answers this user about this agent."""
    browser = signed_in(user)

    def post(path: str, **payload: Any) -> int:
        return browser.post(path, json.dumps(payload), content_type="application/json").status_code

    _, secret = create_token(by=user, name="test", scopes=SCOPES, days=1)
    token = {"Authorization": f"Bearer {secret}"}
    cards = browser.get("/api/v1/agentos/agents/").json()["agents"]
    return {
        "page": browser.get(f"/agentos/chat/{agent.agent_id}/").status_code,
        "listed": agent.agent_id in [card["id"] for card in cards],
        "create-session": post("/api/v1/agentos/create-session/", agent_id=agent.agent_id),
        "model": Client().get(f"/v1/models/{agent.agent_id}", headers=token).status_code,
    }


@pytest.mark.usefixtures("by_group")
class TestARuleOfAnotherProject:
    def test_opens_every_face(self, let_in: User, everyone_agent: DjangoAgent) -> None:
        assert statuses(let_in, everyone_agent) == {"page": 200, "listed": True, "create-session": 200, "model": 200}

    def test_closes_every_face(self, let_in: User, member: User, everyone_agent: DjangoAgent) -> None:
        assert statuses(member, everyone_agent) == {"page": 403, "listed": False, "create-session": 404, "model": 404}

    def test_is_given_the_whole_user_wherever_only_their_key_is_known(self, owner: User, everyone_agent: DjangoAgent) -> None:
        assert not may_use(owner.pk, everyone_agent.pk)
        User.objects.filter(pk=owner.pk).update(is_superuser=True)
        assert may_use(owner.pk, everyone_agent.pk)

    def test_says_what_is_locked_and_what_opens_it(self, member: User, everyone_agent: DjangoAgent, team_agent: DjangoAgent) -> None:
        assert [(agent.agent_id, agent.opened_by) for agent in locked_agents_for(member)] == [
            (everyone_agent.agent_id, f"Ask for the group {everyone_agent.agent_id}")
        ]

    def test_says_how_much(self, let_in: User, everyone_agent: DjangoAgent) -> None:
        AgentOSService(let_in).send_message("Hi", agent_id=everyone_agent.agent_id)
        with pytest.raises(QuotaReached, match=r"1 answer that your plan groups allows a day\..*More is in plan of a director"):
            check(let_in, everyone_agent)

    def test_ends_what_runs_once_it_says_that_rights_have_changed(self, let_in: User, everyone_agent: DjangoAgent) -> None:
        run = AgentOSService(let_in).send_message("Hi", agent_id=everyone_agent.agent_id)
        watch = RunRights()
        assert watch.lost() == []
        let_in.groups.clear()
        rights_changed()
        assert watch.lost() == [(run.pk, CLOSED)]

    def test_is_asked_again_for_lists_once_it_says_that_rights_have_changed(self, let_in: User) -> None:
        assert len(cards_for(let_in)) == 1
        let_in.groups.clear()
        rights_changed()
        assert cards_for(let_in) == []


class TestACarelessRule:
    @pytest.fixture(autouse=True)
    def _careless(self, settings: Any) -> None:
        settings.AGENTOS_ACCESS = "tests.access.by_group.Careless"

    def test_opens_nothing_that_is_switched_off_and_lists_nothing_twice(self, member: User, pro: Any) -> None:
        agent = AgentFactory(plans=[pro])
        AgentFactory(is_active=False)
        assert list(agents_for(member)) == [agent]

    def test_opens_nothing_to_whoever_is_suspended(self, suspended: User, everyone_agent: DjangoAgent) -> None:
        assert not agents_for(suspended).exists()
        assert not may_use(suspended.pk, everyone_agent.pk)


class TestTheSetting:
    def test_is_our_own_rule_unless_a_project_says_otherwise(self) -> None:
        assert type(access()) is Access
        assert access_is_decided() == []

    @pytest.mark.parametrize(
        ("path", "said"),
        [("nowhere.Access", "names what is not there: No module named 'nowhere'"), ("django.test.Client", "must name a subclass")],
    )
    def test_is_looked_at_by_the_check(self, path: str, said: str, settings: Any) -> None:
        settings.AGENTOS_ACCESS = path
        (found,) = access_is_decided()
        assert (found.id, said in found.msg) == ("agentos.E004", True)

    def test_has_the_version_of_rights_counted_by_whoever_changes_them(self, db: None) -> None:
        before = rights.version()
        rights_changed()
        assert rights.version() == before + 1
