"""A server that is killed while a tool waits for a yes: what was asked is there after the restart, and the tool is called once."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.agents.fakes import Exchange, FakeServer, says
from tests.connections.servers import Served
from tests.server import Server

SECONDS = 60


async def writes_a_note(exchange: Exchange) -> None:
    results = exchange.messages("tool")
    if results:
        await says("Got: ", str(results[-1]["content"]))(exchange)
        return
    await exchange.start()
    await exchange.call("notes_write_note", json.dumps({"text": "milk"}))
    await exchange.done()


async def becomes(api: httpx2.AsyncClient, run_id: str, status: str) -> dict[str, Any]:
    """Return the run once it has this status."""
    async with asyncio.timeout(SECONDS):
        while True:
            run: dict[str, Any] = (await api.get(f"runs/{run_id}/")).raise_for_status().json()
            if run["status"] == status:
                return run
            assert run["status"] in {"queued", "running", "waiting"}, run
            await asyncio.sleep(0.1)


@pytest.mark.server
@pytest.mark.timeout(240)
async def test_a_call_that_waits_for_a_yes_outlives_the_server(running: Served, tmp_path: Path) -> None:
    running.clean()
    async with FakeServer(writes_a_note) as model:
        server = Server(tmp_path, AGENTOS_OPENAI_LIKE_URL=f"{model.url}/v1", AGENTOS_ALLOW_PRIVATE_HOSTS="127.0.0.1")
        await asyncio.to_thread(server.start)
        try:
            made = await asyncio.to_thread(server.run_module, "tests.connections.seed", running.url)
            headers = {"Authorization": f"Bearer {made['token']}"}
            async with httpx2.AsyncClient(base_url=f"{server.origin}/api/v1/agentos/", headers=headers, timeout=30) as api:
                session = (await api.post("sessions/", json={"agent_id": "writer"})).raise_for_status().json()
                run = (await api.post(f"sessions/{session['id']}/runs/", json={"message": "Write it down"})).raise_for_status().json()
                waiting = await becomes(api, run["id"], "waiting")
            assert server.process
            server.process.kill()
            server.process.wait()
            assert running.notes == []
            await asyncio.to_thread(server.start)
            async with httpx2.AsyncClient(base_url=f"{server.origin}/api/v1/agentos/", headers=headers, timeout=30) as api:
                assert (await becomes(api, run["id"], "waiting"))["requirements"] == waiting["requirements"]
                assert waiting["requirements"][0]["args"] == {"text": "milk"}
                answers = [{"call_id": waiting["requirements"][0]["call_id"], "confirmed": True}]
                (await api.post(f"runs/{run['id']}/answer/", json={"answers": answers})).raise_for_status()
                done = await becomes(api, run["id"], "completed")
            assert done["answer"] == "Got: Kept: milk"
            assert running.notes == ["milk"]
        finally:
            await asyncio.to_thread(server.stop)
    written = server.sql("SELECT data FROM audit_auditrecord WHERE verb = 'connections.tool.called'")
    assert [json.loads(line["data"])["outcome"] for line in written] == ["ok"]
    assert "milk" not in written[0]["data"]
