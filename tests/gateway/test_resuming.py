"""A client that loses its connection: the run goes on, and every character of it is told once, wherever the client comes back."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import Run
from agentos.chat.registry import registry
from agentos.chat.runs.engine import Engine
from tests.factories import AgentFactory
from tests.gateway.conftest import bearer, token_for, until

RUNS = "/agents/assistant/runs"
SerializedEvent = list[dict[str, Any]]


@pytest.fixture
async def agent(db: None) -> DjangoAgent:
    return await sync_to_async(AgentFactory)(agent_id="assistant", is_global=True, model="scripted:60x10")


@pytest.fixture
async def headers(owner: User) -> dict[str, str]:
    return bearer(await sync_to_async(token_for)(owner))


def read(text: str) -> SerializedEvent:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def said(told: SerializedEvent) -> str:
    return "".join(event.get("content") or "" for event in told if event["event"] == "RunContent")


class TestResuming:
    async def test_tells_every_character_once(self, address: str, agent: DjangoAgent, headers: dict[str, str]) -> None:
        async with httpx.AsyncClient(base_url=address, headers=headers) as http:
            first: SerializedEvent = []
            form = {"message": "Hello", "background": "true", "stream": "true"}
            async with http.stream("POST", RUNS, data=form) as answer:
                async for line in answer.aiter_lines():
                    first += read(line)
                    if len(said(first)) > 40:
                        break  # and the connection with it
            last = first[-1]["event_index"]
            path = f"{RUNS}/{first[0]['run_id']}/resume"
            while_running = read((await http.post(path, data={"last_event_index": str(last)})).text)
            run = await Run.objects.aget()
            assert run.status == Run.Status.COMPLETED
            after = read((await http.post(path, data={"last_event_index": str(last)})).text)
            whole = read((await http.post(path)).text)
        for rest in (while_running, after):
            assert (said(first) + said(rest)).strip() == run.answer
            assert [event["event"] for event in rest][-2:] == ["RunContentCompleted", "RunCompleted"]
        assert said(whole).strip() == run.answer
        assert whole[1]["event"] == "RunStarted"  # after a word about what follows
        indexes = [event["event_index"] for event in whole if "event_index" in event]
        assert indexes == sorted(set(indexes))

    async def test_repeats_nothing_to_who_has_heard_it_all(
        self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, headers: Any
    ) -> None:
        form = {"message": "Hello", "background": "true", "stream": "true"}
        told = read((await http.post(RUNS, headers=headers, data=form)).text)
        path = f"{RUNS}/{told[0]['run_id']}/resume"
        again = read((await http.post(path, headers=headers, data={"last_event_index": str(told[-1]["event_index"])})).text)
        assert [event["event"] for event in again] == ["replay"]

    async def test_shows_a_run_that_waits(self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, headers: Any) -> None:
        agent.model = "scripted:approve"
        await agent.asave()
        run = (await http.post(RUNS, headers=headers, data={"message": "Hello", "stream": "false"})).json()
        told = read((await http.post(f"{RUNS}/{run['run_id']}/resume", headers=headers)).text)
        assert told[-1]["event"] == "RunPaused"
        assert told[-1]["requirements"][0]["tool_execution"]["tool_args"] == {"to": "Ada", "text": "Hello."}


class TestABackgroundRun:
    async def test_is_answered_before_it_has_begun(self, http: httpx.AsyncClient, engine: Engine, agent: DjangoAgent, headers: Any) -> None:
        answer = await http.post(RUNS, headers=headers, data={"message": "Hello", "stream": "false", "background": "true"})
        assert answer.status_code == 202
        assert answer.json()["status"] in {"PENDING", "RUNNING"}
        run = await until(lambda: Run.objects.filter(status="completed").afirst())
        found = await http.get(f"{RUNS}/{answer.json()['run_id']}", headers=headers)
        assert (found.json()["status"], found.json()["content"]) == ("COMPLETED", run.answer)
        (listed,) = (await http.get(RUNS, headers=headers, params={"session_id": answer.json()["session_id"]})).json()
        assert listed["content"] == run.answer


class TestACallerWhoHangsUp:
    async def test_stops_nothing(self, address: str, agent: DjangoAgent, headers: dict[str, str]) -> None:
        """Agno's own server cancels the run."""
        form = {"message": "Hello"}
        async with httpx.AsyncClient(base_url=address, headers=headers) as http, http.stream("POST", RUNS, data=form) as answer:
            await anext(answer.aiter_lines())
        run = await until(lambda: Run.objects.exclude(status__in=["queued", "running"]).afirst())
        assert run.status == Run.Status.COMPLETED


class TestAServerThatStops:
    async def test_does_not_wait_for_runs_that_have_not_begun(
        self, http: httpx.AsyncClient, agent: DjangoAgent, headers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listening = asyncio.create_task(http.post(RUNS, headers=headers, data={"message": "Hello"}))
        await until(lambda: Run.objects.filter(status="queued").aexists())
        monkeypatch.setattr(registry, "stopping", True)
        told = read((await listening).text)
        assert (told[-1]["event"], told[-1]["error_type"]) == ("RunError", "unavailable")
