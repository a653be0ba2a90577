"""Who gets where in Agno's server: every route of it x every way to call, in one table. A route that is in no table fails."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.test import override_settings

from agentos.access.models import ApiToken, User
from agentos.access.tokens import SCOPES
from agentos.agents import actions
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Run
from agentos.core import clock
from agentos.gateway.routes import ALLOWED, ANYBODY, DENIED, Route
from agentos.gateway.server import objections, routes_of
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory
from tests.gateway.conftest import PREFIX, bearer, token_for

Headers = dict[str, str]


@dataclass
class World:
    """The session and its run are the owner's; the agent, which is made of another one, is of the team of owner, member and suspended."""

    agent: DjangoAgent
    session: ChatSession
    run: Run

    def path(self, template: str) -> str:
        agent_id = self.agent.agent_id
        known = {"agent_id": agent_id, "team_id": agent_id, "session_id": self.session.session_id, "run_id": self.run.run_id}
        for name, value in known.items():
            template = template.replace(f"{{{name}}}", value)
        for name in ("workflow_id", "path:path", "storage_key:path", "message_index"):
            template = template.replace(f"{{{name}}}", "1")
        return template.replace("{", "").replace("}", "")

    def request(self, route: Route) -> dict[str, Any]:
        if route.path.endswith("/runs") and route.method == "POST":
            return {"data": {"message": "Hello", "stream": "false", "background": "true", "session_id": self.session.session_id}}
        if route.path.endswith("/continue"):
            call = {"tool_call_id": "1", "confirmed": True}
            answers = {"tools": [call]} if "tools" in route.fields else {"requirements": [{"tool_execution": call}]}
            return {"data": {**{name: json.dumps(said) for name, said in answers.items()}, "stream": "false"}}
        if route.path in {"/agents/{agent_id}/runs", "/teams/{team_id}/runs"}:
            return {"params": {"session_id": self.session.session_id}}
        bodies = {
            ("POST", "/sessions"): {"agent_id": self.agent.agent_id},
            ("PATCH", "/sessions/{session_id}"): {"session_name": "New"},
            ("POST", "/sessions/{session_id}/rename"): {"session_name": "New"},
            ("DELETE", "/sessions"): {"session_ids": [self.session.session_id], "session_types": ["agent"]},
        }
        body = bodies.get((route.method, route.path))
        return {"json": body} if body else {}


def make_world(owner: User, agent: DjangoAgent) -> World:
    if agent.kind != DjangoAgent.Kind.TEAM:
        agent.kind = DjangoAgent.Kind.TEAM
        agent.save()
        actions.set_members(team=agent, members=[(AgentFactory(), "")], by=None)
    session = ChatSessionFactory(user=owner, agent=agent)
    return World(agent, session, RunFactory(session=session, by=owner))


@pytest.fixture
def world(owner: User, team_agent: DjangoAgent) -> World:
    return make_world(owner, team_agent)


# What the owner gets from each route; whoever may not is in the tests.
STATUS = {
    ("POST", "/sessions"): 201,
    ("DELETE", "/sessions/{session_id}"): 204,
    ("DELETE", "/sessions"): 204,
    ("POST", "/agents/{agent_id}/runs"): 202,
    ("POST", "/agents/{agent_id}/runs/{run_id}/continue"): 409,  # it is not waiting
    ("POST", "/teams/{team_id}/runs"): 202,
    ("POST", "/teams/{team_id}/runs/{run_id}/continue"): 409,
}


async def call(http: httpx.AsyncClient, world: World, route: Route, headers: Headers) -> httpx.Response:
    return await http.request(route.method, world.path(route.path), headers=headers, **world.request(route))


def is_envelope(answer: httpx.Response) -> bool:
    body = answer.json()
    return (body["success"], body["response"]) == (False, None) and bool(body["error"]) and "X-Error-Code" in answer.headers


def names(route: Route) -> bool:
    """Whether the route names something that is the owner's, or of the team."""
    return "{" in route.path


