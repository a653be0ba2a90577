"""The engine drives what was sent, to its one end, whatever the model does."""

import asyncio
import time
from datetime import timedelta
from itertools import pairwise

import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer
from agentos.chat import actions, waiting
from agentos.chat.claiming import claim_next
from agentos.chat.engine import Engine
from agentos.chat.models import ChatSession, Run
from agentos.core.bell import bell
from tests.factories import AgentFactory

send = sync_to_async(actions.send_message)
stop = sync_to_async(actions.stop_run)
answer = sync_to_async(actions.answer_run)
create_agent = sync_to_async(AgentFactory)


async def ended(run: Run, seconds: float = 20) -> Run:
    found = await waiting.ended(run, seconds)
    assert found, "it took too long"
    return found


async def now(run: Run) -> Run:
    return await Run.objects.select_related("session__agent").aget(pk=run.pk)


async def run_with(model: str, member: User, text: str = "hello") -> Run:
    agent = await create_agent(model=model, is_global=True)
    return await send(by=member, agent=agent, text=text)


async def said(run: Run) -> str:
    """The journal's text so far."""
    return "".join([event.data.get("text", "") async for event in run.events.order_by("seq")])


async def words_of(run: Run) -> None:
    """Wait until the run has said something, or has ended: then its journal is folded."""
    with bell.listen(f"draft:{run.session_id}", f"session:{run.session_id}") as listener:
        while not await said(run) and (await now(run)).status in Run.OPEN:
            await listener.wait(1)


class TestEngine:
    async def test_answers(self, engine: Engine, member: User) -> None:
        run = await ended(await run_with("scripted:20x0", member))
        assert (run.status, run.output_tokens) == (Run.Status.COMPLETED, 20)
        assert len(run.answer.split()) == 20
        assert run.started_at <= run.first_token_at <= run.finished_at  # type: ignore[operator]

    async def test_answers_queued_messages_one_after_the_other(self, engine: Engine, session: ChatSession, member: User) -> None:
        runs = [await send(by=member, session=session, text=str(number)) for number in range(4)]
        done = [await ended(run) for run in runs]
        assert [run.status for run in done] == [Run.Status.COMPLETED] * 4
        for earlier, later in pairwise(done):
            assert earlier.finished_at <= later.started_at  # type: ignore[operator]

    async def test_tells_the_model_what_was_said_before(self, engine: Engine, member: User) -> None:
        first = await ended(await run_with("scripted:echo", member, "My name is {Ada}."))
        assert "{Ada}" in first.answer
        assert [message["role"] for message in first.messages][-2:] == ["user", "assistant"]

    @pytest.mark.parametrize(
        ("model", "code"),
        [("scripted:fail@0", "model_unreachable"), ("scripted:raise", "model_error"), ("scripted:fail@5x0", "model_unreachable")],
    )
    async def test_ends_a_failure_with_its_code(self, engine: Engine, member: User, model: str, code: str) -> None:
        run = await ended(await run_with(model, member))
        assert (run.status, run.error_code) == (Run.Status.FAILED, code)

    async def test_keeps_what_was_said_before_a_failure(self, engine: Engine, member: User) -> None:
        run = await ended(await run_with("scripted:fail@5x0", member))
        assert len(run.answer.split()) == 5

    async def test_calls_tools(self, engine: Engine, member: User) -> None:
        run = await ended(await run_with("scripted:tool", member))
        assert run.status == Run.Status.COMPLETED
        assert "tool" in [part["kind"] for part in run.parts]

    async def test_ends_a_model_that_says_nothing(self, engine: Engine, member: User, settings) -> None:
        settings.SILENCE_TIMEOUT = 0.2
        run = await ended(await run_with("scripted:hang", member))
        assert (run.status, run.error_code) == (Run.Status.FAILED, "model_silent")

    async def test_does_not_take_a_slow_write_for_a_silent_model(self, engine: Engine, member: User, settings, monkeypatch) -> None:
        run = await run_with("scripted:1000x20", member)
        await words_of(run)
        (drive,) = engine.drives.values()
        entry = engine.journal.entries[run.pk]
        async with engine.journal.writing:  # the journal waits for a database that does not answer
            while not entry.unread:
                await asyncio.sleep(0.01)
            said = drive.heard
            assert drive.overdue(drive.began) is None
            assert drive.heard > said

    async def test_ends_a_run_that_takes_too_long(self, engine: Engine, member: User, settings) -> None:
        settings.RUN_TIMEOUT = 0.2
        run = await ended(await run_with("scripted:1000x100", member))
        assert (run.status, run.error_code) == (Run.Status.FAILED, "run_timeout")
        assert run.answer

    async def test_takes_up_what_was_queued_while_no_engine_ran(self, transactional_db: None, session: ChatSession, member: User) -> None:
        run = await send(by=member, session=session, text="hello")
        late = Engine()
        await late.start()
        assert (await ended(run)).status == Run.Status.COMPLETED
        await late.stop(0)

    async def test_interrupts_at_its_start_what_a_dead_one_left(self, transactional_db: None, session: ChatSession, member: User) -> None:
        run = await send(by=member, session=session, text="hello")
        await Run.objects.filter(pk=run.pk).aupdate(status=Run.Status.RUNNING, attempt=1)
        late = Engine()
        await late.start()
        assert (await ended(run)).status == Run.Status.INTERRUPTED
        await late.stop(0)

    async def test_interrupts_its_runs_when_it_stops_and_keeps_their_text(self, transactional_db: None, member: User) -> None:
        engine = Engine()
        await engine.start()
        run = await run_with("scripted:1000x20", member)
        await words_of(run)
        await engine.stop(0)
        run = await now(run)
        assert run.status == Run.Status.INTERRUPTED
        assert run.answer

    async def test_lets_runs_end_within_the_grace_time(self, transactional_db: None, member: User) -> None:
        engine = Engine()
        await engine.start()
        run = await run_with("scripted:10x20", member)
        await words_of(run)
        await engine.stop(10)
        assert (await now(run)).status == Run.Status.COMPLETED


