"""Making agents from a program, as an owner of a team."""

import json
from typing import Any

import pytest
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import Membership, Team, User
from agentos.agents import actions, queries
from agentos.agents.models import DjangoAgent
from agentos.chat import trying
from agentos.chat.runs.engine import Engine
from agentos.chat.runs.waiting import ended
from agentos.core import db
from tests.factories import MembershipFactory, TeamFactory

ROOT = "/api/v1/agentos/workshop/agents/"


def send(client: Client, path: str = "", method: str = "POST", **body: Any) -> Any:
    return client.generic(method, ROOT + path, data=json.dumps(body), content_type="application/json")


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.headers["X-Error-Code"]


class TestMaking:
    def test_from_nothing_to_a_second_version_and_back(self, as_owner: Client, support: Team) -> None:
        made = send(as_owner, name="Letter Helper", team=support.pk).json()
        assert (made["id"], made["version"], made["active"], made["missing"]) == (
            "letter-helper", 0, False, {"model": "Choose the model that answers."},
        )  # fmt: skip
        assert code(send(as_owner, "letter-helper/publish/")) == (409, "not_ready")
        blueprint = {"model": "scripted:echo", "tools": ["clock"], "tool_policies": {"clock": "ask"}}
        changed = send(as_owner, "letter-helper/draft/", "PATCH", blueprint=blueprint, stamp=made["stamp"]).json()
        assert code(send(as_owner, "letter-helper/draft/", "PATCH", blueprint={"name": "X"}, stamp=made["stamp"])) == (409, "draft_changed")
        answer = send(as_owner, "letter-helper/publish/", note="First", stamp=changed["stamp"])
        assert (answer.status_code, answer.json()["number"], answer.json()["by"]) == (201, 1, "Olga Owner")
        send(as_owner, "letter-helper/draft/", "PATCH", blueprint={"description": "New."})
        send(as_owner, "letter-helper/publish/")
        restored = send(as_owner, "letter-helper/versions/1/restore/").json()
        assert (restored["number"], restored["blueprint"]["description"]) == (3, "")
        assert [each["number"] for each in as_owner.get(ROOT + "letter-helper/versions/").json()["versions"]] == [3, 2, 1]
        assert as_owner.get(restored["url"]).json() == restored

    def test_makes_a_team(self, as_owner: Client, support: Team, team_agent: DjangoAgent, everyone_agent: DjangoAgent) -> None:
        wanted = {"kind": "team", "mode": "route", "model": "scripted:lead", "members": [{"agent": "support-writer", "task": "Writes."}]}
        made = send(as_owner, name="Crew", team=support.pk, blueprint=wanted).json()
        assert (made["blueprint"]["kind"], made["blueprint"]["members"], made["missing"]) == ("team", wanted["members"], {})
        answer = send(as_owner, "crew/draft/", "PATCH", blueprint={"members": [{"agent": "crew"}]})
        assert (code(answer), answer.json()["error"]) == ((422, "invalid_fields"), "members: A team cannot be a member of itself.")
        assert send(as_owner, "crew/publish/").json()["blueprint"]["mode"] == "route"
        assert list(DjangoAgent.objects.get(agent_id="crew").roster.values_list("agent__agent_id", "task")) == [
            ("support-writer", "Writes.")
        ]

    def test_lists_what_one_may_change(self, as_owner: Client, owner: User, team_agent: DjangoAgent, everyone_agent: DjangoAgent) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "X"}, stamp=None, by=owner)
        answer = as_owner.get(ROOT).json()
        assert ([agent["id"] for agent in answer["agents"]], answer["next"]) == (["support-writer"], None)
        assert answer["agents"][0]["drafted_at"]

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({"name": ""}, (422, "invalid_fields")),
            ({"name": "A", "id": "A b"}, (422, "invalid_fields")),
            ({"name": "A", "blueprint": {"starters": list("abcde")}}, (422, "invalid_fields")),
            ({"name": "A", "blueprint": {"is_global": True}}, (422, "invalid_fields")),
            ({"name": "A", "blueprint": {"kind": "code"}}, (422, "invalid_fields")),
            ({"name": "A", "blueprint": {"kind": "team", "members": [{"agent": "b", "role": "x"}]}}, (422, "invalid_fields")),
            ({"name": "A", "blueprint": {"members": [{"agent": "b"}]}}, (422, "invalid_fields")),
            ({"name": "A", "blueprint": {"tools": ["clock"], "tool_options": {"clock": {"a": 1}}}}, (403, "not_your_agent")),
            ({}, (422, "missing_fields")),
        ],
    )
    def test_says_what_is_wrong(self, as_owner: Client, support: Team, body: dict[str, Any], error: tuple[int, str]) -> None:
        assert code(send(as_owner, **{"team": support.pk, **body})) == error
        assert not DjangoAgent.objects.exists()

    def test_is_for_the_one_team_that_one_has(self, as_owner: Client, owner: User, support: Team) -> None:
        assert send(as_owner, name="A").json()["team"]["id"] == support.pk
        MembershipFactory(team=TeamFactory(), user=owner, role=Membership.Role.ADMIN)
        assert code(send(as_owner, name="B")) == (403, "not_your_agent")

    def test_is_for_teams_of_ones_own(self, as_owner: Client) -> None:
        assert code(send(as_owner, name="A", team=TeamFactory().pk)) == (404, "team_not_found")

    def test_takes_a_token_with_the_scope(self, owner: User, team_agent: DjangoAgent) -> None:
        for scope, status in (("agents:manage", 200), ("agents:read", 403)):
            _, secret = create_token(by=owner, name="T", scopes=[scope])
            answer = Client().get(f"{ROOT}support-writer/", headers={"Authorization": f"Bearer {secret}"})
            assert answer.status_code == status

    def test_turns_off_and_on_and_deletes_drafts(self, as_owner: Client, support: Team, team_agent: DjangoAgent) -> None:
        assert send(as_owner, "support-writer/deactivate/").json()["active"] is False
        assert send(as_owner, "support-writer/activate/").json()["active"] is True
        assert code(send(as_owner, "support-writer/", "DELETE")) == (409, "has_chats")
        send(as_owner, name="Letter Helper", team=support.pk)
        assert code(send(as_owner, "letter-helper/activate/")) == (409, "never_published")
        assert send(as_owner, "letter-helper/", "DELETE").status_code == 204

    def test_discards_a_draft(self, as_owner: Client, team_agent: DjangoAgent) -> None:
        send(as_owner, "support-writer/draft/", "PATCH", blueprint={"name": "X"})
        answer = send(as_owner, "support-writer/draft/", "DELETE").json()
        assert (answer["has_draft"], answer["blueprint"]["name"]) == (False, "Support Writer")

    def test_has_no_version_that_is_not_there(self, as_owner: Client, team_agent: DjangoAgent) -> None:
        assert code(as_owner.get(ROOT + "support-writer/versions/9/")) == (404, "version_not_found")
        assert code(send(as_owner, "support-writer/versions/9/restore/")) == (404, "version_not_found")


class TestTrying:
    async def test_gives_the_answer(self, engine: Engine, owner: User, support: Team) -> None:
        from agentos.api.workshop_versions import tried

        agent = await db.write(actions.start_agent, name="Helper", team=support, blueprint={"model": "scripted:echo"}, by=owner)
        blueprint = await db.read(lambda: queries.worked_on(agent, queries.draft_of(agent)))
        run = await db.write(trying.start, agent=agent, blueprint=blueprint, message="Hello there", history=[], by=owner)
        end = await ended(run, 20)
        assert end
        said = tried(end)
        assert (said.status, said.answer, said.error) == ("completed", "Hello there", None)

    def test_says_what_is_missing(self, as_owner: Client, support: Team, owner: User) -> None:
        actions.start_agent(name="Helper", team=support, by=owner)
        assert code(send(as_owner, "helper/try/", message="Hi")) == (409, "not_ready")
