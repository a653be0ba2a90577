"""The engine drives what was sent, to its one end, whatever the model does."""

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from agentos.access import rights
from agentos.access.models import User
from agentos.agents.events import Event, Interrupted
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer
from agentos.chat import actions, callers
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs import dispatch, entitlement, reaper, run_task, waiting
from agentos.chat.runs import engine as engine_module
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.engine import Engine
from agentos.chat.runs.run_task import RunTask
from agentos.core import db
from agentos.core.db import outage
from agentos.core.http.errors import Problem
from agentos.core.pubsub import pubsub
from tests.factories import AgentFactory, RunEventFactory

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
    with pubsub.subscribe(f"draft:{run.session_id}", f"session:{run.session_id}") as listener:
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
        settings.AGENTOS_SILENCE_TIMEOUT = 0.2
        run = await ended(await run_with("scripted:hang", member))
        assert (run.status, run.error_code) == (Run.Status.FAILED, "model_silent")

    async def test_does_not_take_a_slow_write_for_a_silent_model(self, engine: Engine, member: User, settings, monkeypatch) -> None:
        run = await run_with("scripted:1000x20", member)
        await words_of(run)
        (drive,) = engine.run_tasks.values()
        entry = engine.journal.entries[run.pk]
        async with engine.journal.writing:  # the journal waits for a database that does not answer
            while not entry.unread:
                await asyncio.sleep(0.01)
            said = drive.heard
            assert drive.overdue(drive.began) is None
            assert drive.heard > said

    async def test_ends_a_run_that_takes_too_long(self, engine: Engine, member: User, settings) -> None:
        settings.AGENTOS_RUN_TIMEOUT = 0.2
        run = await ended(await run_with("scripted:1000x100", member))
        assert (run.status, run.error_code) == (Run.Status.FAILED, "run_timeout")
        assert run.answer

    async def test_takes_up_at_its_start_what_was_queued_while_no_engine_ran(
        self, transactional_db: None, session: ChatSession, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine_module, "SWEEP_EVERY", 3600.0)
        run = await send(by=member, session=session, text="hello")
        late = Engine()
        await late.start()
        assert (await ended(run)).status == Run.Status.COMPLETED
        await late.stop(0)

    async def test_takes_up_now_and_then_what_nobody_has_told_it_of(
        self, transactional_db: None, session: ChatSession, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process has stored it, or a call was lost."""
        monkeypatch.setattr(engine_module, "SWEEP_EVERY", 0.05)
        engine = Engine()
        await engine.start()
        run = await Run.objects.acreate(session=session, by=member, turn=1, input="hello")
        assert (await ended(run)).status == Run.Status.COMPLETED
        await engine.stop(0)

    async def test_interrupts_at_its_start_what_a_dead_one_left(self, transactional_db: None, session: ChatSession, member: User) -> None:
        run = await send(by=member, session=session, text="hello")
        await Run.objects.filter(pk=run.pk).aupdate(status=Run.Status.RUNNING, attempt=1)
        await sync_to_async(RunEventFactory)(run=run)
        late = Engine(alone=True)
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

    async def test_does_not_wait_for_a_database_that_hangs(
        self, transactional_db: None, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The end of what it interrupted cannot be written: the next process finds it by its lease."""
        answers = threading.Event()

        def end_late(**about: Any) -> bool:
            answers.wait()
            return end_run(**about)

        monkeypatch.setattr(engine_module, "LET_GO_SECONDS", 0.1)
        engine = Engine()
        await engine.start()
        await words_of(run := await run_with("scripted:1000x20", member))
        monkeypatch.setattr(run_task, "end_run", end_late)
        try:
            async with asyncio.timeout(10) as patience:
                await engine.stop(0)
        finally:
            answers.set()
        assert not patience.expired()
        assert (await ended(run)).status == Run.Status.INTERRUPTED

    async def test_says_to_its_runs_that_it_stops(self, transactional_db: None, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """It does not wait for a model that may take minutes."""
        outcomes: list[object] = []
        cancel = RunTask.cancel

        def noted(drive: RunTask, outcome: Event | None) -> None:
            outcomes.append(outcome)
            cancel(drive, outcome)

        monkeypatch.setattr(RunTask, "cancel", noted)
        engine = Engine()
        await engine.start()
        await words_of(await run_with("scripted:1000x20", member))
        await engine.stop(0)
        assert outcomes == [Interrupted()]

    async def test_leaves_nothing_behind_that_works_on(self, transactional_db: None, member: User) -> None:
        before = asyncio.all_tasks()
        engine = Engine()
        await engine.start()
        await words_of(await run_with("scripted:1000x20", member))
        await engine.stop(0)
        dispatch.wake(1)  # nobody hears it any more
        await asyncio.sleep(0)
        assert engine.tasks == set()
        assert {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before if "Engine." in repr(task)} == set()  # type: ignore[union-attr]

    async def test_is_told_nothing_before_it_starts_and_needs_nothing_to_let_go_of(self) -> None:
        engine = Engine()
        engine.wake(1)
        engine.drive(Run(pk=1))
        engine.cancel(1)
        engine._let_go(1)  # of a run that another process drives
        assert (engine.tasks, engine.run_tasks) == (set(), {})

    async def test_says_so_when_one_of_its_tasks_breaks(self, caplog: pytest.LogCaptureFixture) -> None:
        async def broken() -> None:
            raise RuntimeError("Oh")

        engine = Engine()
        task = engine._spawn(broken())
        await asyncio.wait((task,))
        await asyncio.sleep(0)
        assert "A task of the engine broke." in caplog.text
        assert engine.tasks == set()

    async def test_drives_nothing_of_a_chat_in_which_nothing_waits(self, transactional_db: None, session: ChatSession) -> None:
        engine = Engine()
        await engine.take(session.pk)
        assert engine.run_tasks == {}

    async def test_begins_nothing_while_it_stops(self, transactional_db: None, session: ChatSession, member: User) -> None:
        run = await send(by=member, session=session, text="hello")
        engine = Engine()
        engine.stopping = True
        assert engine.lease() is None
        await engine.take(run.session_id)
        assert (await now(run)).status == Run.Status.QUEUED

    async def test_lets_runs_end_within_the_grace_time(self, transactional_db: None, member: User) -> None:
        engine = Engine()
        await engine.start()
        run = await run_with("scripted:10x20", member)
        await words_of(run)
        await engine.stop(10)
        assert (await now(run)).status == Run.Status.COMPLETED


async def test_who_waits_for_an_end_waits_no_longer_than_it_says(transactional_db: None, session: ChatSession, member: User) -> None:
    run = await send(by=member, session=session, text="hello")
    assert await waiting.ended(run, 0.05) is None  # nobody drives it


async def test_who_waits_for_an_end_hears_of_it_when_the_database_is_back(
    transactional_db: None, session: ChatSession, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await send(by=member, session=session, text="hello")
    await Run.objects.filter(pk=run.pk).aupdate(status=Run.Status.COMPLETED)
    noted: list[Exception] = []
    monkeypatch.setattr(outage, "note", noted.append)
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    read, away = db.read, OperationalError("the server has gone")

    async def read_at_the_second_try(work: Any, *about: Any) -> Any:
        if not noted:
            raise away
        return await read(work, *about)

    monkeypatch.setattr(db, "read", read_at_the_second_try)
    assert (await ended(run)).status == Run.Status.COMPLETED
    assert noted == [away]


async def test_who_waits_for_an_end_does_so_while_they_may_have_it(transactional_db: None, session: ChatSession, member: User) -> None:
    run = await send(by=member, session=session, text="hello")

    class Lost(callers.Watch):
        async def look(self) -> None:
            raise callers.lost(callers.TOKEN)

    with pytest.raises(Problem):
        await waiting.ended(run, 20, Lost(callers.Caller(member.pk, "", "", 1, None)))


class TestLeases:
    @pytest.fixture(autouse=True)
    def renewed(self, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[int, int]]:
        """What was renewed, each time that anything was."""
        found: list[Mapping[int, int]] = []
        monkeypatch.setattr(engine_module, "WATCH_SECONDS", 0.01)
        monkeypatch.setattr(engine_module, "LEASE_EVERY", 0.05)

        def renew(mine: Mapping[int, int], lease: timedelta) -> set[int]:
            found.append(dict(mine))
            return set(mine)

        monkeypatch.setattr(reaper, "renew_leases", renew)
        return found

    async def test_are_renewed_for_what_is_driven_here(self, engine: Engine, member: User, renewed: list[Mapping[int, int]]) -> None:
        run = await run_with("scripted:hang", member)
        async with asyncio.timeout(20):
            while len(renewed) < 2:
                await asyncio.sleep(0.01)
        assert {frozenset(mine.items()) for mine in renewed} == {frozenset({(run.pk, 1)})}
        assert engine.trusts_leases_at == 0.0

    async def test_are_nobodys_while_nothing_is_driven(self, engine: Engine, renewed: list[Mapping[int, int]]) -> None:
        await asyncio.sleep(0.2)
        assert renewed == []

    async def test_are_not_renewed_at_every_look(
        self, engine: Engine, member: User, renewed: list[Mapping[int, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine_module, "LEASE_EVERY", 3600.0)
        await run_with("scripted:hang", member)
        await asyncio.sleep(0.2)
        assert renewed == []

    async def test_that_could_not_be_renewed_are_not_believed_for_a_while(
        self, engine: Engine, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OperationalError("the server has gone")

        monkeypatch.setattr(reaper, "renew_leases", fail)
        await run_with("scripted:hang", member)
        async with asyncio.timeout(20):
            while not engine.trusts_leases_at:
                await asyncio.sleep(0.01)
        assert engine.trusts_leases_at > asyncio.get_running_loop().time()


class TestRights:
    async def test_do_not_change_by_being_looked_at(self, transactional_db: None, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever is cached about rights would be asked for again."""
        looks, look = list[bool](), entitlement.RunRights.lost

        def lost(self: entitlement.RunRights) -> list[tuple[int, str]]:
            looks.append(True)
            return look(self)

        monkeypatch.setattr(engine_module, "CHECK_SECONDS", 0.01)
        monkeypatch.setattr(entitlement.RunRights, "lost", lost)
        before = await sync_to_async(rights.version)()
        engine = Engine()
        await engine.start()
        async with asyncio.timeout(20):
            while len(looks) <= 3:
                await asyncio.sleep(0.01)
        await engine.stop(0)
        assert await sync_to_async(rights.version)() == before

    @pytest.mark.parametrize("trouble", [OperationalError("the server has gone"), RuntimeError("Oh")])
    async def test_that_could_not_be_seen_to_are_asked_about_again(
        self, transactional_db: None, member: User, monkeypatch: pytest.MonkeyPatch, trouble: Exception
    ) -> None:
        """What was found then, before a run could be stopped for it, is found once more."""
        tries: list[str] = []
        stop_run = entitlement.stop

        def stop_at_the_second_try(run_pk: int, code: str) -> None:
            tries.append(code)
            if len(tries) == 1:
                raise trouble
            stop_run(run_pk, code)

        monkeypatch.setattr(engine_module, "CHECK_SECONDS", 0.02)
        monkeypatch.setattr(entitlement, "stop", stop_at_the_second_try)
        engine = Engine()
        await engine.start()
        run = await run_with("scripted:hang", member)
        await DjangoAgent.objects.aupdate(is_global=False)
        await sync_to_async(rights.changed)()
        stopped = await ended(run)
        assert (stopped.status, stopped.error_code, tries) == (Run.Status.STOPPED, entitlement.CLOSED, [entitlement.CLOSED] * 2)
        await engine.stop(0)


class TestStop:
    async def test_ends_a_hanging_model_at_once(self, engine: Engine, member: User) -> None:
        run = await run_with("scripted:hang", member)
        while (await now(run)).status != Run.Status.RUNNING:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        assert await stop(run=await now(run), by=member)
        assert (await ended(run)).status == Run.Status.STOPPED
        while engine.run_tasks:
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


class TestFallbacks:
    async def answered(self, member: User, model: str, *fallbacks: str) -> Run:
        agent = await create_agent(model=model, fallbacks=list(fallbacks), is_global=True)
        return await ended(await send(by=member, agent=agent, text="hello"))

    @pytest.mark.parametrize("model", ["scripted:fail@0", "scripted:raise", "scripted:auth", "openai:gpt-5.4"])
    async def test_answer_where_the_model_does_not(self, engine: Engine, member: User, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
        monkeypatch.setattr(run_task, "RETRY_PAUSES", ())
        run = await self.answered(member, model, "scripted:raise", "scripted:3x0")
        assert (run.status, run.model, run.instead_of) == (Run.Status.COMPLETED, "scripted:3x0", model)
        assert len(run.answer.split()) == 3

    async def test_are_not_asked_once_a_word_was_said(self, engine: Engine, member: User) -> None:
        run = await self.answered(member, "scripted:fail@5x0", "scripted:3x0")
        assert (run.status, run.model, run.instead_of) == (Run.Status.FAILED, "scripted:fail@5x0", "")

    async def test_are_not_asked_of_what_no_model_can_mend(self, engine: Engine, member: User) -> None:
        run = await self.answered(member, "scripted:long", "scripted:3x0")
        assert (run.error_code, run.instead_of) == ("context_too_long", "")

    async def test_fail_with_what_the_last_one_failed_of(self, engine: Engine, member: User) -> None:
        run = await self.answered(member, "scripted:raise", "scripted:auth")
        assert (run.error_code, run.model, run.instead_of) == ("model_auth", "scripted:auth", "scripted:raise")


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
        assert (called["decision"], called["decided_by"]) == ("approved", "")

    async def test_says_who_decided_when_it_was_somebody_else(self, engine: Engine, member: User, owner: User) -> None:
        run = await self.paused(member)
        await sync_to_async(run.session.agent.__class__.objects.update)(is_global=True)
        await answer(run=run, answers=[Answer(run.requirements[0]["call_id"], note="She is expected.")], by=owner)
        run = await ended(run)
        (called,) = [part for part in run.parts if part["kind"] == "tool"]
        assert (called["decision"], called["decided_by"], called["note"]) == ("approved", "Olga Owner", "She is expected.")

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

    async def test_calls_with_the_arguments_that_a_person_has_changed(self, engine: Engine, member: User) -> None:
        run = await self.paused(member)
        asked = run.requirements[0]
        await answer(run=run, answers=[Answer(asked["call_id"], arguments={"to": "Grace"})], by=member)
        run = await ended(run)
        called = next(part for part in run.parts if part["kind"] == "tool")
        assert called["args"] == {**asked["args"], "to": "Grace"}
        assert (called["decision"], called["changed"]) == ("approved", ["to"])
        assert "no letter to Grace was sent" in called["result"]
        said = next(call for message in run.messages for call in message.get("tool_calls", ()))
        assert json.loads(said["function"]["arguments"])["to"] == "Grace"  # which is what the model reads later

    async def test_lasts_for_the_chat_until_it_is_taken_back(self, engine: Engine, member: User) -> None:
        agent = await create_agent(model="scripted:tool", is_global=True, tool_policies={"calculator": "ask"})
        run = await ended(await send(by=member, agent=agent, text="hello"))
        assert (run.status, run.requirements[0]["lasting"]) == (Run.Status.WAITING, True)
        await answer(run=run, answers=[Answer(run.requirements[0]["call_id"], lasting=True)], by=member)
        session = (await ended(run)).session
        second = await ended(await send(by=member, session=session, text="again"))
        assert second.status == Run.Status.COMPLETED
        await sync_to_async(actions.revoke_approval)(session=await ChatSession.objects.aget(), tool="multiply", by=member)
        third = await ended(await send(by=member, session=session, text="and again"))
        assert third.status == Run.Status.WAITING

    async def test_does_not_call_what_a_person_refuses(self, engine: Engine, member: User) -> None:
        run = await self.paused(member)
        await answer(run=run, answers=[Answer(run.requirements[0]["call_id"], confirmed=False, note="Not now.")], by=member)
        run = await ended(run)
        assert run.status == Run.Status.COMPLETED
        called = next(part for part in run.parts if part["kind"] == "tool")
        assert (called["status"], called["decision"], called["decided_by"]) == ("failed", "refused", "")

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
