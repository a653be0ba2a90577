"""A message behind a call that waits to be approved, at each door of the gateway: answered at once, in the door's own form."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

from agentos.access.models import User
from agentos.agents.events import Waiting
from agentos.agents.models import DjangoAgent
from agentos.chat.actions import send_message
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.gateway.asgi import Gateway
from tests.factories import ChatSessionFactory, RunFactory
from tests.gateway.conftest import PREFIX, bearer, token_for
from tests.gateway.test_interfaces import asked

Headers = dict[str, str]
SOON = 20  # seconds: no answer would come before the run's time is over, which is minutes


@pytest.fixture
async def gateway(settings: Any) -> AsyncIterator[Gateway]:
    settings.AGENTOS_INTERFACES = ["agui", "mcp", "a2a"]
    gateway = Gateway(PREFIX)
    yield gateway
    await gateway.close()


@pytest.fixture
async def headers(owner: User) -> Headers:
    return bearer(await sync_to_async(token_for)(owner))


@pytest.fixture
async def waiting(owner: User, everyone_agent: DjangoAgent) -> ChatSession:
    session: ChatSession = await sync_to_async(ChatSessionFactory)(user=owner, agent=everyone_agent)
    await sync_to_async(RunFactory)(session=session, turn=1, status=Run.Status.WAITING)
    return session


def a2a(session: ChatSession, method: str) -> dict[str, Any]:
    message = {"messageId": "1", "role": "user", "parts": [{"kind": "text", "text": "Hello"}], "contextId": session.session_id}
    return {"jsonrpc": "2.0", "id": "1", "method": f"message/{method}", "params": {"message": message}}


class TestBehindAnApproval:
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    async def test_http_says_409(self, http: httpx.AsyncClient, waiting: ChatSession, headers: Headers) -> None:
        form = {"message": "Hello", "session_id": waiting.session_id}
        async with asyncio.timeout(SOON):
            answers = [
                await http.post("/agents/assistant/runs", headers=headers, data={**form, "stream": "false"}),
                await http.post("/agents/assistant/runs", headers=headers, data={**form, "stream": "true"}),
                await http.post("/agents/assistant/agui", headers=headers, json=asked(thread=waiting.session_id)),
                await http.post("/a2a/agents/assistant/v1/message:send", headers=headers, json=a2a(waiting, "send")),
                await http.post("/a2a/agents/assistant/v1/message:stream", headers=headers, json=a2a(waiting, "stream")),
            ]
        for answer in answers:
            assert answer.status_code == 409, answer.text
            assert answer.headers["X-Error-Code"] == "waiting_for_approval"
            assert answer.headers["X-Session-ID"] == waiting.session_id
            assert f"Open session {waiting.session_id} to decide" in answer.json()["error"]
        assert await Run.objects.acount() == 1

    async def test_who_does_not_wait_is_queued(self, http: httpx.AsyncClient, waiting: ChatSession, headers: Headers) -> None:
        form = {"message": "Hello", "session_id": waiting.session_id, "stream": "false", "background": "true"}
        assert (await http.post("/agents/assistant/runs", headers=headers, data=form)).status_code == 202
        assert await Run.objects.filter(status=Run.Status.QUEUED).acount() == 1

    @pytest.mark.server
    async def test_mcp_says_so_in_the_result(self, address: str, waiting: ChatSession, headers: Headers) -> None:
        async with asyncio.timeout(SOON), Client(StreamableHttpTransport(f"{address}/mcp", headers=headers)) as mcp:
            given = {"agent_id": "assistant", "message": "Hello", "session_id": waiting.session_id}
            result = await mcp.call_tool("run_agent", given, raise_on_error=False)
        assert f"Open session {waiting.session_id} to decide" in str(result.content)
        assert await Run.objects.acount() == 1


class TestBehindARunThatAsksLater:
    @pytest.mark.parametrize("stream", ["false", "true"])
    async def test_the_answer_comes_then(
        self, http: httpx.AsyncClient, owner: User, everyone_agent: DjangoAgent, headers: Headers, stream: str
    ) -> None:
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=everyone_agent)
        first = await sync_to_async(send_message)(by=owner, session=session, text="One")
        form = {"message": "Two", "session_id": session.session_id, "stream": stream}
        asking = asyncio.create_task(http.post("/agents/assistant/runs", headers=headers, data=form))
        while await Run.objects.acount() < 2:
            await asyncio.sleep(0.01)
        await sync_to_async(claim_next)(session.pk, timedelta(seconds=30))
        await sync_to_async(end_run)(run_pk=first.pk, event=Waiting(requirements=[]))
        async with asyncio.timeout(SOON):
            answer = await asking
        assert answer.status_code == (200 if stream == "true" else 409)
        assert "waiting_for_approval" in (answer.text if stream == "true" else answer.headers["X-Error-Code"])
        assert "Your message is saved" in answer.text