class TestStop:
    async def test_ends_a_hanging_model_at_once(self, engine: Engine, member: User) -> None:
        run = await run_with("scripted:hang", member)
        while (await now(run)).status != Run.Status.RUNNING:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        assert await stop(run=await now(run), by=member)
        assert (await ended(run)).status == Run.Status.STOPPED
        while engine.drives:
            await asyncio.sleep(0.01)
        assert time.monotonic() - began < 5

    async def test_keeps_the_text_and_starts_the_next_message(self, engine: Engine, member: User) -> None:
        run = await run_with("scripted:1000x20", member)
        await words_of(run)
        second = await send(by=member, session=run.session, text="next")
        assert await stop(run=await now(run), by=member)
        stopped = await ended(run)
        assert stopped.status == Run.Status.STOPPED
        assert stopped.answer
        while (await now(second)).status == Run.Status.QUEUED:
            await asyncio.sleep(0.01)
        await stop(run=await now(second), by=member)

    async def test_races_with_the_end_and_one_wins(self, engine: Engine, member: User) -> None:
        agent = await create_agent(model="scripted:3x1", is_global=True)
        for _ in range(20):
            run = await send(by=member, agent=agent, text="hello")
            await words_of(run)
            won = await stop(run=await now(run), by=member)
            run = await ended(run)
            assert run.status == (Run.Status.STOPPED if won else Run.Status.COMPLETED)
            assert await run.events.acount() == 1


class TestApproval:
    async def paused(self, member: User) -> Run:
        run = await ended(await run_with("scripted:approve", member))
        assert run.status == Run.Status.WAITING
        return run

    async def test_runs_what_was_stored_once_a_person_agrees(self, engine: Engine, member: User) -> None:
        run = await self.paused(member)
        asked = run.requirements[0]
        await answer(run=run, answers=[Answer(asked["call_id"])], by=member)
        run = await ended(run)
        assert run.status == Run.Status.COMPLETED
        called = next(part for part in run.parts if part["kind"] == "tool")
        assert (called["name"], called["args"], called["status"]) == (asked["name"], asked["args"], "finished")

    async def test_goes_on_after_a_restart(self, transactional_db: None, member: User) -> None:
        first = Engine()
        await first.start()
        run = await self.paused(member)
        await first.stop(0)
        second = Engine()
        await second.start()
        await answer(run=run, answers=[Answer(run.requirements[0]["call_id"])], by=member)
        assert (await ended(run)).status == Run.Status.COMPLETED
        await second.stop(0)

    async def test_does_not_call_what_a_person_refuses(self, engine: Engine, member: User) -> None:
        run = await self.paused(member)
        await answer(run=run, answers=[Answer(run.requirements[0]["call_id"], confirmed=False, note="Not now.")], by=member)
        run = await ended(run)
        assert run.status == Run.Status.COMPLETED
        assert not [part for part in run.parts if part["kind"] == "tool" and part["status"] == "finished"]

    async def test_lets_a_waiting_run_be_stopped(self, engine: Engine, member: User) -> None:
        run = await self.paused(member)
        assert await stop(run=run, by=member)
        assert (await ended(run)).status == Run.Status.STOPPED

    async def test_keeps_the_next_message_waiting(self, engine: Engine, member: User) -> None:
        run = await self.paused(member)
        second = await send(by=member, session=run.session, text="next")
        assert await sync_to_async(claim_next)(run.session_id, timedelta(seconds=30)) is None
        assert (await now(second)).status == Run.Status.QUEUED


async def test_many_runs_at_once_all_end(engine: Engine, member: User, scripted: DjangoAgent) -> None:
    runs = [await send(by=member, agent=scripted, text=str(number)) for number in range(30)]
    done = [await ended(run) for run in runs]
    assert {run.status for run in done} == {Run.Status.COMPLETED}
    assert {len(run.answer.split()) for run in done} == {20}