class TestEveryAllowedRoute:
    """Each in a world of its own where it changes something; in one test, since making the tables empty again is what takes time."""

    async def test_is_open_to_a_token_with_its_scope(self, http: httpx.AsyncClient, owner: User, team_agent: DjangoAgent) -> None:
        for route in ALLOWED:
            world = await sync_to_async(make_world)(owner, team_agent)
            answer = await call(http, world, route, bearer(await sync_to_async(token_for)(owner, route.scope or "webhooks:manage")))
            assert answer.status_code == STATUS.get((route.method, route.path), 200), (route, answer.text)

    async def test_is_open_to_a_browser(
        self, http: httpx.AsyncClient, owner: User, team_agent: DjangoAgent, cookie_of: Callable[[User], Headers]
    ) -> None:
        cookie = await sync_to_async(cookie_of)(owner)
        for route in ALLOWED:
            answer = await call(http, await sync_to_async(make_world)(owner, team_agent), route, cookie)
            assert answer.status_code == STATUS.get((route.method, route.path), 200), (route, answer.text)

    async def test_is_closed_to_a_token_without_its_scope(self, http: httpx.AsyncClient, world: World, owner: User) -> None:
        for route in ALLOWED:
            if route.scope == ANYBODY:
                continue
            answer = await call(http, world, route, bearer(await sync_to_async(token_for)(owner, *(set(SCOPES) - {route.scope}))))
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (403, "insufficient_scope"), route
            assert is_envelope(answer)

    @pytest.mark.parametrize("how", ["anonymous", "no-token", "wrong", "expired", "revoked", "suspended", "cookie-of-suspended", "both"])
    async def test_is_closed_to_nobody_in_particular(
        self, http: httpx.AsyncClient, world: World, owner: User, cookie_of: Callable[[User], Headers], how: str
    ) -> None:
        headers = await sync_to_async(self.headers)(how, owner, cookie_of)
        for route in ALLOWED:
            answer = await call(http, world, route, headers)
            assert answer.status_code == 401, route
            assert is_envelope(answer)
        assert await Run.objects.acount() == await ChatSession.objects.acount() == 1

    def headers(self, how: str, owner: User, cookie_of: Callable[[User], Headers]) -> Headers:
        if how == "anonymous":
            return {}
        if how == "no-token":
            return bearer("")
        secret = token_for(owner)
        if how == "wrong":
            return bearer(secret[:-1] + ("a" if secret[-1] != "a" else "b"))
        cookie = cookie_of(owner)
        if how == "expired":
            ApiToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
        elif how in {"revoked", "both"}:
            ApiToken.objects.update(revoked_at=clock.now())
        else:
            User.objects.filter(pk=owner.pk).update(is_active=False)
        if how == "both":
            return {**cookie, **bearer(secret)}  # who shows a token is that token's owner or nobody
        return cookie if how == "cookie-of-suspended" else bearer(secret)

    @pytest.mark.parametrize("person", ["stranger", "member", "operator"])
    async def test_shows_nobody_what_is_another_ones(
        self, http: httpx.AsyncClient, world: World, stranger: User, member: User, operator: User, person: str
    ) -> None:
        headers = bearer(await sync_to_async(token_for)({"stranger": stranger, "member": member, "operator": operator}[person]))
        for route in ALLOWED:
            answer = await call(http, world, route, headers)
            if "{" in route.path and not (route.path in {"/agents/{agent_id}", "/teams/{team_id}"} and person == "member"):
                assert answer.status_code == 404, route
                assert is_envelope(answer)
            else:
                assert answer.status_code in {200, 201, 204, 404}, route
            assert world.session.session_id not in answer.text
        await world.session.arefresh_from_db()
        assert world.session.deleted_at is None
        assert await Run.objects.acount() == 1


