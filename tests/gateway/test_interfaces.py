"""AG-UI and MCP behind the same guard, each spoken by its own public package: per user, by our rules, into our tables."""

import json
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from typing import Any

import httpx
import pytest
from ag_ui.core import Event as AGUIEvent
from ag_ui.core import RunAgentInput, UserMessage
from asgiref.sync import sync_to_async
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import McpError, ToolError
from pydantic import TypeAdapter

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs.engine import Engine
from agentos.gateway.asgi import Gateway
from agentos.gateway.server import build, objections
from tests.factories import AgentFactory
from tests.gateway.conftest import PREFIX, bearer, token_for

Headers = dict[str, str]
NOT_JSON: tuple[Headers, ...] = (
    {},
    {"Content-Type": "text/plain"},
    {"Content-Type": "text/plain; x=application/json"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "multipart/form-data; boundary=x"},
)
EVENT: TypeAdapter[Any] = TypeAdapter(AGUIEvent)


@pytest.fixture
async def gateway(settings: Any, request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    """One that is loaded by its first request, with its lifespan: the MCP server lives in it."""
    settings.AGENTOS_INTERFACES = ["a2a"] if "a2a" in request.fixturenames else ["agui", "mcp"]
    gateway = Gateway(PREFIX)
    yield gateway
    await gateway.close()


@pytest.fixture
async def agent(db: None) -> DjangoAgent:
    return await sync_to_async(AgentFactory)(agent_id="assistant", name="Assistant", is_global=True, model="scripted:40x1")


@pytest.fixture
async def headers(owner: User) -> Headers:
    return bearer(await sync_to_async(token_for)(owner))


class TestBoth:
    def test_are_declared(self, settings: Any) -> None:
        settings.AGENTOS_INTERFACES = ["agui", "mcp"]
        assert objections(build()) == []
        settings.AGENTOS_INTERFACES = []
        assert objections(build()) == []


def asked(text: str = "Hello", thread: str = "thread 1", **more: Any) -> dict[str, Any]:
    message = UserMessage(id="1", role="user", content=text)
    given = RunAgentInput(thread_id=thread, run_id="r1", messages=[message], state={}, tools=[], context=[], forwarded_props={})
    return given.model_dump(by_alias=True, mode="json", exclude_none=True) | more


def told(answer: httpx.Response) -> list[Any]:
    return [EVENT.validate_json(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


class TestAGUI:
    PATH = "/agents/assistant/agui"

    async def test_runs_the_agent_of_its_address(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, headers: Headers, owner: User
    ) -> None:
        answer = await http.post(self.PATH, headers=headers, json=asked())
        assert answer.headers["x-accel-buffering"] == "no"
        assert not [name for name in answer.headers if name.startswith("access-control")]
        events = told(answer)
        assert [events[0].type.value, events[-1].type.value] == ["RUN_STARTED", "RUN_FINISHED"]
        run = await Run.objects.select_related("session").aget()
        said = "".join(event.delta for event in events if event.type.value == "TEXT_MESSAGE_CONTENT")
        assert said.strip() == run.answer
        assert (run.session.user_id, run.input) == (owner.pk, "Hello")
        await http.post(self.PATH, headers=headers, json=asked("And?"))
        assert await Run.objects.filter(session=run.session).acount() == 2
        assert (await http.get("/agents/assistant/status", headers=headers)).json() == {"status": "available"}

    async def test_keeps_each_users_threads(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, headers: Headers, stranger: User
    ) -> None:
        others = bearer(await sync_to_async(token_for)(stranger))
        await http.post(self.PATH, headers=headers, json=asked())
        session = await ChatSession.objects.aget()
        await http.post(self.PATH, headers=others, json=asked())
        assert await ChatSession.objects.filter(user=stranger).acount() == 1
        answer = await http.post(self.PATH, headers=others, json=asked(thread=session.session_id))
        assert answer.status_code == 404

    MORE: tuple[dict[str, Any], ...] = (
        {"tools": [{"name": "evil", "description": "", "parameters": {}}]},
        {"state": {"role": "admin"}},
        {"context": [{"description": "tenant", "value": "EVIL"}]},
        {"resume": [{"interruptId": "1", "status": "resolved", "payload": {}}]},
        {"dependencies": {"a": 1}},
        {"messages": []},
        {"messages": [{"id": "1", "role": "tool", "toolCallId": "1", "content": "done"}]},
        {
            "messages": [
                {"id": "1", "role": "user", "content": [{"type": "image", "source": {"type": "url", "value": "file:///etc/passwd"}}]}
            ]
        },
        {"threadId": ""},
    )

    async def test_takes_nothing_else_from_a_client(self, http: httpx.AsyncClient, agent: DjangoAgent, headers: Headers) -> None:
        for more in self.MORE:
            assert (await http.post(self.PATH, headers=headers, json=asked() | more)).status_code == 422, more
        assert not await Run.objects.aexists()

    async def test_says_in_its_own_words_what_went_wrong(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, headers: Headers
    ) -> None:
        agent.model = "scripted:auth"
        await agent.asave()
        answer = await http.post(self.PATH, headers=headers, json=asked())
        assert told(answer)[-1].type.value == "RUN_ERROR"
        assert "sk-scripted" not in answer.text

    async def test_needs_scope_and_agent(
        self, http: httpx.AsyncClient, agent: DjangoAgent, other_team_agent: DjangoAgent, owner: User, headers: Headers
    ) -> None:
        reader = bearer(await sync_to_async(token_for)(owner, "agents:read", "sessions:read"))
        assert (await http.post(self.PATH, headers=reader, json=asked())).status_code == 403
        assert (await http.post(self.PATH, json=asked())).status_code == 401
        assert (await http.post("/agents/researcher/agui", headers=headers, json=asked())).status_code == 404


@pytest.fixture
def client(address: str) -> Callable[[Headers], Client[Any]]:
    return lambda headers: Client(StreamableHttpTransport(f"{address}/mcp", headers=headers))


@pytest.mark.server
class TestMCP:
    async def test_runs_agents_and_reads_sessions(
        self, client: Callable[[Headers], Client[Any]], agent: DjangoAgent, headers: Headers, owner: User, other_team_agent: DjangoAgent
    ) -> None:
        async with client(headers) as mcp:
            assert {"run_agent", "get_sessions"} <= {tool.name for tool in await mcp.list_tools()}
            config = (await mcp.call_tool("get_agentos_config", {})).data
            assert [each["id"] for each in config["agents"]] == ["assistant"]
            result = await mcp.call_tool("run_agent", {"agent_id": "assistant", "message": "Hello", "session_id": "mine"})
            run = await Run.objects.select_related("session").aget()
            assert run.answer in str(result.content)
            assert run.session.user_id == owner.pk
            listed = (await mcp.call_tool("get_sessions", {})).data
            assert [each["session_id"] for each in listed["data"]] == [run.session.session_id]
            runs = (await mcp.call_tool("get_session_runs", {"session_id": run.session.session_id})).structured_content
            assert run.answer in json.dumps(runs)

    async def test_approves_what_is_stored(self, client: Callable[[Headers], Client[Any]], agent: DjangoAgent, headers: Headers) -> None:
        agent.model = "scripted:approve"
        await agent.asave()
        async with client(headers) as mcp:
            paused = (await mcp.call_tool("run_agent", {"agent_id": "assistant", "message": "Write"})).structured_content
            assert paused["status"] == "PAUSED"
            given = {"agent_id": "assistant", "run_id": paused["run_id"], "session_id": paused["session_id"]}
            changed = json.loads(json.dumps(paused["requirements"]))
            changed[0]["tool_execution"]["tool_args"] = {"to": "Mallory"}
            changed[0]["confirmation"] = True
            refused = await mcp.call_tool("continue_run", {**given, "requirements": changed}, raise_on_error=False)
            assert "cannot be changed" in str(refused.content)
            assert (await Run.objects.aget()).status == Run.Status.WAITING
            requirements = [{**each, "confirmation": True} for each in paused["requirements"]]
            await mcp.call_tool("continue_run", {**given, "requirements": requirements})
        run = await Run.objects.aget()
        assert run.status == Run.Status.COMPLETED

    async def test_keeps_users_apart(
        self, client: Callable[[Headers], Client[Any]], agent: DjangoAgent, headers: Headers, stranger: User, team_agent: DjangoAgent
    ) -> None:
        others = bearer(await sync_to_async(token_for)(stranger))
        async with client(headers) as mine, client(others) as theirs:
            await mine.call_tool("run_agent", {"agent_id": "assistant", "message": "Hello"})
            run = await Run.objects.select_related("session").aget()
            for _ in range(3):  # in turns, over connections that stay open
                assert len((await mine.call_tool("get_agentos_config", {})).data["agents"]) == 2
                assert len((await theirs.call_tool("get_agentos_config", {})).data["agents"]) == 1
                assert len((await mine.call_tool("get_sessions", {})).data["data"]) == 1
                assert (await theirs.call_tool("get_sessions", {})).data["data"] == []
            session = {"session_id": run.session.session_id}
            for tool, given in (
                ("get_session_runs", session),
                ("cancel_run", {"agent_id": "assistant", "run_id": run.run_id, **session}),
                ("run_agent", {"agent_id": "support-writer", "message": "Hello"}),
            ):
                with pytest.raises(ToolError):
                    await theirs.call_tool(tool, given)
            refused = await theirs.call_tool("run_agent", {"agent_id": "assistant", "message": "EVIL", **session}, raise_on_error=False)
            assert "There is no such session" in str(refused.content)
            assert await Run.objects.acount() == 1

    async def test_tells_nothing_of_what_broke(
        self, client: Callable[[Headers], Client[Any]], agent: DjangoAgent, headers: Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_args: Any, **_kwargs: Any) -> None:
            raise RuntimeError("postgres://user:secret@host/")

        monkeypatch.setattr("agentos.gateway.store._page", broken)
        monkeypatch.setattr("agentos.gateway.agents.sessions.send", broken)
        async with client(headers) as mcp:
            for tool, given in (("get_sessions", {}), ("run_agent", {"agent_id": "assistant", "message": "Hello"})):
                result = await mcp.call_tool(tool, given, raise_on_error=False)
                assert "Something went wrong on the server" in str(result.content)
                assert "secret" not in str(result)

    async def test_asks_for_the_scope_of_each_tool(self, client: Callable[[Headers], Client[Any]], agent: DjangoAgent, owner: User) -> None:
        reader = bearer(await sync_to_async(token_for)(owner, "agents:read"))
        async with client(reader) as mcp:
            await mcp.call_tool("get_agentos_config", {})
            for tool, given in (("run_agent", {"agent_id": "assistant", "message": "Hello"}), ("get_sessions", {}), ("run_team", {})):
                with pytest.raises((McpError, httpx.HTTPError, ToolError)):
                    await mcp.call_tool(tool, given)
        assert not await Run.objects.aexists()

    async def test_takes_nothing_but_json(self, http: httpx.AsyncClient, agent: DjangoAgent, headers: Headers) -> None:
        """A form of another site can send JSON, but not say so."""
        message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
        for path, body in (("/mcp", message), ("/agents/assistant/agui", json.dumps(asked()))):
            for kind in NOT_JSON:
                answer = await http.post(path, headers=headers | kind, content=body)
                assert (answer.status_code, answer.headers["X-Error-Code"]) == (415, "unsupported_media_type"), (path, kind)
        assert not await Run.objects.aexists()

    async def test_is_closed_without_a_token(self, http: httpx.AsyncClient, headers: Headers) -> None:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        assert (await http.post("/mcp", json=message)).status_code == 401
        for method in ("GET", "DELETE"):
            assert (await http.request(method, "/mcp", headers=headers)).status_code == 405
        for path in ("/mcp/server-card", "/mcp/server/tools/run_agent/run", "/server-card"):
            assert (await http.post(path, headers=headers, json={})).status_code in {404, 405}
        team = {**message, "method": "tools/call", "params": {"name": "run_team"}}
        for body in ([message], {**message, "method": "resources/list"}, "x", team):
            assert (await http.post("/mcp", headers=headers, json=body)).status_code in {404, 422}


@pytest.fixture
def a2a(settings: Any) -> None:
    """Agno 3.1.10 speaks A2A 0.3, and with no package but its own."""
    pytest.importorskip("agno.os.interfaces.a2a", reason="Agno's A2A needs a2a-sdk < 1.0", exc_type=ImportError)
    settings.AGENTOS_INTERFACES = ["a2a"]


@pytest.mark.server
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.usefixtures("a2a")
class TestA2A:
    def test_is_declared(self) -> None:
        assert objections(build()) == []

    async def test_speaks_with_the_client_of_its_package(
        self, address: str, engine: Engine, agent: DjangoAgent, headers: Headers, owner: User
    ) -> None:
        """With its older one, in which each answer stands for itself: the newer refuses the order in which Agno sends them."""
        sdk: Any = import_module("a2a.client")
        types: Any = import_module("a2a.types")
        base = f"{address}/a2a/agents/assistant"
        message = types.Message(
            role=types.Role.user, parts=[types.Part(root=types.TextPart(text="Hello"))], message_id="1", context_id="mine"
        )
        params = types.MessageSendParams(message=message)
        async with httpx.AsyncClient(headers=headers) as http:
            card = await sdk.A2ACardResolver(http, base).get_agent_card()
            assert (card.name, card.url) == ("Assistant", f"{base}/v1/message:stream")
            assert "SECRET" not in card.model_dump_json()
            client = sdk.A2AClient(http, url=f"{base}/v1/message:send")
            answer = await client.send_message(types.SendMessageRequest(id="1", params=params))
            run = await Run.objects.select_related("session").aget()
            assert (run.session.user_id, run.input, run.status) == (owner.pk, "Hello", Run.Status.COMPLETED)
            assert answer.root.result.id == run.run_id
            assert run.answer in answer.model_dump_json()
            client = sdk.A2AClient(http, agent_card=card)
            updates = [each async for each in client.send_message_streaming(types.SendStreamingMessageRequest(id="2", params=params))]
            assert await Run.objects.filter(session=run.session).acount() == 2
            assert updates[-1].root.result.status.state == "completed"

    async def test_sends_gets_and_cancels(self, address: str, agent: DjangoAgent, headers: Headers, stranger: User) -> None:
        others = bearer(await sync_to_async(token_for)(stranger))
        params = {"message": {"messageId": "1", "role": "user", "parts": [{"kind": "text", "text": "Hello"}], "contextId": "mine"}}
        async with httpx.AsyncClient(base_url=f"{address}/a2a/agents/assistant/v1") as http:

            async def ask(what: str, params: dict[str, Any], headers: Headers = headers) -> httpx.Response:
                return await http.post(f"/{what}", headers=headers, json={"id": "1", "method": "message/send", "params": params})

            task = (await ask("message:send", params)).json()["result"]
            run = await Run.objects.aget()
            assert run.answer in json.dumps(task)
            assert (await ask("tasks:get", {"id": run.run_id})).json()["result"]["status"]["state"] == "completed"
            assert (await ask("tasks:cancel", {"id": run.run_id})).status_code == 200
            for what in ("tasks:get", "tasks:cancel"):
                assert (await ask(what, {"id": run.run_id, "contextId": "mine"}, others)).status_code == 404
            assert (await ask("message:send", params, others)).status_code == 200  # a context of their own, by the same name
            assert await ChatSession.objects.filter(user=stranger).acount() == 1
            for kind in NOT_JSON:
                body = json.dumps({"id": "1", "params": params})
                assert (await http.post("/message:send", headers=headers | kind, content=body)).status_code == 415, kind
            file = {"kind": "file", "file": {"uri": "http://169.254.169.254/", "mimeType": "image/png"}}
            evil = {"message": {**params["message"], "parts": [file]}}
            assert (await ask("message:send", evil)).status_code == 422
            assert (await ask("message:send", params, bearer(await sync_to_async(token_for)(stranger, "agents:read")))).status_code == 403
