"""Agents that have tools of a connection: real Agno, a real MCP server, a model of the tests that calls what it is told to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.utils.safestring import SafeString

from agentos.access.models import Team, User
from agentos.agents import runtime
from agentos.agents.events import Event, Finished, ToolFailed, ToolFinished, Waiting
from agentos.agents.models import DjangoAgent
from agentos.agents.specs import AgentSpec, spec_of
from agentos.chat.live.part_views import part_view
from agentos.chat.live.shown import shown_view
from agentos.connections import actions, client
from agentos.connections.looking import look
from agentos.connections.models import RemoteTool, Server
from agentos.core import db
from agentos.core.fragments import draw
from tests.agents.fakes import Exchange, FakeServer, go_on, play, says
from tests.connections.servers import Served
from tests.factories import AgentFactory, RemoteServerFactory, RemoteToolFactory

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def model(settings: Any, *calls: tuple[str, dict[str, Any]]) -> AsyncIterator[FakeServer]:
    """A model that makes these calls, all at once, and then says what it got."""

    async def behaviour(exchange: Exchange) -> None:
        results = exchange.messages("tool")
        if results or not calls:
            await says("Got: ", *(str(message["content"]) for message in results))(exchange)
            return
        await exchange.start()
        for number, (name, arguments) in enumerate(calls):
            await exchange.call(name, json.dumps(arguments), call_id=f"call_{number}", index=number)
        await exchange.done()

    async with FakeServer(behaviour) as server:
        settings.AGENTOS_OPENAI_LIKE_URL = f"{server.url}/v1"
        yield server
        await runtime.close()


async def spec_with(*slugs: str, **fields: Any) -> AgentSpec:
    def make() -> AgentSpec:
        agent: DjangoAgent = AgentFactory(model="openai-like:any", tools=list(slugs), **fields)
        return spec_of(agent)

    return await db.write(make)


@pytest.fixture
async def accepted(server: Server, operator: User) -> Server:
    """All tools of the server are accepted; those that read are called freely."""
    await look(server, by=operator)

    def accept() -> None:
        offers = {tool.name: tool.offered["hash"] for tool in server.tools.all() if tool.offered}
        actions.accept_tools(server=server, offers=offers, by=operator)
        actions.set_policies(server=server, policies={"add": "auto"}, by=operator)

    await db.write(accept)
    return server


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def nothing_is_left() -> None:
    await client.finish()
    assert client._closing == set()


class TestRun:
    async def test_calls_what_reads_without_asking(self, accepted: Server, settings: Any) -> None:
        async with model(settings, ("tests_add", {"a": 1, "b": 2})) as server:
            events = await play(await spec_with("mcp:tests/add"))
        (call,) = of(ToolFinished, events)
        assert (call.name, call.result) == ("tests_add", "3")
        assert isinstance(events[-1], Finished)
        (told,) = server.exchanges[0].body["tools"]
        assert told["function"]["name"] == "tests_add"
        assert told["function"]["description"] == "Add two numbers."
        assert set(told["function"]["parameters"]["properties"]) == {"a", "b"}
        await nothing_is_left()

    async def test_waits_for_a_yes_before_it_calls_the_rest(self, accepted: Server, mcp: Served, settings: Any) -> None:
        async with model(settings, ("tests_write_note", {"text": "milk"})):
            spec = await spec_with("mcp:tests/write_note")
            waiting = (await play(spec))[-1]
            assert isinstance(waiting, Waiting)
            assert (waiting.requirements[0]["name"], waiting.requirements[0]["args"]) == ("tests_write_note", {"text": "milk"})
            assert mcp.notes == []
            await nothing_is_left()
            events = await go_on(spec, waiting.output, runtime.Answer("call_0"))
        assert [call.result for call in of(ToolFinished, events)] == ["Kept: milk"]
        assert mcp.notes == ["milk"]
        await nothing_is_left()

    @pytest.mark.parametrize("arguments", [{}, {"text": 7}, {"text": "milk", "more": 1}])
    async def test_asks_nobody_about_what_does_not_fit(
        self, accepted: Server, mcp: Served, settings: Any, arguments: dict[str, Any]
    ) -> None:
        async with model(settings, ("tests_write_note", arguments)):
            events = await play(await spec_with("mcp:tests/write_note"))
        (failed,) = of(ToolFailed, events)
        assert failed.error.startswith("These arguments do not fit.")
        assert isinstance(events[-1], Finished)
        assert mcp.notes == []

    async def test_does_not_call_what_was_refused(self, accepted: Server, mcp: Served, settings: Any) -> None:
        async with model(settings, ("tests_write_note", {"text": "milk"})):
            spec = await spec_with("mcp:tests/write_note")
            waiting = (await play(spec))[-1]
            assert isinstance(waiting, Waiting)
            events = await go_on(spec, waiting.output, runtime.Answer("call_0", confirmed=False))
        assert of(ToolFailed, events)
        assert mcp.notes == []

    async def test_asks_where_the_agent_is_stricter_and_never_less(self, accepted: Server, settings: Any) -> None:
        async with model(settings, ("tests_add", {"a": 1, "b": 2})):
            events = await play(await spec_with("mcp:tests/add", tool_policies={"mcp:tests/add": "ask"}))
            assert isinstance(events[-1], Waiting)
        async with model(settings, ("tests_write_note", {"text": "x"})):
            events = await play(await spec_with("mcp:tests/write_note", tool_policies={"mcp:tests/write_note": "auto"}))
            assert isinstance(events[-1], Waiting)

    async def test_says_what_the_tool_says_went_wrong(self, accepted: Server, settings: Any) -> None:
        async with model(settings, ("tests_fail", {})) as server:
            spec = await spec_with("mcp:tests/fail")
            waiting = (await play(spec))[-1]
            assert isinstance(waiting, Waiting)
            events = await go_on(spec, waiting.output, runtime.Answer("call_0"))
        assert [call.error for call in of(ToolFailed, events)] == ["The shelf is empty."]
        assert isinstance(events[-1], Finished)
        assert "The shelf is empty." in server.asked.messages("tool")[-1]["content"]

    async def test_goes_on_without_a_server_that_is_away(self, settings: Any, near: None, db: None) -> None:
        def make() -> None:
            RemoteToolFactory(server=RemoteServerFactory(slug="away", name="Away", url="http://127.0.0.1:9/mcp"), name="add", policy="auto")

        await asyncio.to_thread(make)
        async with model(settings, ("away_add", {})):
            events = await play(await spec_with("mcp:away/add"))
        assert [call.error for call in of(ToolFailed, events)] == ["Away cannot be reached now."]
        assert isinstance(events[-1], Finished)
        await nothing_is_left()

    async def test_that_calls_nothing_opens_nothing(self, accepted: Server, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client.Connection, "__init__", lambda *_: pytest.fail("A connection was opened."))
        async with model(settings):
            events = await play(await spec_with("mcp:tests/add", "mcp:tests/write_note"))
        assert isinstance(events[-1], Finished)

    async def test_that_is_stopped_leaves_nothing(self, accepted: Server, mcp: Served, settings: Any) -> None:
        await db.write(lambda: RemoteTool.objects.filter(name="slow").update(policy="auto"))
        async with model(settings, ("tests_slow", {"seconds": 60})):
            run = asyncio.create_task(play(await spec_with("mcp:tests/slow")))
            while not (mcp.folder / "began").exists():
                await asyncio.sleep(0.02)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
        await nothing_is_left()


class TestToolThatCannotBeCalled:
    @pytest.fixture
    def called(self) -> tuple[str, dict[str, Any]]:
        return "tests_add", {"a": 1, "b": 2}

    async def test_says_that_it_has_changed(
        self, accepted: Server, operator: User, settings: Any, called: tuple[str, dict[str, Any]]
    ) -> None:
        spec = await spec_with("mcp:tests/add")
        await db.write(lambda: RemoteTool.objects.filter(name="add").update(offered={"hash": "1", "description": "Evil."}))
        spec = await spec_with("mcp:tests/add", agent_id="other")
        async with model(settings, called) as server:
            events = await play(spec)
        sentence = "Tests has changed this tool. It is off until whoever manages the connection accepts it."
        assert [call.error for call in of(ToolFailed, events)] == [sentence]
        assert "Evil" not in json.dumps(server.exchanges[0].body)
        assert isinstance(events[-1], Finished)

    async def test_says_that_its_connection_is_gone(self, db: None, settings: Any, called: tuple[str, dict[str, Any]]) -> None:
        async with model(settings, called):
            events = await play(await spec_with("mcp:tests/add"))
        assert [call.error for call in of(ToolFailed, events)] == ["This connection is no longer there."]

    async def test_of_another_team_is_not_given_to_an_agent(self, db: None, support: Team, settings: Any) -> None:
        tool = await asyncio.to_thread(lambda: RemoteToolFactory(server__slug="crm", server__team=support, name="find"))
        assert tool.slug in (await spec_with(tool.slug, team=support)).toolbox
        async with model(settings):
            events = await play(await spec_with(tool.slug, is_global=True))
        assert events[-1].data() == {"code": "agent_unavailable"}

    async def test_without_the_members_key_shows_where_to_give_it(self, db: None, near: None, settings: Any) -> None:
        def make() -> None:
            RemoteToolFactory(server=RemoteServerFactory(slug="crm", name="CRM", auth="member_key"), name="find", policy="auto")

        await asyncio.to_thread(make)
        async with model(settings, ("crm_find", {})):
            events = await play(await spec_with("mcp:crm/find"))
        (call,) = of(ToolFailed, events)
        assert call.error == "You have not given your own key for CRM yet."
        assert call.shown == {"kind": "connect", "server": "crm"}
        assert call.data()["shown"] == call.shown


class TestPart:
    def test_leads_to_the_page_where_the_key_is_given(self) -> None:
        part: dict[str, Any] = {
            "kind": "tool",
            "call_id": "c",
            "name": "crm_find",
            "args": {},
            "status": "failed",
            "result": "No key.",
            "seconds": 0.1,
        }
        shown = {"kind": "connect", "server": "crm"}
        view = part_view({**part, "shown": shown}, SafeString("part-1"), growing=False)
        assert 'href="/agentos/settings/connections/crm/connect/"' in draw("chat/_part.html", {"part": view})

    @pytest.mark.parametrize("server", ["../x", "", None, 7, "a/b", "A"])
    def test_leads_nowhere_else(self, server: Any) -> None:
        assert shown_view({"kind": "connect", "server": server}) is None
