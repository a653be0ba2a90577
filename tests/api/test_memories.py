"""Memories by program: read, noted, changed, deleted, turned on and off; by tokens with their scopes."""

import json
from typing import Any

import pytest
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.memories import queries
from tests.api.calls import ROOT, assert_refused, post

pytestmark = pytest.mark.django_db
MEMORIES = f"{ROOT}memories/"


def patch(client: Client, path: str, body: Any) -> Any:
    return client.patch(path, json.dumps(body), content_type="application/json")


def test_the_whole_way_of_a_memory(as_member: Client, member: User, everyone_agent: DjangoAgent) -> None:
    assert as_member.get(MEMORIES).json() == {"enabled": False, "memories": []}
    assert patch(as_member, MEMORIES, {"enabled": True}).json()["enabled"] is True
    made = post(as_member, MEMORIES, {"text": " Likes tea. ", "agent_id": "assistant"})
    assert (made.status_code, made.headers["Location"]) == (201, f"{MEMORIES}1/")
    assert (made.json()["text"], made.json()["agent_id"], made.json()["noted_by"]) == ("Likes tea.", "assistant", "user")
    assert patch(as_member, f"{MEMORIES}1/", {"agent_id": None}).json()["agent_id"] is None
    assert patch(as_member, f"{MEMORIES}1/", {"text": "Likes cups."}).json()["text"] == "Likes cups."
    assert as_member.get(MEMORIES).json()["memories"] == [as_member.get(f"{MEMORIES}1/").json()]
    assert as_member.delete(f"{MEMORIES}1/").status_code == 204
    assert_refused(as_member.get(f"{MEMORIES}1/"), 404, "memory_not_found")


def test_are_noted_once_under_a_key(as_member: Client, member: User) -> None:
    for _ in range(2):
        assert post(as_member, MEMORIES, {"text": "Likes tea."}, **{"Idempotency-Key": "k"}).json()["number"] == 1
    assert queries.memories_for(member).count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": "x" * 301}, 422, "invalid_fields"),
        ({"text": "\u200b"}, 422, "invalid_fields"),
        ({"text": "Likes tea.", "agent_id": "support-writer"}, 404, "agent_not_found"),
    ],
)
def test_say_what_is_wrong(as_stranger: Client, team_agent: DjangoAgent, body: Any, status: int, code: str) -> None:
    assert_refused(post(as_stranger, MEMORIES, body), status, code)


def test_keep_an_agent_that_is_closed_by_now(as_member: Client, member: User, everyone_agent: DjangoAgent) -> None:
    post(as_member, MEMORIES, {"text": "Likes tea.", "agent_id": "assistant"})
    everyone_agent.is_global = False
    everyone_agent.save()
    assert patch(as_member, f"{MEMORIES}1/", {"text": "Likes cups.", "agent_id": "assistant"}).status_code == 200


def test_need_their_scopes(client: Client, member: User) -> None:
    headers = {"Authorization": f"Bearer {create_token(by=member, name='T', scopes=['memories:read'])[1]}"}
    assert client.get(MEMORIES, headers=headers).status_code == 200
    assert_refused(post(client, MEMORIES, {"text": "Likes tea."}, **headers), 403, "insufficient_scope")
    headers = {"Authorization": f"Bearer {create_token(by=member, name='T', scopes=['runs:write'])[1]}"}
    assert_refused(client.get(MEMORIES, headers=headers), 403, "insufficient_scope")