class TestEveryOtherRoute:
    async def test_is_closed_to_everybody(self, http: httpx.AsyncClient, world: World, operator: User, owner: User) -> None:
        for headers in [bearer(await sync_to_async(token_for)(user)) for user in (operator, owner)]:
            for path, methods in DENIED.items():
                for method in methods.split():
                    answer = await http.request("GET" if method == "WS" else method, world.path(path), headers=headers, json={})
                    assert answer.status_code in {404, 405}, (method, path)
                    assert is_envelope(answer)

    async def test_is_not_even_there(self, http: httpx.AsyncClient, operator: User) -> None:
        headers = bearer(await sync_to_async(token_for)(operator))
        for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/mcp", "/a2a", "/agui", "/nothing"):
            assert (await http.get(path, headers=headers)).status_code == 404, path

    async def test_has_no_second_spelling(self, http: httpx.AsyncClient, operator: User) -> None:
        headers = bearer(await sync_to_async(token_for)(operator))
        for path in (
            "//agents",
            "/%2e%2e/config",
            "/agents/%2e%2e/config",
            "/agents%2f",
            "/agents/a%2fb",
            "/AGENTS",
            "/agents/",
            "/agents//",
        ):
            answer = await http.get(httpx.URL(f"http://testserver{PREFIX}{path}"), headers=headers)
            assert answer.status_code in {200, 404}, path
            if answer.status_code == 200:
                assert answer.json() == []  # a slash at the end, or more, is the list of agents

    async def test_knows_no_other_method(self, http: httpx.AsyncClient, operator: User) -> None:
        headers = bearer(await sync_to_async(token_for)(operator))
        for method in ("OPTIONS", "HEAD", "TRACE", "PUT", "CONNECT", "BREW"):
            assert (await http.request(method, "/agents", headers=headers)).status_code == 405, method


class TestTheTables:
    def test_have_every_route_of_agnos_server(self, agno_app: Any) -> None:
        declared = {(route.method, route.path) for route in ALLOWED}
        denied = {(method, path) for path, methods in DENIED.items() for method in methods.split()}
        assert routes_of(agno_app) == declared | denied
        assert not declared & denied

    def test_object_to_a_route_that_nobody_has_declared(self) -> None:
        from agentos.gateway.server import build

        app = build()
        assert objections(app) == []
        app.add_api_route("/backdoor", lambda: "open", methods=["POST"])
        assert objections(app) == ["POST /backdoor of Agno's server is not declared."]


