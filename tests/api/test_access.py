"""Every operation of the API x everything that a caller can show. An operation without a row fails."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory

from agentos.access.actions import create_token, revoke_token
from agentos.access.models import ApiToken, User
from agentos.access.tokens import SCOPES
from agentos.agents.models import DjangoAgent
from agentos.api import sending
from agentos.api.app import api
from agentos.api.auth import SessionCookie
from agentos.api.scopes import NEEDED, NEEDED_BY_ACTION
from agentos.chat.registry import registry
from agentos.connections import looking
from agentos.core import clock
from tests.api.calls import ROOT, assert_refused, post
from tests.api.conftest import bearer
from tests.conftest import forget_caches
from tests.test_permissions import BODIES, PEOPLE, TABLE, World, content, look_at_nothing

pytestmark = pytest.mark.django_db

PUBLIC = {"api:openapi-json", "api:docs", "api:integrations"}
ROWS = sorted(row for row in TABLE if row[0].startswith("api:") and row[0] not in PUBLIC)
PATHS = api.get_openapi_schema()["paths"]
DEAD = ("expired", "revoked", "suspended", "forged", "checksum", "empty")

ACTIONS: dict[str, dict[str, Any]] = {
    "info": {},
    "agents": {},
    "sessions": {},
    "session": {"session_id": "SESSION"},
    "create_session": {"agent_id": "AGENT"},
    "send_message": {"message": "Hi", "session_id": "SESSION", "background": True},
}


def operation_of(path: str, method: str) -> str | None:
    """Return the operationId of a call, None for an operation that the document does not know."""
    for template, methods in PATHS.items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) and method.lower() in methods:
            return str(methods[method.lower()]["operationId"])
    return None


@pytest.fixture
def world(owner: User, team_agent: DjangoAgent, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings.AGENTOS_RUN_TIMEOUT = 0
    monkeypatch.setattr(sending, "MARGIN", 0.0)
    monkeypatch.setattr(looking, "look", look_at_nothing)
    yield World(owner, team_agent)
    for stream in list(registry.streams):
        registry.close(stream)


@pytest.fixture
def needed(world: World) -> Callable[[str, str], str]:
    """Return the scope that a row of the table needs."""

    def scope(name: str, method: str) -> str:
        found = NEEDED[operation_of(world.url(name).partition("?")[0], method) or ""]
        return found or NEEDED_BY_ACTION[BODIES[name]["action"]]

    return scope


@pytest.fixture
def dead(owner: User) -> Callable[[str], str]:
    """Return the text of a token that opens nothing, and say why."""

    def secret(why: str) -> str:
        token, text = create_token(by=owner, name="Dead", scopes=SCOPES)
        if why == "expired":
            ApiToken.objects.filter(pk=token.pk).update(expires_at=clock.now() - timedelta(seconds=1))
        if why == "revoked":
            revoke_token(by=owner, token=token)
        if why == "suspended":
            User.objects.filter(pk=owner.pk).update(is_active=False)
        if why == "checksum":
            return text[:-1] + ("0" if text[-1] != "0" else "1")
        return {"forged": "agentos_" + "x" * 36, "empty": ""}.get(why, text)

    return secret


def expected(name: str, method: str) -> int:
    return TABLE[name, method][PEOPLE.index("owner")]


class TestEveryOperation:
    def test_has_its_row(self, world: World) -> None:
        in_the_document = {operation["operationId"] for methods in PATHS.values() for operation in methods.values()}
        assert {operation_of(world.url(name).partition("?")[0], method) for name, method in ROWS} == in_the_document

    def test_needs_a_scope_that_there_is(self) -> None:
        assert {scope for scope in (*NEEDED.values(), *NEEDED_BY_ACTION.values()) if scope} <= set(SCOPES)

    @pytest.mark.parametrize(("name", "method"), ROWS)
    def test_is_open_to_a_token_with_its_scope_alone(
        self, world: World, with_scopes: Callable[..., Client], needed: Callable[[str, str], str], name: str, method: str
    ) -> None:
        response: Any = world.call(with_scopes(needed(name, method)), name, method)
        assert response.status_code == expected(name, method)

    def test_refuses_a_token_with_all_the_other_scopes(
        self, world: World, with_scopes: Callable[..., Client], needed: Callable[[str, str], str], subtests: pytest.Subtests
    ) -> None:
        programs = {scope: with_scopes(*(other for other in SCOPES if other != scope)) for scope in {needed(*row) for row in ROWS}}
        for row, scope in ((row, needed(*row)) for row in ROWS):
            with subtests.test(str(row)):
                response = world.call(programs[scope], *row)
                assert_refused(response, 403, "insufficient_scope", scope)
                assert f'scope="{scope}"' in response.headers["WWW-Authenticate"]
            forget_caches()

    @pytest.mark.parametrize("why", DEAD)
    def test_refuses_a_token_that_opens_nothing_whatever_the_cookie(
        self, world: World, as_owner: Client, dead: Callable[[str], str], why: str, subtests: pytest.Subtests
    ) -> None:
        secret = dead(why)
        for row in ROWS:
            with subtests.test(str(row)):
                response = world.call(as_owner, *row, Authorization=f"Bearer {secret}")
                assert_refused(response, 401, "invalid_token")
                assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
            forget_caches()

    def test_tells_whoever_shows_nothing_to_sign_in(self, world: World, anonymous: Client, subtests: pytest.Subtests) -> None:
        for row in ROWS:
            with subtests.test(str(row)):
                response = world.call(anonymous, *row)
                assert_refused(response, 401, "authentication_error")
                assert response.headers["WWW-Authenticate"] == "Bearer"


class TestCookie:
    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
    def test_changes_nothing_for_another_site(
        self, world: World, as_owner: Client, headers: dict[str, str], subtests: pytest.Subtests
    ) -> None:
        before = content()
        for row in (row for row in ROWS if row[1] != "GET"):
            with subtests.test(str(row)):
                assert_refused(world.call(as_owner, *row, **headers), 403, "cross_origin")
                assert content() == before

    def test_counts_for_nothing_beside_a_token_even_by_itself(self, rf: RequestFactory, owner: User) -> None:
        for header, expected in (("Bearer x", None), ("bearer", None), ("Basic x", owner)):
            request = rf.get(ROOT, headers={"Authorization": header})
            request.user = owner
            assert SessionCookie()(request) == expected


class TestEveryAction:
    @pytest.mark.parametrize("action", NEEDED_BY_ACTION)
    def test_needs_its_scope(self, world: World, with_scopes: Callable[..., Client], action: str) -> None:
        body = {"action": action, **{key: world.names.get(str(value), value) for key, value in ACTIONS[action].items()}}
        scope = NEEDED_BY_ACTION[action]
        assert post(with_scopes(scope), ROOT, body).status_code == (202 if action == "send_message" else 200)
        others = with_scopes(*(other for other in SCOPES if other != scope))
        assert_refused(post(others, ROOT, body), 403, "insufficient_scope", scope)


class TestToken:
    def test_is_its_owner_and_not_the_cookies(self, secret: str, as_stranger: Client, owner: User) -> None:
        body = as_stranger.get(f"{ROOT}info/", headers={"Authorization": f"Bearer {secret}"}).json()
        assert body["id"] == f"agentos_user_{owner.pk}"

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
    def test_is_shown_in_any_case(self, secret: str, client: Client, scheme: str) -> None:
        assert client.get(f"{ROOT}info/", headers={"Authorization": f"{scheme} {secret}"}).status_code == 200

    @pytest.mark.parametrize("place", [{"X-Api-Key": "TOKEN"}, {"Authorization": "Token TOKEN"}, {"Cookie": "session=TOKEN"}])
    def test_counts_in_one_place_only(self, secret: str, client: Client, place: dict[str, str]) -> None:
        headers = {name: value.replace("TOKEN", secret) for name, value in place.items()}
        assert_refused(client.get(f"{ROOT}info/?token={secret}&access_token={secret}", headers=headers), 401, "authentication_error")

    def test_needs_no_origin(self, secret: str, team_agent: DjangoAgent) -> None:
        body = {"agent_id": team_agent.agent_id}
        assert (
            post(
                bearer(secret), f"{ROOT}sessions/", body, Origin="https://elsewhere.example", **{"Sec-Fetch-Site": "cross-site"}
            ).status_code
            == 201
        )

    def test_says_how_often_it_may_ask(self, secret: str, settings: Any) -> None:
        settings.AGENTOS_TOKEN_REQUESTS_A_MINUTE = 2
        program = bearer(secret)
        first, second = program.get(f"{ROOT}info/"), program.get(f"{ROOT}info/")
        assert first.headers["RateLimit-Policy"] == '"token";q=2;w=60'
        assert ("r=1;" in first.headers["RateLimit"], "r=0;" in second.headers["RateLimit"]) == (True, True)
        response = program.get(f"{ROOT}info/")
        assert_refused(response, 429, "too_many_requests")
        assert int(response.headers["Retry-After"]) >= 1

    def test_sees_what_its_owner_sees_now(self, secret: str, owner: User, team_agent: DjangoAgent) -> None:
        program = bearer(secret)
        assert program.get(f"{ROOT}agents/support-writer/").status_code == 200
        owner.memberships.get().delete()
        assert_refused(post(program, f"{ROOT}sessions/", {"agent_id": "support-writer"}), 404, "agent_not_found")
