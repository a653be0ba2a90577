"""Messages over the JSON face, with the answers of an engine that runs, and every way in which an answer can end."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.db import connections
from django.test import AsyncClient

from agentos.access.models import User
from agentos.agents.events import Event, Failed, Interrupted, Stopped, TextDelta, Waiting
from agentos.agents.failures import CODES
from agentos.agents.models import DjangoAgent
from agentos.api import sending
from agentos.audit.models import AuditRecord
from agentos.chat import actions
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.engine import Engine
from agentos.core.pubsub import pubsub
from site_config.asgi import application
from tests.api.calls import ROOT, SEND, apost, assert_refused
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

SHORT_LEASE = timedelta(seconds=30)


class Caller(AsyncClient):
    """Each call has a thread of its own, as in Django's server: one that waits is not in the way of the others."""

    async def request(self, **request: Any) -> Any:
        async with ThreadSensitiveContext():
            try:
                return await super().request(**request)
            finally:
                await sync_to_async(connections.close_all)()  # of that thread


@pytest.fixture
async def caller(db: None, owner: User) -> AsyncClient:
    client = Caller()
    await client.aforce_login(owner)
    return client


async def run_when_there(status: str = Run.Status.QUEUED) -> Run:
    for _ in range(500):
        if run := await Run.objects.select_related("session").filter(status=status).afirst():
            return run
        await asyncio.sleep(0.01)
    pytest.fail(f"No run became {status}.")


async def until_waiting(run: Run, callers: int) -> None:
    for _ in range(500):
        if len(pubsub.subscriptions.get(f"session:{run.session_id}", ())) == callers:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"There are not {callers} who wait for this run.")


@asynccontextmanager
async def calling(client: AsyncClient, body: dict[str, Any], **headers: str) -> AsyncIterator["asyncio.Task[Any]"]:
    task = asyncio.create_task(apost(client, SEND, body, **headers))
    try:
        yield task
    finally:
        task.cancel()


async def end(run: Run, event: Event, *, words: str = "") -> None:
    claimed = await sync_to_async(claim_next)(run.session_id, SHORT_LEASE)
    assert claimed
    if words:
        await RunEvent.objects.acreate(run=run, seq=1, attempt=claimed.attempt, kind="text", data=TextDelta(words).data())
    assert await sync_to_async(end_run)(run_pk=run.pk, event=event)


class TestSendMessage:
    async def test_answers_with_the_whole_answer(
        self, caller: AsyncClient, engine: Engine, owner: User, everyone_agent: DjangoAgent
    ) -> None:
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=everyone_agent)
        body = {"agent_id": "assistant", "session_id": session.session_id, "message": "Hello, how can you help?", "context": {}}
        response = await apost(caller, SEND, body)
        assert response.status_code == 200
        answer = response.json()
        assert list(answer) == ["success", "response", "session_id", "agent_id", "timestamp"]
        run = await Run.objects.aget()
        assert answer["success"] is True
        assert answer["response"] == run.answer
        assert len(answer["response"].split()) == 5
        assert (answer["session_id"], answer["agent_id"]) == (session.session_id, "assistant")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer["timestamp"])
        assert await AuditRecord.objects.filter(verb="chat.message.sent", actor=owner).aexists()

    async def test_opens_a_session_where_none_is_named(self, caller: AsyncClient, engine: Engine, everyone_agent: DjangoAgent) -> None:
        first = (await apost(caller, SEND, {"agent_id": "assistant", "message": "One"})).json()
        assert (await ChatSession.objects.aget()).session_id == first["session_id"]
        second = (await apost(caller, SEND, {"session_id": first["session_id"], "message": "Two"})).json()
        assert second["session_id"] == first["session_id"]
        assert [run.turn async for run in Run.objects.order_by("pk")] == [1, 2]

    async def test_is_an_action_of_the_main_endpoint(self, caller: AsyncClient, engine: Engine, everyone_agent: DjangoAgent) -> None:
        response = await apost(
            caller, ROOT, {"action": "send_message", "agent_id": "assistant", "message": "Hi", "session_id": None, "context": None}
        )
        assert list(response.json()) == ["success", "response", "session_id", "agent_id", "timestamp"]

    async def test_stores_text_that_every_database_can_hold(self, caller: AsyncClient, engine: Engine, everyone_agent: DjangoAgent) -> None:
        body = {"agent_id": "assistant", "message": "a\0b\ud800c\r\nd", "context": {"k\0": ["\ud800", 1.5]}}
        assert (await apost(caller, SEND, body)).status_code == 200
        run = await Run.objects.aget()
        assert run.input == "a\ufffdb?c\nd"
        assert run.context == {"k\ufffd": ["?", 1.5]}

    async def test_takes_nothing_else_from_the_body(
        self, caller: AsyncClient, engine: Engine, owner: User, stranger: User, everyone_agent: DjangoAgent
    ) -> None:
        extra = {
            "user": stranger.pk,
            "by": stranger.pk,
            "run_id": "run_mine",
            "turn": 9,
            "status": "completed",
            "answer": "forged",
            "is_staff": True,
        }
        await apost(caller, SEND, {"agent_id": "assistant", "message": "Hi", **extra})
        run = await Run.objects.select_related("by", "session__user").aget()
        assert (run.by, run.session.user, run.turn) == (owner, owner, 1)
        assert run.run_id != "run_mine"
        assert run.answer != "forged"
        assert not (await User.objects.aget(pk=owner.pk)).is_staff


