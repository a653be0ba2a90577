"""Whoever loses a right while an answer is on its way: every door says so and ends, and the run ends unless it is still its person's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from agentos.access import actions as access
from agentos.access import rights
from agentos.access.models import ApiToken, Membership, Subscription, User
from agentos.access.tokens import SCOPES
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions as chat
from agentos.chat import callers
from agentos.chat import registry as registry_module
from agentos.chat.models import Run
from agentos.chat.registry import registry
from agentos.chat.runs import engine, entitlement
from agentos.core import clock
from agentos.gateway import asgi as gateway_asgi
from agentos.gateway.asgi import Gateway
from site_config.asgi import application
from tests.conftest import signed_in
from tests.factories import AgentFactory, SubscriptionFactory, UserFactory

PREFIX = "/api/v1/agentos/fastapi"
OFTEN = 0.2  # seconds between two looks, five of which are ten in the tests' time
SOON = 60 * OFTEN
STARTING = 150  # seconds for the first requests, which load Agno and its server

JSON = {"Content-Type": "application/json"}
STREAM = {"Accept": "text/event-stream"}
ASKED: dict[str, Any] = {"model": "assistant", "messages": [{"role": "user", "content": "Hello"}]}
AGUI = {"threadId": "t", "runId": "r", "messages": [{"id": "1", "role": "user", "content": "Hello"}]}
MCP = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "run_agent", "arguments": {"agent_id": "assistant", "message": "Hello"}},
}


@dataclass(frozen=True)
class Door:
    """``is_json``: waits for one whole answer, which is an error with a status of its own. ``keeps``: its run is kept for its person."""

    path: str
    body: Any = None
    headers: Any = ()
    is_json: bool = False
    keeps: bool = True
    form: Any = None
    method: str = "POST"


DOORS = {
    "send": Door("/api/v1/agentos/send-message/", {"agent_id": "assistant", "message": "Hello"}, is_json=True),
    "act": Door("/api/v1/agentos/", {"action": "send_message", "agent_id": "assistant", "message": "Hello"}, is_json=True),
    "send stream": Door("/api/v1/agentos/send-message/", {"agent_id": "assistant", "message": "Hello"}, STREAM),
    "run stream": Door("/api/v1/agentos/runs/RUN/events/", method="GET"),
    "v1": Door("/v1/chat/completions", ASKED, is_json=True, keeps=False),
    "v1 in a session": Door("/v1/chat/completions", ASKED, {"X-Session-ID": "new"}, is_json=True),
    "v1 stream": Door("/v1/chat/completions", {**ASKED, "stream": True}, keeps=False),
    "gateway": Door(f"{PREFIX}/agents/assistant/runs", form={"message": "Hello", "stream": "false"}, is_json=True),
    "gateway stream": Door(f"{PREFIX}/agents/assistant/runs", form={"message": "Hello", "stream": "true"}),
    "ag-ui": Door(f"{PREFIX}/agents/assistant/agui", AGUI),
    "mcp": Door(f"{PREFIX}/mcp", MCP, {"Accept": "application/json, text/event-stream"}),
    "live page": Door("/agentos/live/?session=SESSION", method="GET"),
}
KEPT, PASSING = 9, 2  # runs: the one of the chat, and those that the doors begin
SAYS = ("closed", "no longer", "does not work any more", "signed out", "suspended", "agent_closed", "invalid_token", "invalid_api_key")


@dataclass
class World:
    person: User
    agent: DjangoAgent
    token: ApiToken
    secret: str
    cookies: str
    run: Run

    def request(self, name: str) -> tuple[str, dict[str, Any]]:
        door = DOORS[name]
        path = door.path.replace("RUN", self.run.run_id).replace("SESSION", self.run.session.session_id)
        login = {"Cookie": self.cookies} if name == "live page" else {"Authorization": f"Bearer {self.secret}"}
        sent: dict[str, Any] = {"data": door.form} if door.form else {"json": door.body} if door.body else {}
        return path, {"headers": {**login, **dict(door.headers)}, **sent}


def suspend(world: World) -> None:
    access.suspend_user(user=world.person, by=None)


def revoke(world: World) -> None:
    access.revoke_token(by=world.person, token=world.token)


def expire(world: World) -> None:
    ApiToken.objects.filter(pk=world.token.pk).update(expires_at=clock.now())


def leave(world: World) -> None:
    access.remove_member(membership=Membership.objects.get(user=world.person), by=None)


def cancel(world: World) -> None:
    access.cancel_subscription(subscription=Subscription.objects.get(customer__user=world.person), by=None)


def close(world: World) -> None:
    world.agent.is_active = False
    world.agent.save()


# What is lost, how an agent is open to the person before, and whether the run ends with it.
LOSSES: dict[str, tuple[Callable[[World], None] | None, str, str]] = {
    "suspended": (suspend, "team", entitlement.SUSPENDED),
    "token revoked": (revoke, "team", ""),
    "token expired": (expire, "team", ""),
    "membership removed": (leave, "team", entitlement.CLOSED),
    "subscription cancelled": (cancel, "plan", entitlement.CLOSED),
    "subscription over": (None, "plan", entitlement.CLOSED),
    "agent closed": (close, "team", entitlement.CLOSED),
}


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    for module, name in ((callers, "CHECK_SECONDS"), (engine, "CHECK_SECONDS"), (registry_module, "CHECK_SECONDS")):
        monkeypatch.setattr(module, name, OFTEN)
    monkeypatch.setattr(gateway_asgi, "RIGHTS_SECONDS", OFTEN)
    settings.AGENTOS_INTERFACES = ["agui", "mcp"]
    settings.AGENTOS_SENDS_A_MINUTE = 100


@pytest.fixture
async def http(transactional_db: None) -> AsyncIterator[Callable[[], httpx.AsyncClient]]:
    """Each request has a client of its own, over the whole site; the registry watches."""
    gateway = Gateway(PREFIX)
    watching = asyncio.create_task(registry.watch())

    async def site(scope: Any, receive: Any, send: Any) -> None:
        await (gateway if gateway.serves(scope["path"]) else application)(scope, receive, send)

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=site), base_url="http://testserver", timeout=SOON)

    yield client
    watching.cancel()
    await gateway.close()


def make_world(by: str, seconds: float) -> World:
    person = UserFactory(email="ada@example.com")
    agent: DjangoAgent = AgentFactory(agent_id="assistant", model="scripted:hang@3x0", is_global=False)
    if by == "team":
        team = access.create_team(name="Support", by=None)
        access.add_member(team=team, user=UserFactory(), role="owner", by=None)
        access.add_member(team=team, user=person, by=None)
        agent.team = team
        agent.save()
    else:
        plan = access.create_plan(name="Pro", by=None)
        SubscriptionFactory(customer__user=person, plan=plan, current_period_end=clock.now() + timedelta(seconds=seconds))
        agent.plans.add(plan)
    token, secret = access.create_token(by=person, name="test", scopes=SCOPES)
    session = chat.create_session(agent=agent, by=person, title="A chat")
    run = chat.send_message(by=person, session=session, text="Hello")
    run = Run.objects.select_related("session").get(pk=run.pk)
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in signed_in(person).cookies.items())
    return World(person, agent, token, secret, cookies, run)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", LOSSES)
async def test_ends_every_door_and_the_run(how: str, http: Callable[[], httpx.AsyncClient], engine: Any) -> None:
    lose, by, code = LOSSES[how]
    over = how == "subscription over"
    world = await sync_to_async(make_world)(by, 3600)
    names = [name for name in DOORS if code or name != "live page"]  # a page is opened by a login

    async def ask(name: str) -> httpx.Response:
        path, sent = world.request(name)
        async with http() as client:
            return await client.request(DOORS[name].method, path, **sent)

    waiting = {name: asyncio.create_task(ask(name)) for name in names}
    async with asyncio.timeout(STARTING):
        while (
            await Run.objects.filter(status=Run.Status.RUNNING).acount() < KEPT + PASSING
        ):  # nobody begins one for a run's stream, or for a page
            assert not [(name, task.result().text) for name, task in waiting.items() if task.done()]
            await asyncio.sleep(0.05)
    await asyncio.sleep(OFTEN)
    if over:
        await Subscription.objects.aupdate(current_period_end=clock.now() + timedelta(seconds=2 * OFTEN))
        await sync_to_async(rights.changed)()
    elif lose:
        await sync_to_async(lose)(world)
    async with asyncio.timeout(SOON):
        answers = dict(zip(waiting, await asyncio.gather(*waiting.values()), strict=True))
    for name, answer in answers.items():
        check_answer(name, answer, code)
    await check_runs(code)


def check_answer(name: str, answer: httpx.Response, code: str) -> None:
    door = DOORS[name]
    if door.is_json:
        assert answer.status_code == (403 if code == entitlement.CLOSED else 401), (name, answer.status_code, answer.text)
        assert answer.headers["X-Error-Code"] in {"authentication_error", "invalid_token", "invalid_api_key", "agent_closed"}, name
        body = answer.json()
        assert "error" in body if name.startswith("v1") else (body["success"], body["response"]) == (False, None), name
    else:
        assert answer.status_code == 200, (name, answer.text)
        last = answer.text[-1500:]
        assert [word for word in SAYS if word in last], (name, last)


async def check_runs(code: str) -> None:
    """A token that ends is not the person: what it began goes on, but for a run whose answer nobody could read."""
    async with asyncio.timeout(SOON):
        while await Run.objects.filter(status=Run.Status.RUNNING).acount() > (0 if code else KEPT):
            await asyncio.sleep(0.05)
    kept = [run async for run in Run.objects.filter(session__is_ephemeral=False)]
    assert len(kept) == KEPT
    if code:
        assert {(run.status, run.error_code) for run in kept} == {(Run.Status.STOPPED, code)}
        assert await AuditRecord.objects.filter(verb="chat.run.stopped", data__code=code).aexists()
    else:
        assert {run.status for run in kept} == {Run.Status.RUNNING}
    assert not registry.streams


class TestRun:
    async def test_that_waits_its_turn_or_for_an_answer_ends_too(self, transactional_db: None) -> None:
        world = await sync_to_async(make_world)("team", 0)
        queued = await sync_to_async(chat.send_message)(by=world.person, session=world.run.session, text="And?")
        await Run.objects.filter(pk=world.run.pk).aupdate(status=Run.Status.WAITING, attempt=1)
        look = entitlement.RunRights()
        assert await sync_to_async(look.lost)() == []
        await User.objects.filter(pk=world.person.pk).aupdate(is_active=False)  # past every signal
        lost = await sync_to_async(look.lost)()
        assert sorted(lost) == [(world.run.pk, "suspended"), (queued.pk, "suspended")]
        for run_pk, code in lost:
            await sync_to_async(entitlement.stop)(run_pk, code)
        ended = [run async for run in Run.objects.order_by("pk")]
        assert {(run.status, run.error_code, run.is_hidden) for run in ended} == {("stopped", "suspended", False)}
        assert await sync_to_async(look.lost)() == []
