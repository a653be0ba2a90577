"""Agno's own clients, unchanged, against a server that listens: what they do is done in our tables, by our rules."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from agno.agent.remote import RemoteAgent
from agno.db.base import SessionType
from agno.run.agent import RunCancelledEvent, RunCompletedEvent, RunContentEvent, RunOutput, RunStartedEvent
from agno.run.base import RunStatus
from agno.utils.http import aclose_default_clients
from asgiref.sync import sync_to_async
from django.db import connections
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, Run
from agentos.core import db
from agentos.gateway.models import SessionName
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory
from tests.gateway.conftest import bearer, token_for, until

pytestmark = [pytest.mark.server]


@pytest.fixture
def agent(db: None) -> Callable[[str], Any]:
    return lambda model: sync_to_async(AgentFactory)(agent_id="assistant", name="Assistant", is_global=True, model=model)


class TestAgentOSClient:
    async def test_finds_the_agents_of_its_user(
        self, client: Any, headers: dict[str, str], agent: Any, other_team_agent: DjangoAgent, plan_agent: DjangoAgent
    ) -> None:
        await agent("scripted:echo")
        config = await client.aget_config(headers=headers)
        assert {each.id for each in config.agents} == {"assistant", "analyst"}
        assert config.databases == ["agentos"]
        assert {each.id for each in await client.list_agents(headers=headers)} == {"assistant", "analyst"}
        assert (await client.aget_agent("assistant", headers=headers)).name == "Assistant"
        assert await client.list_teams(headers=headers) == []
        assert await client.list_workflows(headers=headers) == []

    async def test_is_told_nothing_of_how_an_agent_is_made(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:echo")
        everything = [
            (await client.aget_config(headers=headers)).model_dump_json(),
            (await client.aget_agent("assistant", headers=headers)).model_dump_json(),
            *[each.model_dump_json() for each in await client.list_agents(headers=headers)],
        ]
        for text in everything:
            assert "SECRET-INSTRUCTIONS" not in text
            assert "scripted" not in text

    async def test_runs_an_agent(self, client: Any, headers: dict[str, str], agent: Any, owner: User) -> None:
        await agent("scripted:40x1")
        output = await client.run_agent("assistant", "Hello", headers=headers)
        run = await Run.objects.select_related("session").aget()
        assert (output.run_id, output.session_id, output.status) == (run.run_id, run.session.session_id, RunStatus.completed)
        assert output.content == run.answer != ""
        assert output.metrics.output_tokens == 40
        assert (run.by_id, run.session.user_id, run.input) == (owner.pk, owner.pk, "Hello")
        assert not await SessionName.objects.aexists()  # Agno gives every run a session id of its own making
        assert await AuditRecord.objects.filter(verb="chat.message.sent", object_id=run.run_id, actor=owner).aexists()

    async def test_streams_what_is_said(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:40x5")
        first = await client.run_agent("assistant", "Hello", headers=headers)
        events = [event async for event in client.run_agent_stream("assistant", "And?", session_id=first.session_id, headers=headers)]
        run = await Run.objects.aget(turn=2)
        assert isinstance(events[0], RunStartedEvent)
        assert isinstance(events[-1], RunCompletedEvent)
        assert {event.run_id for event in events} == {run.run_id}
        assert {event.session_id for event in events} == {first.session_id}
        said = [str(event.content) for event in events if isinstance(event, RunContentEvent)]
        assert len(said) > 1
        assert "".join(said).strip() == run.answer == events[-1].content

    async def test_is_kept_on_the_line_while_a_model_thinks(
        self, client: Any, address: str, headers: dict[str, str], agent: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agentos.core.http.sse.HEARTBEAT_SECONDS", 0.05)
        await agent("scripted:3x300")
        events = [event async for event in client.run_agent_stream("assistant", "Hello", headers=headers)]
        assert isinstance(events[-1], RunCompletedEvent)
        async with httpx.AsyncClient(base_url=address, headers=headers) as http:
            assert ": keepalive\n\n" in (await http.post("/agents/assistant/runs", data={"message": "Hello"})).text

    async def test_streams_tools_and_thoughts(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:tour")
        events = [event async for event in client.run_agent_stream("assistant", "Show me", headers=headers)]
        kinds = [event.event for event in events]
        assert kinds.count("ToolCallStarted") == kinds.count("ToolCallCompleted") == 2
        assert any(getattr(event, "reasoning_content", None) for event in events)
        called = next(event for event in events if event.event == "ToolCallCompleted")
        assert called.tool.tool_name == "multiply"

    async def test_is_told_of_a_failure_in_our_words(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:auth")
        events = [event async for event in client.run_agent_stream("assistant", "Hello", headers=headers)]
        assert events[-1].event == "RunError"
        assert events[-1].error_type == "model_auth"
        assert "sk-scripted" not in str(events)
        output = await client.run_agent("assistant", "Hello", headers=headers)
        assert output.status == RunStatus.error
        assert "sk-scripted" not in str(output)

    async def test_approves_a_call(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:approve")
        paused = await client.run_agent("assistant", "Write to Ada", headers=headers)
        assert paused.is_paused
        (tool,) = paused.tools_requiring_confirmation
        assert (tool.tool_name, tool.tool_args) == ("post_letter", {"to": "Ada", "text": "Hello."})
        tool.confirmed = True
        output = await client.continue_agent_run("assistant", paused.run_id, paused.tools, session_id=paused.session_id, headers=headers)
        run = await Run.objects.aget()
        assert output.status == RunStatus.completed
        assert output.content == run.answer
        assert [part["status"] for part in run.parts if part["kind"] == "tool"] == ["finished"]

    async def test_refuses_a_call_and_streams_what_follows(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:approve")
        events = [event async for event in client.run_agent_stream("assistant", "Write to Ada", headers=headers)]
        paused: Any = events[-1]
        assert paused.event == "RunPaused"
        (requirement,) = paused.requirements
        requirement.reject("Not today.")
        tools = [requirement.tool_execution]
        told = [event async for event in client.continue_agent_run_stream("assistant", paused.run_id, tools, headers=headers)]
        assert told[0].event == "RunContinued"
        assert isinstance(told[-1], RunCompletedEvent)
        assert "ToolCallError" in [event.event for event in told]
        assert "Not today." in str((await Run.objects.aget()).answers)

    async def test_fills_in_a_form(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:ask")
        paused = await client.run_agent("assistant", "Book", headers=headers)
        (tool,) = paused.tools_requiring_user_input
        values = {"city": "Oslo", "nights": 3}
        for item in tool.user_input_schema:
            item.value = values[item.name]
        output = await client.continue_agent_run("assistant", paused.run_id, [tool], headers=headers)
        assert output.status == RunStatus.completed
        assert (await Run.objects.aget()).answers[0]["values"] == values

    async def test_cancels_a_run(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:hang@3x1")
        events: list[Any] = []

        async def listen() -> None:
            events.extend([event async for event in client.run_agent_stream("assistant", "Hello", headers=headers)])

        listening = asyncio.create_task(listen())
        run = await until(lambda: Run.objects.filter(status="running", events__kind="text").afirst())
        await client.cancel_agent_run("assistant", run.run_id, headers=headers)
        await listening
        assert isinstance(events[-1], RunCancelledEvent)
        assert (await Run.objects.aget()).status == Run.Status.STOPPED

    async def test_keeps_sessions(self, client: Any, headers: dict[str, str], agent: Any, owner: User) -> None:
        await agent("scripted:echo")
        opened = await client.create_session(agent_id="assistant", session_name="Plans", headers=headers)
        session = await ChatSession.objects.aget()
        assert (opened.session_id, opened.session_name, session.user_id) == (session.session_id, "Plans", owner.pk)
        output = await client.run_agent("assistant", "Hello", session_id=opened.session_id, headers=headers)
        listed = await client.get_sessions(session_type=SessionType.AGENT, component_id="assistant", db_id="agentos", headers=headers)
        assert [(each.session_id, each.session_name) for each in listed.data] == [(session.session_id, "Plans")]
        found = await client.get_session(opened.session_id, headers=headers)
        assert [message["content"].strip() for message in found.chat_history] == ["Hello", "Hello"]
        (run,) = await client.get_session_runs(opened.session_id, headers=headers)
        assert (run.run_id, run.run_input, run.content, run.status) == (output.run_id, "Hello", "Hello", "COMPLETED")
        assert (await client.get_session_run(opened.session_id, output.run_id, headers=headers)).content == "Hello"
        (preview,) = await client.aget_session_run_previews(opened.session_id, headers=headers)
        assert preview.run_id == output.run_id
        assert (await client.rename_session(opened.session_id, "Other plans", headers=headers)).session_name == "Other plans"
        assert (await client.update_session(opened.session_id, session_name="New plans", headers=headers)).session_name == "New plans"
        await session.arefresh_from_db()
        assert session.title == "New plans"
        await client.delete_session(opened.session_id, headers=headers)
        await session.arefresh_from_db()
        assert session.deleted_at is not None
        assert (await client.get_sessions(headers=headers)).data == []

    async def test_deletes_several_sessions(self, client: Any, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:echo")
        opened = [await client.create_session(agent_id="assistant", headers=headers) for _ in range(3)]
        ids = [each.session_id for each in opened[:2]]
        await client.delete_sessions(ids, [SessionType.AGENT, SessionType.AGENT], headers=headers)
        assert [each.session_id for each in (await client.get_sessions(headers=headers)).data] == [opened[2].session_id]

    async def test_may_name_its_sessions(self, client: Any, headers: dict[str, str], agent: Any, member: User) -> None:
        await agent("scripted:echo")
        first = await client.run_agent("assistant", "One", session_id="my chat", headers=headers)
        second = await client.run_agent("assistant", "Two", session_id="my chat", headers=headers)
        assert first.session_id == second.session_id != "my chat"
        assert [run.run_input for run in await client.get_session_runs("my chat", headers=headers)] == ["One", "Two"]
        others = bearer(await sync_to_async(token_for)(member))
        third = await client.run_agent("assistant", "Three", session_id="my chat", headers=others)
        assert third.session_id != first.session_id
        await client.delete_session("my chat", headers=headers)
        fourth = await client.run_agent("assistant", "Four", session_id="my chat", headers=headers)
        assert fourth.session_id not in {first.session_id, third.session_id}


class TestRemoteAgent:
    async def test_is_an_agent_like_any_other(self, address: str, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:approve")
        remote: Any = RemoteAgent(base_url=address, agent_id="assistant")
        token = headers["Authorization"].removeprefix("Bearer ")
        events = [event async for event in remote.arun("Write", stream=True, stream_events=True, user_id="me", auth_token=token)]
        paused: Any = events[-1]
        assert paused.event == "RunPaused"
        paused.requirements[0].confirm()
        done = await remote.acontinue_run(paused.run_id, paused.requirements, session_id=paused.session_id, auth_token=token)
        assert isinstance(done, RunOutput)
        assert done.status == RunStatus.completed
        again = await remote.arun("Again", session_id=paused.session_id, auth_token=token)
        assert again.session_id == paused.session_id
        assert await remote.acancel_run(again.run_id, auth_token=token)
        await aclose_default_clients()


class TestAgentUI:
    """The requests of Agno's chat application for browsers, as it sends them."""

    async def test_finds_what_it_asks_for(self, address: str, headers: dict[str, str], agent: Any) -> None:
        await agent("scripted:10x1")
        async with httpx.AsyncClient(base_url=address, headers=headers) as http:
            assert (await http.get("/health")).status_code == 200
            (found,) = (await http.get("/agents")).json()
            assert (found["id"], found["db_id"]) == ("assistant", "agentos")
            assert (await http.get("/teams")).json() == []
            form = {"message": (None, "Hello"), "stream": (None, "true"), "session_id": (None, "")}
            answer = await http.post("/agents/assistant/runs", files=form)
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["x-accel-buffering"] == "no"
            told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
            assert [told[0]["event"], told[-1]["event"]] == ["RunStarted", "RunCompleted"]
            session_id = told[0]["session_id"]
            query = {"type": "agent", "component_id": "assistant", "db_id": "agentos"}
            (listed,) = (await http.get("/sessions", params=query)).json()["data"]
            assert (listed["session_id"], listed["session_name"]) == (session_id, "Hello")
            (run,) = (await http.get(f"/sessions/{session_id}/runs", params={"type": "agent", "db_id": "agentos"})).json()
            assert (run["run_input"], run["content"]) == ("Hello", told[-1]["content"])
            assert (await http.delete(f"/sessions/{session_id}", params={"db_id": "agentos"})).status_code == 204
            assert (await http.get("/sessions", params=query)).json()["data"] == []

    async def test_is_told_thoughts_with_a_content_that_it_can_show(self, address: str, headers: dict[str, str], agent: Any) -> None:
        """It takes every content that is no string for JSON, and shows it as that."""
        await agent("scripted:tour")
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30) as http:
            answer = await http.post("/agents/assistant/runs", files={"message": (None, "Hello"), "stream": (None, "true")})
        told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
        chunks = [event for event in told if event["event"] == "RunContent"]
        assert any(chunk.get("reasoning_content") for chunk in chunks)
        assert all(isinstance(chunk["content"], str) for chunk in chunks)
        said = "".join(chunk["content"] for chunk in chunks)
        assert said.strip() == told[-1]["content"]


