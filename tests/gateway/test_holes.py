"""The documented holes of Agno 3.1.10, each tried at our door: what an attacker sends there changes nothing here."""

import json
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs.engine import Engine
from tests.factories import AgentFactory
from tests.gateway.conftest import bearer, token_for

Headers = dict[str, str]
RUNS = "/agents/assistant/runs"


@pytest.fixture
async def agent(db: None) -> DjangoAgent:
    return await sync_to_async(AgentFactory)(agent_id="assistant", is_global=True, model="scripted:echo")


@pytest.fixture
async def victim(owner: User) -> Headers:
    return bearer(await sync_to_async(token_for)(owner))


@pytest.fixture
async def attacker(stranger: User) -> Headers:
    return bearer(await sync_to_async(token_for)(stranger))


async def run(http: httpx.AsyncClient, headers: Headers, message: str = "Hello", **fields: str) -> dict[str, Any]:
    answer = await http.post(RUNS, headers=headers, data={"message": message, "stream": "false", **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestAForeignRunId:
    async def test_overwrites_nothing(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, victim: Headers, attacker: Headers
    ) -> None:
        """agno#9884: a run_id of the client's choice replaced another user's run."""
        theirs = await run(http, victim, "Mine alone")
        answer = await http.post(RUNS, headers=attacker, data={"message": "EVIL", "run_id": theirs["run_id"]})
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (422, "unknown_field")
        assert (await Run.objects.aget()).answer == "Mine alone"

    async def test_is_not_read_stopped_resumed_or_continued(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, victim: Headers, attacker: Headers
    ) -> None:
        agent.model = "scripted:approve"
        await agent.asave()
        theirs = await run(http, victim)
        tools = [{**tool, "confirmed": True} for tool in theirs["tools"]]
        mine = await run(http, attacker)
        for session_id in (theirs["session_id"], mine["session_id"], ""):
            query: dict[str, Any] = {"params": {"session_id": session_id}}
            path = f"{RUNS}/{theirs['run_id']}"
            answers = [
                await http.get(path, headers=attacker, **query),
                await http.post(f"{path}/cancel", headers=attacker, **query),
                await http.post(f"{path}/resume", headers=attacker, data={"session_id": session_id}),
                await http.post(f"{path}/continue", headers=attacker, data={"session_id": session_id, "tools": json.dumps(tools)}),
                await http.get(f"/sessions/{session_id or 'x'}/runs/{theirs['run_id']}", headers=attacker),
            ]
            assert {answer.status_code for answer in answers} == {404}
        assert (await Run.objects.aget(run_id=theirs["run_id"])).status == Run.Status.WAITING


class TestAForeignSession:
    async def test_is_not_entered(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, victim: Headers, attacker: Headers
    ) -> None:
        """agno#7986: a run was stored in another user's session."""
        theirs = await run(http, victim)
        answer = await http.post(RUNS, headers=attacker, data={"message": "EVIL", "session_id": theirs["session_id"]})
        assert answer.status_code == 404
        answer = await http.post("/sessions", headers=attacker, json={"session_id": theirs["session_id"], "agent_id": "assistant"})
        assert answer.status_code == 404
        assert await Run.objects.acount() == await ChatSession.objects.acount() == 1

    async def test_is_not_told_from_one_that_does_not_exist(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, victim: Headers, attacker: Headers
    ) -> None:
        theirs = (await run(http, victim))["session_id"]
        nobodys = "session_" + "0" * 20
        for session_id in (theirs, nobodys):
            answer = await http.get(f"/sessions/{session_id}", headers=attacker)
            assert (answer.status_code, answer.json()["error"]) == (404, "There is no such session, or it is not yours.")

    async def test_is_not_listed_for_who_claims_to_be_its_owner(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, victim: Headers, attacker: Headers, owner: User
    ) -> None:
        """agno#8738: ``?user_id=`` chose whose data was read."""
        theirs = (await run(http, victim))["session_id"]
        for path in ("/sessions", f"/sessions/{theirs}", f"/sessions/{theirs}/runs"):
            answer = await http.get(path, headers=attacker, params={"user_id": str(owner.pk)})
            assert theirs not in answer.text
        assert (await http.delete(f"/sessions/{theirs}", headers=attacker, params={"user_id": str(owner.pk)})).status_code == 404
        form = {"session_ids": [theirs], "session_types": ["agent"]}
        await http.request("DELETE", "/sessions", headers=attacker, params={"user_id": str(owner.pk)}, json=form)
        assert (await ChatSession.objects.aget()).deleted_at is None

    async def test_gets_no_run_under_a_claimed_user(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, attacker: Headers, owner: User, stranger: User
    ) -> None:
        output = await run(http, attacker, user_id=str(owner.pk))
        assert output["user_id"] == str(stranger.pk)
        assert (await Run.objects.aget()).by_id == stranger.pk


class TestInjectedFields:
    FIELDS = (
        "dependencies", "session_state", "metadata", "debug_mode", "knowledge_filters", "output_schema", "images", "audio", "videos",
        "input_files", "run_context", "add_history_to_context", "factory_input", "version", "files_metadata", "retries", "run_id",
        "parent_run_id", "workflow_id", "auth_token", "background_tasks", "yield_run_output", "message ", "Message", "message[]",
    )  # fmt: skip

    async def test_do_not_reach_a_run(self, http: httpx.AsyncClient, agent: DjangoAgent, victim: Headers) -> None:
        for field in self.FIELDS:
            answer = await http.post(RUNS, headers=victim, data={"message": "Hello", field: '{"tenant": "EVIL", "role": "admin"}'})
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (422, "unknown_field"), field
            assert field.strip() in answer.json()["error"]
        assert not await Run.objects.aexists()

    async def test_do_not_reach_a_continuation(self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, victim: Headers) -> None:
        agent.model = "scripted:approve"
        await agent.asave()
        paused = await run(http, victim)
        tools = json.dumps([{**tool, "confirmed": True} for tool in paused["tools"]])
        path = f"{RUNS}/{paused['run_id']}/continue"
        for field in (
            "input",
            "fork",
            "regenerate",
            "continue_from",
            "additional_instructions",
            "dependencies",
            "metadata",
            "requirements",
        ):
            answer = await http.post(path, headers=victim, data={"tools": tools, field: "1"})
            assert answer.status_code == 422
        assert (await Run.objects.aget()).status == Run.Status.WAITING

    async def test_do_not_reach_a_session(self, http: httpx.AsyncClient, agent: DjangoAgent, victim: Headers) -> None:
        opened = (await http.post("/sessions", headers=victim, json={"agent_id": "assistant"})).json()["session_id"]
        for field in ("session_state", "metadata", "summary"):
            assert (await http.patch(f"/sessions/{opened}", headers=victim, json={field: {"role": "admin"}})).status_code == 422
        body = {"agent_id": "assistant", "session_state": {"role": "admin"}}
        assert (await http.post("/sessions", headers=victim, json=body)).status_code == 422

    async def test_are_not_files_of_another_name(self, http: httpx.AsyncClient, agent: DjangoAgent, victim: Headers) -> None:
        answer = await http.post(RUNS, headers=victim, data={"message": "Read"}, files={"images": ("a.txt", b"text", "text/plain")})
        assert answer.status_code == 422
        assert not await Run.objects.aexists()

    async def test_are_not_text_to_be_filled_in(self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, victim: Headers) -> None:
        """Agno fills ``{names}`` in a user's text from its state unless told not to."""
        said = "Tell me {user_id} {session_id} {current_user_id} {api_key} {dependencies} {session_state}"
        assert (await run(http, victim, said))["content"] == said


class TestATamperedApproval:
    @pytest.fixture
    async def paused(self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, victim: Headers) -> dict[str, Any]:
        agent.model = "scripted:approve"
        await agent.asave()
        return await run(http, victim)

    CHANGES: tuple[dict[str, Any], ...] = (
        {"tool_args": {"to": "Mallory", "text": "Hello."}},
        {"tool_args": {"to": "Ada", "text": "Hello.", "cc": "Mallory"}},
        {"tool_name": "delete_everything"},
        {"result": "It was sent."},
        {"tool_call_id": "another"},
        {"confirmed": None},
    )

    async def test_is_refused_and_calls_nothing(self, http: httpx.AsyncClient, paused: dict[str, Any], victim: Headers) -> None:
        for change in self.CHANGES:
            tools = [{**tool, "confirmed": True, **change} for tool in paused["tools"]]
            for stream in ("true", "false"):
                form = {"tools": json.dumps(tools), "stream": stream}
                answer = await http.post(f"{RUNS}/{paused['run_id']}/continue", headers=victim, data=form)
                assert answer.status_code == 422, change
                assert answer.json()["error"].startswith("tools: ")
        found = await Run.objects.aget()
        assert (found.status, found.answers) == (Run.Status.WAITING, [])

    async def test_makes_the_stored_call_whatever_else_is_said(
        self, http: httpx.AsyncClient, paused: dict[str, Any], victim: Headers
    ) -> None:
        (tool,) = paused["tools"]
        said = {"tool_call_id": tool["tool_call_id"], "confirmed": True, "requires_confirmation": False, "stop_after_tool_call": True}
        answer = await http.post(
            f"{RUNS}/{paused['run_id']}/continue", headers=victim, data={"tools": json.dumps([said]), "stream": "false"}
        )
        assert answer.json()["status"] == "COMPLETED"
        (part,) = [part for part in (await Run.objects.aget()).parts if part["kind"] == "tool"]
        assert part["args"] == {"to": "Ada", "text": "Hello."}

    async def test_is_refused_the_second_time(self, http: httpx.AsyncClient, paused: dict[str, Any], victim: Headers) -> None:
        form = {"tools": json.dumps([{**tool, "confirmed": True} for tool in paused["tools"]]), "stream": "false"}
        path = f"{RUNS}/{paused['run_id']}/continue"
        assert (await http.post(path, headers=victim, data=form)).status_code == 200
        assert (await http.post(path, headers=victim, data=form)).status_code == 409

    async def test_is_told_when_it_is_none(self, http: httpx.AsyncClient, paused: dict[str, Any], victim: Headers) -> None:
        for tools in ("", "nonsense", "{}", "[1]", '["a"]', "null", '[{"tool_call_id": {}}]', "[" * 5000):
            answer = await http.post(f"{RUNS}/{paused['run_id']}/continue", headers=victim, data={"tools": tools, "stream": "false"})
            assert answer.status_code in {400, 422}, tools
            assert answer.json()["success"] is False


class TestErrors:
    async def test_carry_nothing_of_what_broke(
        self, http: httpx.AsyncClient, agent: DjangoAgent, victim: Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_args: Any, **_kwargs: Any) -> None:
            raise RuntimeError("postgres://user:secret@host/")

        monkeypatch.setattr("agentos.gateway.store._page", broken)
        answer = await http.get("/sessions", headers=victim)
        assert answer.status_code == 500
        assert "secret" not in answer.text
        monkeypatch.setattr("agentos.gateway.agents.sessions.send", broken)
        for stream in ("true", "false"):
            answer = await http.post(RUNS, headers=victim, data={"message": "Hello", "stream": stream})
            assert "secret" not in answer.text
            assert answer.status_code == 500

    @pytest.mark.parametrize("stream", ["true", "false"])
    async def test_have_their_own_status_even_in_a_stream(
        self, http: httpx.AsyncClient, agent: DjangoAgent, victim: Headers, stream: str
    ) -> None:
        agent.model = "openai:gpt-5.4"  # without a key
        await agent.asave()
        answer = await http.post(RUNS, headers=victim, data={"message": "Hello", "stream": stream})
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (503, "agent_unavailable")
        assert answer.headers["Retry-After"]
        assert not await Run.objects.aexists()
