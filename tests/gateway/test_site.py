"""The whole site in a process of its own: what Agno's client does shows in the tabs of whoever it acts for, and the server goes as
quickly as it came."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from agno.client import AgentOSClient
from agno.run.agent import RunCompletedEvent
from agno.run.base import RunStatus
from agno.utils.http import aclose_default_clients

from tests.browser.server import ROOT, Person, Server
from tests.gateway.conftest import PREFIX, bearer

pytestmark = pytest.mark.server

TOKEN = """
from agentos.access.models import User
from agentos.access.actions import create_token
from agentos.access.tokens import SCOPES
print(create_token(by=User.objects.get(email="{}"), name="test", scopes=list(SCOPES), days=1)[1])
"""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("gateway"))
    started.start()
    yield started
    if started.process and started.process.poll() is None:
        started.stop()


def token_of(server: Server, person: Person) -> str:
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", TOKEN.format(person.email)]
    done = subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


class TestTheSite:
    async def test_shows_what_a_client_does_and_goes_while_one_listens(self, server: Server) -> None:
        await self.shows_in_a_tab_what_a_client_does(server)
        await self.goes_while_a_client_listens(server)

    async def shows_in_a_tab_what_a_client_does(self, server: Server) -> None:
        person = server.take()
        cookies = {"session": person.login}
        headers = bearer(token_of(server, person))
        client: Any = AgentOSClient(base_url=server.url + PREFIX)
        opened = await client.create_session(agent_id="quick", session_name="From a client", headers=headers)
        shown = ""

        async def watch() -> None:
            nonlocal shown
            async with (
                httpx.AsyncClient(base_url=server.url, cookies=cookies, timeout=30) as tab,
                tab.stream("GET", "/agentos/live/", params={"session": opened.session_id}) as live,
            ):
                assert live.status_code == 200
                async for line in live.aiter_lines():
                    shown += line + "\n"
                    if "so that its words" in shown.lower() and "turn-1" in shown:
                        return

        watching = asyncio.create_task(watch())
        events = [event async for event in client.run_agent_stream("quick", "Hello tab", session_id=opened.session_id, headers=headers)]
        assert isinstance(events[-1], RunCompletedEvent)
        await asyncio.wait_for(watching, 20)
        assert "Hello tab" in shown
        async with httpx.AsyncClient(base_url=server.url, cookies=cookies) as tab:
            page = (await tab.get(f"/agentos/session/{opened.session_id}/")).text
            assert "Hello tab" in page
            assert "From a client" in (await tab.get("/agentos/")).text
            # And the other way round: what is said in the browser is there for the client.
            listed = (await tab.get(f"{PREFIX}/sessions")).json()
            assert [each["session_id"] for each in listed["data"]] == [opened.session_id]
        paused = await client.run_agent("careful", "Write", headers=headers)
        paused.tools[0].confirmed = True
        done = await client.continue_agent_run("careful", paused.run_id, paused.tools, headers=headers)
        assert done.status == RunStatus.completed
        await client.delete_session(opened.session_id, headers=headers)
        async with httpx.AsyncClient(base_url=server.url, cookies=cookies) as tab:
            assert (await tab.get(f"/agentos/session/{opened.session_id}/")).status_code == 404
            assert (await tab.get(f"{PREFIX}/")).json()["message"] == "AgentOS FastAPI app is available"
        await aclose_default_clients()

    async def goes_while_a_client_listens(self, server: Server) -> None:
        """Its runs get their second of grace, and each stream is told how its run ended."""
        headers = bearer(token_of(server, server.take()))
        async with (
            httpx.AsyncClient(base_url=server.url + PREFIX, headers=headers, timeout=30) as http,
            http.stream("POST", "/agents/silent/runs", data={"message": "Hello"}) as answer,
        ):
            lines = answer.aiter_lines()
            while "RunContent" not in await anext(lines):
                pass
            assert server.process
            asked = time.monotonic()
            os.kill(server.process.pid, signal.SIGTERM)
            rest = [line async for line in lines]
        assert any("RunError" in line for line in rest)
        assert any("The server went away" in line for line in rest)
        assert await asyncio.to_thread(server.process.wait, 20) in {0, -signal.SIGTERM}
        assert time.monotonic() - asked < 10
        assert "Traceback" not in server.log
