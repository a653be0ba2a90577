"""Connections by program: made, changed, refreshed, their tools accepted, deleted."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import Team, User
from agentos.connections.models import RemoteTool, Server
from agentos.core import db as database
from tests.api.calls import ROOT, assert_refused, post
from tests.connections.servers import served
from tests.factories import RemoteServerFactory, RemoteToolFactory

CONNECTIONS = f"{ROOT}connections/"
BODY = {"name": "Notes", "url": "https://notes.example/mcp", "auth": "key", "key": "s3cret"}


def patch(client: Client, path: str, body: Any) -> Any:
    return client.patch(path, json.dumps(body), content_type="application/json")


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_of_a_connection(as_owner: Client, support: Team, settings: Any, tmp_path: Path) -> None:
    settings.AGENTOS_ALLOW_PRIVATE_HOSTS = ["127.0.0.1"]
    with served(tmp_path) as mcp:
        made = post(as_owner, CONNECTIONS, {"name": "Notes", "url": mcp.url})
        assert (made.status_code, made.headers["Location"]) == (201, f"{CONNECTIONS}notes/")
        assert (made.json()["state"], made.json()["tools"], made.json()["team"]["id"]) == ("unknown", [], support.pk)
        seen = post(as_owner, f"{CONNECTIONS}notes/refresh/", None).json()
    assert (seen["state"], len(seen["tools"])) == ("ok", 5)
    tools = {tool["name"]: tool for tool in seen["tools"]}
    add = tools["add"]
    assert (add["slug"], add["state"], add["accepted"], add["offered"]["read_only"]) == ("mcp:notes/add", "new", None, True)
    assert set(add["offered"]["arguments"]["properties"]) == {"a", "b"}
    body = {"accept": {"add": add["offered"]["hash"], "fail": "what it was before"}, "policies": {"add": "auto"}}
    changed = patch(as_owner, f"{CONNECTIONS}notes/tools/", body).json()
    tools = {tool["name"]: tool for tool in changed["tools"]}
    assert (tools["add"]["state"], tools["add"]["policy"], tools["fail"]["state"]) == ("accepted", "auto", "new")
    away = post(as_owner, f"{CONNECTIONS}notes/refresh/", None).json()
    assert (away["state"], away["state_reason"]) == ("away", "Notes cannot be reached now.")
    assert as_owner.delete(f"{CONNECTIONS}notes/").status_code == 204
    assert not Server.objects.exists()
    database.close()


@pytest.mark.django_db
class TestConnections:
    def test_never_show_a_key(self, as_owner: Client) -> None:
        made = post(as_owner, CONNECTIONS, BODY)
        assert made.status_code == 201
        for answer in (made, as_owner.get(CONNECTIONS), as_owner.get(f"{CONNECTIONS}notes/")):
            assert "s3cret" not in answer.content.decode()
            assert Server.objects.get().secret not in answer.content.decode()

    def test_are_made_once_under_a_key(self, as_owner: Client) -> None:
        for _ in range(2):
            made = post(as_owner, CONNECTIONS, BODY, **{"Idempotency-Key": "k1"})
            assert made.json()["slug"] == "notes"
        assert Server.objects.count() == 1

    def test_of_the_installation_are_made_by_operators(self, as_operator: Client, as_member: Client, as_stranger: Client) -> None:
        assert post(as_operator, CONNECTIONS, BODY).json()["team"] is None
        assert_refused(post(as_member, CONNECTIONS, BODY), 403, "forbidden")
        assert_refused(post(as_stranger, CONNECTIONS, BODY), 403, "forbidden")

    def test_that_are_wrong_name_the_field(self, as_owner: Client) -> None:
        refused = post(as_owner, CONNECTIONS, {**BODY, "url": "http://127.0.0.1/mcp"})
        assert_refused(refused, 422, "invalid_fields")
        assert refused.json()["error"].startswith("url: ")
        assert_refused(post(as_owner, CONNECTIONS, {"name": "Notes"}), 422, "missing_fields")

    def test_are_changed_all_or_nothing(self, as_owner: Client, support: Team) -> None:
        server = RemoteServerFactory(slug="crm", team=support)
        assert_refused(patch(as_owner, f"{CONNECTIONS}crm/", {"name": "New", "seconds": 500}), 422, "invalid_fields")
        assert_refused(patch(as_owner, f"{CONNECTIONS}crm/", {}), 422, "invalid_fields")
        changed = patch(as_owner, f"{CONNECTIONS}crm/", {"name": "New", "enabled": False}).json()
        assert (changed["name"], changed["enabled"]) == ("New", False)
        server.refresh_from_db()
        assert not server.is_active

    def test_keep_policies_to_what_a_tool_can_have(self, as_owner: Client, support: Team) -> None:
        RemoteToolFactory(server__slug="crm", server__team=support, name="write")
        assert_refused(patch(as_owner, f"{CONNECTIONS}crm/tools/", {"policies": {"write": "auto"}}), 409, "tool_not_accepted")
        assert_refused(patch(as_owner, f"{CONNECTIONS}crm/tools/", {"policies": {"write": "never"}}), 422, "invalid_fields")
        assert_refused(patch(as_owner, f"{CONNECTIONS}crm/tools/", {"policies": {"nothing": "off"}}), 409, "tool_not_accepted")
        patch(as_owner, f"{CONNECTIONS}crm/tools/", {"policies": {"write": "off"}})
        assert RemoteTool.objects.get().policy == "off"

    def test_want_their_scope(self, owner: User, anonymous: Client) -> None:
        for scope, status in (("webhooks:manage", 403), ("connections:manage", 200)):
            _, secret = create_token(by=owner, name=scope, scopes=[scope])
            assert anonymous.get(CONNECTIONS, headers={"Authorization": f"Bearer {secret}"}).status_code == status
