"""Tests of agents, kept and run from a program."""

import json
from typing import Any

import pytest
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.agents.models import AgentCase, CaseResult, DjangoAgent
from tests.factories import AgentCaseFactory

ROOT = "/api/v1/agentos/workshop/agents/support-writer/tests/"
EXPECTED: dict[str, Any] = {"message": "Hi", "must_say": ["hello"], "must_not_say": ["sorry"], "tools": ["clock"], "criterion": "Is kind."}


def send(client: Client, path: str = "", method: str = "POST", **body: Any) -> Any:
    return client.generic(method, ROOT + path, data=json.dumps(body), content_type="application/json")


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.headers["X-Error-Code"]


@pytest.mark.usefixtures("team_agent")
class TestKeeping:
    def test_makes_changes_and_deletes_one(self, as_owner: Client) -> None:
        answer = send(as_owner, **EXPECTED)
        made = answer.json()
        assert (answer.status_code, answer.headers["Location"]) == (201, made["url"])
        assert {name: made[name] for name in EXPECTED} == EXPECTED
        assert as_owner.get(ROOT).json() == {"tests": [made]}
        changed = send(as_owner, f"{made['id']}/", "PATCH", must_say=[]).json()
        assert changed == {**made, "must_say": []}
        assert as_owner.get(made["url"]).json() == changed
        assert send(as_owner, f"{made['id']}/", "DELETE").status_code == 204
        assert code(as_owner.get(made["url"])) == (404, "test_not_found")

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({}, "missing_fields"),
            ({"message": " "}, "invalid_fields"),
            ({"message": "Hi", "must_say": "hello"}, "invalid_fields"),
            ({"message": "Hi", "must_say": ["x" * 201]}, "invalid_fields"),
            ({"message": "Hi", "kept_answer": "x"}, "invalid_fields"),
        ],
    )
    def test_says_what_is_wrong(self, as_owner: Client, body: dict[str, Any], error: str) -> None:
        assert code(send(as_owner, **body)) == (422, error)
        assert not AgentCase.objects.exists()

    def test_takes_a_token_with_the_scope(self, owner: User) -> None:
        for scope, status in (("agents:manage", 200), ("agents:read", 403)):
            _, secret = create_token(by=owner, name="T", scopes=[scope])
            assert Client().get(ROOT, headers={"Authorization": f"Bearer {secret}"}).status_code == status

    def test_knows_the_tests_of_this_agent_alone(self, as_owner: Client) -> None:
        other = AgentCaseFactory()
        for method in ("GET", "PATCH", "DELETE"):
            assert code(send(as_owner, f"{other.pk}/", method)) == (404, "test_not_found")
        assert AgentCase.objects.exists()


class TestRunning:
    def test_is_told_as_it_goes(self, as_owner: Client, team_agent: DjangoAgent) -> None:
        assert as_owner.get(ROOT + "results/").json() == {"round": None, "results": []}
        assert code(send(as_owner, "run/")) == (409, "cannot_test")
        case = AgentCaseFactory(agent=team_agent)
        assert code(send(as_owner, "run/", version=9)) == (404, "version_not_found")
        answer = send(as_owner, "run/")
        assert (answer.status_code, answer.headers["Location"]) == (201, ROOT + "results/")
        assert (answer.json()["round"]["status"], answer.json()["results"][0]["outcome"]) == ("running", "not_run")
        assert code(send(as_owner, "run/")) == (409, "cannot_test")
        finding = {"kind": "must_say", "wanted": "hello", "ok": True, "said": ""}
        CaseResult.objects.update(outcome="passed", answer="Hello", findings=[finding], tokens=7)
        AgentCase.objects.update(revision=2)
        told = as_owner.get(ROOT + "results/").json()
        assert (told["round"]["passed"], told["round"]["total"], told["round"]["by"]) == (1, 1, "Olga Owner")
        assert told["results"][0] | {"findings": [finding], "changed_since": True, "test_id": case.pk} == told["results"][0]
        stopped = send(as_owner, "stop/").json()["round"]
        assert (stopped["status"], stopped["reason"]) == ("stopped", "Somebody stopped it.")
        assert stopped["finished_at"]