class TestALongList:
    async def test_takes_no_more_queries_than_a_short_one(
        self, http: httpx.AsyncClient, headers: dict[str, str], agent: Any, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Agno's own server reads every run of every session that it lists (agno#10328)."""
        counts: list[int] = []
        work = db.keep_connection

        def counted(*args: Any, **kwargs: Any) -> Any:
            with CaptureQueriesContext(connections["default"]) as queries:
                found = work(*args, **kwargs)
            counts[-1] += len(queries)
            return found

        await agent("scripted:echo")
        assistant = await DjangoAgent.objects.aget()
        await http.get("/agents", headers=headers)  # the cards are remembered
        monkeypatch.setattr(db, "keep_connection", counted)
        for more in (1, 19):
            await sync_to_async(ChatSessionFactory.create_batch)(more, user=owner, agent=assistant)
            for path in ("/sessions", "/agents", "/config"):
                counts.append(0)
                assert (await http.get(path, headers=headers)).status_code == 200
        session = await ChatSession.objects.afirst()
        assert session
        for more in (1, 19):
            await sync_to_async(RunFactory.create_batch)(more, session=session)
            counts.append(0)
            assert len((await http.get(f"/sessions/{session.session_id}/runs", headers=headers)).json()) in {1, 20}
        assert counts[0:3] == counts[3:6]
        assert counts[6] == counts[7] <= 8