class TestAccept:
    async def test_streams_where_the_server_speaks_plain_asgi_too(
        self, caller: AsyncClient, engine: Engine, everyone_agent: DjangoAgent
    ) -> None:
        response = await apost(caller, SEND, {"agent_id": "assistant", "message": "Hi"}, Accept="text/event-stream, application/json;q=0.5")
        assert response.headers["Content-Type"].startswith("text/event-stream")
        body = b"".join([part async for part in response.streaming_content])
        assert (await Run.objects.aget()).answer.encode() in body
        assert b"event: completed" in body

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/event-stream", "text/html"])
    async def test_of_anything_else_is_answered_with_json(
        self, caller: AsyncClient, engine: Engine, everyone_agent: DjangoAgent, accept: str
    ) -> None:
        response = await apost(caller, SEND, {"agent_id": "assistant", "message": "Hi"}, Accept=accept)
        assert response.json()["success"] is True


class TestIdempotencyKey:
    async def test_gives_the_first_answer_again(self, caller: AsyncClient, engine: Engine, everyone_agent: DjangoAgent) -> None:
        body, key = {"agent_id": "assistant", "message": "Once"}, {"Idempotency-Key": "4b1c"}
        answers = [(await apost(caller, SEND, body, **key)).json() for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert await Run.objects.acount() == await ChatSession.objects.acount() == 1

    async def test_gives_it_to_a_repeat_that_comes_too_early(self, caller: AsyncClient, everyone_agent: DjangoAgent) -> None:
        body, key = {"agent_id": "assistant", "message": "Once"}, {"Idempotency-Key": "4b1c"}
        async with calling(caller, body, **key) as first, calling(caller, body, **key) as second:
            run = await run_when_there()
            await until_waiting(run, callers=2)
            await end(run, Stopped(), words="So far")
            assert_refused(await first, 409, "stopped")
            assert_refused(await second, 409, "stopped")
        assert await Run.objects.acount() == 1

    async def test_refuses_other_content(self, caller: AsyncClient, engine: Engine, everyone_agent: DjangoAgent) -> None:
        key = {"Idempotency-Key": "4b1c"}
        await apost(caller, SEND, {"agent_id": "assistant", "message": "One"}, **key)
        assert_refused(await apost(caller, SEND, {"agent_id": "assistant", "message": "Two"}, **key), 422, "key_reused")

    async def test_is_each_callers_own(self, caller: AsyncClient, engine: Engine, stranger: User, everyone_agent: DjangoAgent) -> None:
        other = Caller()
        await other.aforce_login(stranger)
        body, key = {"agent_id": "assistant", "message": "Once"}, {"Idempotency-Key": "4b1c"}
        mine, theirs = await apost(caller, SEND, body, **key), await apost(other, SEND, body, **key)
        assert mine.json()["session_id"] != theirs.json()["session_id"]


class TestEnds:
    @pytest.mark.parametrize(
        ("event", "status", "code"),
        [
            *((Failed(code), 503 if code in sending.UNAVAILABLE_CODES else 502, code) for code in sorted(CODES)),
            (Interrupted(), 503, "interrupted"),
            (Stopped(), 409, "stopped"),
            (Waiting(requirements=[{"tool": "pay"}]), 409, "waiting_for_approval"),
        ],
        ids=lambda value: getattr(value, "code", None) or getattr(value, "kind", None) or str(value),
    )
    async def test_that_are_no_answer_are_errors(
        self, caller: AsyncClient, everyone_agent: DjangoAgent, event: Event, status: int, code: str
    ) -> None:
        async with calling(caller, {"agent_id": "assistant", "message": "Hi"}) as call:
            run = await run_when_there()
            await end(run, event, words="Secret part")
            response = await call
        assert "Secret part" not in assert_refused(response, status, code)
        assert response.headers["X-Session-ID"] == run.session.session_id
        assert ("Retry-After" in response.headers) is (status == 503)

    @pytest.mark.parametrize("how", ["json", "stream", "action"])
    async def test_behind_an_approval_are_said_at_once(
        self, caller: AsyncClient, owner: User, everyone_agent: DjangoAgent, how: str
    ) -> None:
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=everyone_agent)
        await sync_to_async(RunFactory)(session=session, turn=1, status=Run.Status.WAITING)
        body = {"session_id": session.session_id, "message": "Hi"}
        if how == "action":
            answer = await apost(caller, ROOT, {"action": "send_message", **body})
        else:
            answer = await apost(caller, SEND, body, Accept={"json": "application/json", "stream": "text/event-stream"}[how])
        assert_refused(answer, 409, "waiting_for_approval", session.session_id, "Nothing was sent")
        assert answer.headers["X-Session-ID"] == session.session_id
        assert await Run.objects.acount() == 1
        background = await apost(caller, SEND, {**body, "background": True})
        assert background.status_code == 202  # who does not wait is queued

    async def test_behind_a_run_that_asks_later_are_said_then(self, caller: AsyncClient, owner: User, everyone_agent: DjangoAgent) -> None:
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=everyone_agent)
        first = await sync_to_async(actions.send_message)(by=owner, session=session, text="One")
        async with calling(caller, {"session_id": session.session_id, "message": "Two"}) as call:
            await until_waiting(first, callers=1)
            await end(first, Waiting(requirements=[{"tool": "pay"}]))
            answer = await call
        assert_refused(answer, 409, "waiting_for_approval", session.session_id, "Your message is saved")
        assert answer.headers["X-Session-ID"] == session.session_id
        assert [run.status async for run in Run.objects.order_by("turn")] == ["waiting", "queued"]

    async def test_that_take_too_long_are_504(
        self, caller: AsyncClient, everyone_agent: DjangoAgent, settings: Any, monkeypatch: Any
    ) -> None:
        settings.AGENTOS_RUN_TIMEOUT = 0
        monkeypatch.setattr(sending, "MARGIN", 0.1)
        response = await apost(caller, SEND, {"agent_id": "assistant", "message": "Hi"})
        session = await ChatSession.objects.aget()
        assert_refused(response, 504, "not_finished", "saved", session.session_id)

    async def test_of_a_withdrawn_message_are_409(self, caller: AsyncClient, owner: User, everyone_agent: DjangoAgent) -> None:
        async with calling(caller, {"agent_id": "assistant", "message": "Hi"}) as call:
            run = await run_when_there()
            await sync_to_async(actions.stop_run)(run=run, by=owner)
            assert_refused(await call, 409, "stopped")

    async def test_of_an_erased_owner_are_404(self, caller: AsyncClient, owner: User, everyone_agent: DjangoAgent) -> None:
        async with calling(caller, {"agent_id": "assistant", "message": "Hi"}) as call:
            run = await run_when_there()
            await Run.objects.filter(pk=run.pk).adelete()
            assert_refused(await call, 404, "session_not_found")


class TestWaiting:
    async def test_survives_a_caller_that_hangs_up(self, owner: User, caller: AsyncClient, engine: Engine) -> None:
        await sync_to_async(AgentFactory)(agent_id="slow", model="scripted:20x20", is_global=True)
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in caller.cookies.items())
        scope = {
            "type": "http",
            "method": "POST",
            "path": SEND,
            "query_string": b"",
            "headers": [(b"host", b"testserver"), (b"content-type", b"application/json"), (b"cookie", cookie.encode())],
        }
        communicator = ApplicationCommunicator(application, scope)
        body = json.dumps({"agent_id": "slow", "message": "Hi"}).encode()
        await communicator.send_input({"type": "http.request", "body": body})
        run = await run_when_there(Run.Status.RUNNING)
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(5)
        for _ in range(300):
            await run.arefresh_from_db()
            if run.status != Run.Status.RUNNING:
                break
            await asyncio.sleep(0.02)
        assert run.status == Run.Status.COMPLETED
        assert len(run.answer.split()) == 20
