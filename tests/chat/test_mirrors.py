"""A mirror has what the journal of a run has that another process drives, for whoever follows it here."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection

from agentos.access.models import User
from agentos.agents.events import Finished
from agentos.chat import actions
from agentos.chat.live import mirrors as mirrors_module
from agentos.chat.live.buffer import LiveBuffer, live_buffers
from agentos.chat.live.mirrors import Mirrors
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.core import db as database
from agentos.core.db import outage
from agentos.core.pubsub import pubsub
from tests.chat.test_leases import LEASE

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one process."),
    pytest.mark.django_db(transaction=True),
]
SOON = 20.0  # seconds


@pytest.fixture
def run(session: ChatSession, member: User) -> Run:
    """Driven by somebody else."""
    actions.send_message(by=member, session=session, text="Hello.")
    found = claim_next(session.pk, LEASE)
    assert found
    return found


@pytest.fixture
async def mirrors(run: Run) -> AsyncIterator[Mirrors]:
    made = Mirrors()
    made.start()
    await asyncio.sleep(0)
    yield made
    await made.stop()
    database.close()


def says(run: Run, *texts: str) -> None:
    seq = RunEvent.objects.filter(run=run).count()
    for place, text in enumerate(texts, start=seq + 1):
        RunEvent.objects.create(run=run, seq=place, attempt=1, kind="text", data={"text": text})


def mirrored(run: Run) -> str:
    buffer = live_buffers.of_session(run.session_id)
    return "".join(part["text"] for part in buffer.parts) if buffer and buffer.run_pk == run.pk else ""


async def grown(run: Run, *texts: str) -> None:
    """As the driver's process does it, and tells."""
    await sync_to_async(says)(run, *texts)
    pubsub.publish(f"grown#{run.session_id}.{run.pk}")


async def until_it_has(run: Run, text: str) -> None:
    with pubsub.subscribe(f"draft:{run.session_id}") as subscription:
        async with asyncio.timeout(SOON):
            while mirrored(run) != text:
                await subscription.wait(0.1)


async def test_grows_with_the_journal_while_somebody_follows(mirrors: Mirrors, run: Run) -> None:
    with pubsub.subscribe(f"draft:{run.session_id}") as reader:
        await grown(run, "One ", "two ")
        assert await reader.wait(SOON) == {f"draft:{run.session_id}"}
        assert mirrored(run) == "One two "
        await grown(run, "three")
        await until_it_has(run, "One two three")
        buffer = live_buffers.of_session(run.session_id)
        assert buffer
        assert (buffer.seq, [line.seq for line in buffer.lines]) == (3, [1, 2, 3])


async def test_is_not_made_for_nobody(mirrors: Mirrors, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors_module, "read", lambda _: pytest.fail("It was read."))
    await grown(run, "One")
    await asyncio.sleep(0.2)
    assert mirrored(run) == ""


async def test_is_opened_by_who_comes_later(mirrors: Mirrors, run: Run) -> None:
    await sync_to_async(says)(run, "One ", "two")
    buffer = await mirrors.open(run.session_id, run.pk)
    assert buffer
    assert mirrored(run) == "One two"


async def test_is_none_of_a_run_that_has_ended(mirrors: Mirrors, run: Run) -> None:
    with pubsub.subscribe(f"draft:{run.session_id}"):
        await grown(run, "One")
        await until_it_has(run, "One")
        await sync_to_async(end_run)(run_pk=run.pk, event=Finished(messages=[]), attempt=1)
        assert await mirrors.open(run.session_id, run.pk) is None
        assert live_buffers.mirrors == {}


async def test_is_forgotten_when_nobody_follows_any_more(mirrors: Mirrors, run: Run) -> None:
    with pubsub.subscribe(f"draft:{run.session_id}"):
        await grown(run, "One")
        await until_it_has(run, "One")
    pubsub.publish("grown")
    async with asyncio.timeout(SOON):
        while live_buffers.mirrors:
            await asyncio.sleep(0.01)


async def test_catches_up_by_itself_with_what_was_not_told(mirrors: Mirrors, run: Run) -> None:
    with pubsub.subscribe(f"draft:{run.session_id}"):
        await grown(run, "One ")
        await until_it_has(run, "One ")
        await sync_to_async(says)(run, "two")
        pubsub.publish_all()
        await until_it_has(run, "One two")


async def test_is_none_of_what_this_process_drives(mirrors: Mirrors, run: Run) -> None:
    ours = live_buffers.open(run)
    try:
        with pubsub.subscribe(f"draft:{run.session_id}"):
            await grown(run, "One")
            assert await mirrors.open(run.session_id, run.pk) is ours
            assert live_buffers.mirrors == {}
    finally:
        live_buffers.close(ours)


async def test_follows_the_next_run_of_its_chat(mirrors: Mirrors, run: Run) -> None:
    live_buffers.mirrors[run.session_id] = LiveBuffer(Run(pk=run.pk - 1, session_id=run.session_id, turn=1, attempt=1))
    with pubsub.subscribe(f"draft:{run.session_id}"):
        await grown(run, "New")
        await until_it_has(run, "New")


async def test_outlasts_a_database_that_is_away(mirrors: Mirrors, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "AGAIN_SECONDS", 0.05)
    with pubsub.subscribe(f"draft:{run.session_id}"):
        await grown(run, "One ")
        await until_it_has(run, "One ")
        with monkeypatch.context() as away:

            def fail(_: object) -> None:
                raise OperationalError("the server has gone")

            away.setattr(mirrors_module, "read", fail)
            await grown(run, "two")
            await asyncio.sleep(0.2)
        await until_it_has(run, "One two")


async def test_are_none_before_they_are_started(run: Run) -> None:
    assert await Mirrors().open(run.session_id, run.pk) is None