class TestTheCaller:
    async def test_may_not_come_from_another_site_with_a_cookie(
        self, http: httpx.AsyncClient, world: World, owner: User, cookie_of: Callable[[User], Headers]
    ) -> None:
        headers = await sync_to_async(cookie_of)(owner)
        for origin in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            answer = await http.post(world.path("/agents/{agent_id}/runs"), headers=headers | origin, data={"message": "Hello"})
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (403, "cross_origin")
        assert await Run.objects.acount() == 1

    async def test_is_not_told_that_other_sites_may_ask(self, http: httpx.AsyncClient, owner: User) -> None:
        headers = bearer(await sync_to_async(token_for)(owner)) | {"Origin": "https://os.agno.com"}
        answer = await http.get("/agents", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]

    @override_settings(AGENTOS_GATEWAY_ORIGINS=["https://chat.example.com"])
    async def test_may_come_from_a_site_that_an_operator_has_named(self, http: httpx.AsyncClient, owner: User) -> None:
        origin = {"Origin": "https://chat.example.com"}
        asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        answer = await http.options("/agents", headers=origin | asking)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "https://chat.example.com"
        assert "authorization" in answer.headers["access-control-allow-headers"].lower()
        for headers in (bearer(await sync_to_async(token_for)(owner)), {}):
            answer = await http.get("/agents", headers=headers | origin)
            assert answer.headers["access-control-allow-origin"] == "https://chat.example.com"
            assert "access-control-allow-credentials" not in answer.headers  # no cookies
        answer = await http.options("/agents", headers={"Origin": "https://evil.example"} | asking)
        assert answer.status_code == 401
        assert "access-control-allow-origin" not in answer.headers

    async def test_cannot_make_up_a_host(self, http: httpx.AsyncClient, owner: User) -> None:
        headers = bearer(await sync_to_async(token_for)(owner))
        for host in ("evil.example", "testserver.evil.example", "testserver:80:80", "", "testserver@evil.example"):
            answer = await http.get("/agents", headers=headers | {"Host": host})
            assert answer.status_code == 400, host
            assert is_envelope(answer)
            assert "evil" not in answer.text

    @override_settings(SECURE_SSL_REDIRECT=True)
    async def test_uses_https_in_production(self, http: httpx.AsyncClient, owner: User) -> None:
        assert (await http.get("/agents", headers=bearer(await sync_to_async(token_for)(owner)))).status_code == 403

    async def test_sends_no_more_than_is_read(self, http: httpx.AsyncClient, world: World, owner: User) -> None:
        headers = bearer(await sync_to_async(token_for)(owner))
        answer = await http.post(world.path("/agents/{agent_id}/runs"), headers=headers, data={"message": "x" * 1_100_000})
        assert answer.status_code == 413
        assert is_envelope(answer)

    async def test_is_refused_in_our_words_where_agno_refuses(
        self, http: httpx.AsyncClient, world: World, owner: User, everyone_agent: DjangoAgent
    ) -> None:
        headers = bearer(await sync_to_async(token_for)(owner))
        for path, status in (
            ("/sessions?limit=abc", 422),
            ("/sessions?type=nothing", 422),
            ("/sessions/{session_id}?type=workflow", 404),
            ("/sessions/{session_id}/runs?status=nothing", 400),
            ("/sessions?db_id=another", 404),
            ("/agents/{agent_id}/runs", 422),
            ("/agents/assistant/runs/{run_id}", 404),  # it is another agent's
            ("/agents/assistant/runs?session_id={session_id}", 404),
        ):
            answer = await http.get(world.path(path), headers=headers)
            assert answer.status_code == status, path
            assert is_envelope(answer)
            assert "detail" not in answer.json()

    async def test_breaks_nothing_with_odd_words(self, http: httpx.AsyncClient, world: World, owner: User) -> None:
        """Such as PostgreSQL does not even compare."""
        headers = bearer(await sync_to_async(token_for)(owner))
        for odd in ("%00", "%ff", "%ed%a0%80", "'--", "x" * 299, "%F0%9F%98%80", "-1", "{agent_id}", "%25s"):
            for route in ALLOWED:
                path = re.sub(r"\{\w+\}", odd, route.path)
                for kind in ("agents", "teams"):
                    path = path.replace(f"/{kind}/{odd}/", f"/{kind}/{world.agent.agent_id}/")
                query = "&".join(f"{name}={odd}" for name in sorted(route.query | {"nothing"}))
                url = httpx.URL(f"http://testserver{PREFIX}{path}?{query}")
                answer = await http.request(route.method, url, headers=headers, **{**world.request(route), "params": None})
                assert answer.status_code < 500, (route, odd, answer.text)
        for page, limit, status in ((10**30, 20, 422), (1, 1001, 422), (10**5, 1000, 200), (0, 1, 200)):
            assert (await http.get("/sessions", headers=headers, params={"page": page, "limit": limit})).status_code == status

    async def test_breaks_nothing_with_odd_bodies(self, http: httpx.AsyncClient, world: World, owner: User) -> None:
        headers = bearer(await sync_to_async(token_for)(owner))
        for route in [route for route in ALLOWED if route.body]:
            for field in sorted(route.fields | route.needed):
                odds: tuple[Any, ...] = (5, -1, 1e300, [], {}, [{}], "", "\0", "x" * 5000, True, {"a": [None]}, "session_" + "0" * 20)
                for odd in odds:
                    usual = world.request(route)
                    kind = "json" if "json" in usual else "data"
                    sent: dict[str, Any] = {kind: {**usual.get(kind, {}), field: odd if kind == "json" else str(odd)}}
                    answer = await http.request(route.method, world.path(route.path), headers=headers, **sent)
                    assert answer.status_code < 500, (route, field, odd, answer.text)
            if route.path.startswith("/sessions"):
                for content in (b"", b"[]", b"5", b"null", b'"x"', b"{", b'{"a": NaN}', b"\xff"):
                    answer = await http.request(
                        route.method, world.path(route.path), headers=headers | {"Content-Type": "application/json"}, content=content
                    )
                    assert answer.status_code < 500, (route, content, answer.text)

    FORMS = (
        (b"{}", "text/plain", 415),
        (b"message=a&message=b", "application/x-www-form-urlencoded", 422),
        (b"message=a&stream=maybe", "application/x-www-form-urlencoded", 422),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"message=", "application/x-www-form-urlencoded", 422),
        (b"nonsense", "multipart/form-data", 400),
        (b"nonsense", "multipart/form-data; boundary=x", 422),
        (b'{"message": "a"}', "application/json", 415),
    )

    async def test_is_told_what_is_wrong_with_a_form(self, http: httpx.AsyncClient, world: World, owner: User) -> None:
        headers = bearer(await sync_to_async(token_for)(owner))
        for body, kind, status in self.FORMS:
            answer = await http.post(world.path("/agents/{agent_id}/runs"), headers=headers | {"Content-Type": kind}, content=body)
            assert answer.status_code == status, body
            assert is_envelope(answer)
        assert await Run.objects.acount() == 1

    async def test_sends_a_message_once_under_one_key(self, http: httpx.AsyncClient, world: World, owner: User) -> None:
        headers = bearer(await sync_to_async(token_for)(owner)) | {"Idempotency-Key": "one"}
        form = {"message": "Hello", "background": "true", "stream": "false"}
        first = await http.post(world.path("/agents/{agent_id}/runs"), headers=headers, data=form)
        again = await http.post(world.path("/agents/{agent_id}/runs"), headers=headers, data=form)
        other = await http.post(world.path("/agents/{agent_id}/runs"), headers=headers, data=form | {"message": "Other"})
        assert first.json()["run_id"] == again.json()["run_id"]
        assert (other.status_code, other.headers["X-Error-Code"]) == (422, "key_reused")

    async def test_has_only_so_many_requests_open(
        self, http: httpx.AsyncClient, world: World, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agentos.gateway.asgi.AT_ONCE", 1)
        headers = bearer(await sync_to_async(token_for)(owner))
        listening = asyncio.create_task(http.post(world.path("/agents/{agent_id}/runs"), headers=headers, data={"message": "Hello"}))
        async with asyncio.timeout(10):
            while await Run.objects.acount() == 1:
                await asyncio.sleep(0.01)
        answer = await http.get("/agents", headers=headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
        listening.cancel()
        await asyncio.wait((listening,))
        assert (await http.get("/agents", headers=headers)).status_code == 200

    @pytest.mark.parametrize("how", ["token", "sign-out", "suspension"])
    async def test_loses_the_stream_with_the_right_to_it(
        self,
        http: httpx.AsyncClient,
        world: World,
        owner: User,
        cookie_of: Callable[[User], Headers],
        monkeypatch: pytest.MonkeyPatch,
        how: str,
    ) -> None:
        monkeypatch.setattr("agentos.gateway.asgi.RIGHTS_SECONDS", 0.05)
        token = bearer(await sync_to_async(token_for)(owner))
        headers = token if how == "token" else await sync_to_async(cookie_of)(owner)
        listening = asyncio.create_task(http.post(world.path("/agents/{agent_id}/runs"), headers=headers, data={"message": "Hello"}))
        async with asyncio.timeout(10):
            while await Run.objects.acount() == 1:
                await asyncio.sleep(0.01)
            assert not listening.done()  # nobody drives runs here
            if how == "token":
                await ApiToken.objects.aupdate(revoked_at=clock.now())
            elif how == "sign-out":
                await User.objects.filter(pk=owner.pk).aupdate(sign_outs=1)
            else:
                await User.objects.filter(pk=owner.pk).aupdate(is_active=False)
            await listening
