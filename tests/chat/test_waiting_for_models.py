"""A model that is busy and says for how long: it is asked again then, and the turn says so."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents import runtime
from agentos.chat import actions
from agentos.chat.live.transcript import open_transcript
from agentos.chat.models import Run
from agentos.chat.runs import run_task
from agentos.chat.runs.engine import Engine
from tests.agents.fakes import Exchange, FakeServer
from tests.factories import AgentFactory


@pytest.fixture
async def busy(settings) -> AsyncIterator[Callable[[str], FakeServer]]:
    """A server of models that refuses once, with this ``Retry-After``."""
    retry_after = ""

    async def answers(exchange: Exchange) -> None:
        if exchange.number:
            await exchange.say("Here I am.")
            return
        await exchange.start(f"application/json\r\nRetry-After: {retry_after}", 429)
        await exchange.send(b'{"error": {"message": "Rate limit reached"}}')
        await exchange.end()

    async with FakeServer(answers) as server:
        settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"

        def after(seconds: str) -> FakeServer:
            nonlocal retry_after
            retry_after = seconds
            return server

        yield after
        await runtime.close()


async def sent(member: User) -> Run:
    agent = await sync_to_async(AgentFactory)(is_global=True, model="openai-like:m")
    return await sync_to_async(actions.send_message)(by=member, agent=agent, text="Hello")


async def until(run: Run, is_so: Callable[[Run], bool]) -> Run:
    async with asyncio.timeout(20):
        while True:
            found = await Run.objects.select_related("session__agent", "session__user").aget(pk=run.pk)
            if is_so(found):
                return found
            await asyncio.sleep(0.02)


async def test_is_asked_again_when_it_wants_to_be(engine: Engine, member: User, busy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_task, "WAIT_TOLD", 0.5)
    server = busy("1")
    run = await sent(member)
    waiting = await until(run, lambda run: run.waits_seconds is not None)
    transcript = await sync_to_async(open_transcript)(waiting.session, may_write=True)
    assert transcript.turns[0].now == "The model is busy: asked again after 1 s"
    assert len(server.exchanges) == 1
    ended = await until(run, lambda run: run.status in Run.ENDED)
    assert (ended.status, ended.answer, ended.waits_seconds) == ("completed", "Here I am.", None)
    assert len(server.exchanges) == 2


async def test_is_not_waited_for_longer_than_people_wait(engine: Engine, member: User, busy) -> None:
    server = busy("31")
    ended = await until(await sent(member), lambda run: run.status in Run.ENDED)
    assert (ended.status, ended.error_code) == ("failed", "model_busy")
    assert len(server.exchanges) == 1


async def test_tells_operators_what_is_missing_and_members_what_to_do(engine: Engine, member: User, operator: User, busy) -> None:
    busy("31")
    for user in (member, operator):
        ended = await until(await sent(user), lambda run: run.status in Run.ENDED)
        (turn,) = (await sync_to_async(open_transcript)(ended.session, may_write=True)).turns
        assert turn.failure.startswith("The model is busy.")
        assert bool(turn.missing) == user.is_staff
        busy("31").exchanges.clear()
