"""Leases: who holds one is left alone, whoever starts; whose lease is over has died."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from agno.tools import Toolkit
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, connections

from agentos.access.models import User
from agentos.agents.events import Interrupted
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import tools
from agentos.audit.models import AuditRecord
from agentos.chat import actions
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs import dispatch, reaper, waiting
from agentos.chat.runs import engine as engine_module
from agentos.chat.runs.claiming import ATTEMPTS, claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.engine import Engine
from agentos.chat.runs.journal import Row, _store
from agentos.core import clock
from agentos.core import db as database
from agentos.core.db import database_clock
from agentos.core.pubsub import pubsub
from tests.factories import AgentFactory, RunEventFactory

LEASE = timedelta(seconds=30)


@pytest.fixture
def run(session: ChatSession, member: User) -> Run:
    """Driven by somebody else."""
    actions.send_message(by=member, session=session, text="Hello.")
    found = claim_next(session.pk, LEASE)
    assert found
    RunEventFactory(run=found, data={"text": "So far"})
    return found


@pytest.fixture
def unbegun(run: Run) -> Run:
    """Not a word of it was said, and no tool was called."""
    run.events.all().delete()
    return run


def over(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(lease_until=database_clock.now() - timedelta(seconds=1))


def status(run: Run) -> str:
    return Run.objects.values_list("status", flat=True).get(pk=run.pk)


async def start_and_stop(**how: bool) -> None:
    late = Engine(**how)
    await late.start()
    await late.stop(0)
    database.close()


@pytest.mark.django_db(transaction=True)
class TestAStart:
    async def test_leaves_the_runs_of_others_to_them(self, run: Run) -> None:
        await start_and_stop()
        assert await sync_to_async(status)(run) == Run.Status.RUNNING

    async def test_ends_those_whose_lease_is_over(self, run: Run) -> None:
        await sync_to_async(over)(run)
        await start_and_stop()
        assert await sync_to_async(status)(run) == Run.Status.INTERRUPTED

    async def test_takes_over_those_that_had_not_begun_to_act(self, unbegun: Run) -> None:
        await sync_to_async(over)(unbegun)
        late = Engine()
        await late.start()
        done = await waiting.ended(unbegun, 20)
        await late.stop(0)
        database.close()
        assert done
        assert (done.status, done.attempt) == (Run.Status.COMPLETED, 2)

    async def test_ends_those_that_nobody_promised_anything_for(self, run: Run) -> None:
        await Run.objects.filter(pk=run.pk).aupdate(lease_until=None)
        await start_and_stop()
        assert await sync_to_async(status)(run) == Run.Status.INTERRUPTED

    async def test_ends_all_of_them_where_nobody_else_can_be(self, run: Run) -> None:
        await start_and_stop(alone=True)
        assert await sync_to_async(status)(run) == Run.Status.INTERRUPTED


@pytest.mark.django_db
class TestTheSweeper:
    def test_leaves_what_this_process_drives_however_late_it_is(self, run: Run) -> None:
        over(run)
        reaper.sweep({run.pk: run.attempt})
        assert status(run) == Run.Status.RUNNING
        reaper.sweep({run.pk: run.attempt + 1})  # of another attempt, which is not this process's
        assert status(run) == Run.Status.INTERRUPTED

    def test_believes_no_lease_while_nobody_could_renew_one(self, run: Run) -> None:
        over(run)
        reaper.sweep(trusts_leases=False)
        assert status(run) == Run.Status.RUNNING

    def test_renews_for_the_attempt_that_is_ours(self, run: Run) -> None:
        over(run)
        reaper.renew_leases({run.pk: run.attempt - 1}, LEASE)
        assert Run.objects.get(pk=run.pk).lease_until < database_clock.now()  # type: ignore[operator]
        reaper.renew_leases({run.pk: run.attempt}, LEASE)
        assert Run.objects.get(pk=run.pk).lease_until > database_clock.now() + LEASE / 2  # type: ignore[operator]

    def test_does_not_ask_the_clock_of_this_computer(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody sets it an hour ahead, or back."""
        for hours in (1, -1):
            monkeypatch.setattr(clock, "now", lambda hours=hours: datetime.now().astimezone() + timedelta(hours=hours))
            reaper.reap_orphans()
            assert status(run) == Run.Status.RUNNING
            reaper.renew_leases({run.pk: run.attempt}, LEASE)
            until = Run.objects.get(pk=run.pk).lease_until
            assert until
            assert abs(until - database_clock.now() - LEASE) < timedelta(seconds=10)


@pytest.mark.django_db
class TestWhatIsTakenOver:
    def test_is_claimed_by_whoever_can_drive_it(self, unbegun: Run) -> None:
        over(unbegun)
        (taken,) = reaper.sweep(lease=LEASE)
        assert (taken.pk, taken.attempt, taken.status) == (unbegun.pk, 2, Run.Status.RUNNING)
        assert taken.session.agent
        unbegun.refresh_from_db()
        assert (unbegun.attempt, unbegun.revision) == (2, unbegun.session.revision)
        assert unbegun.lease_until
        assert unbegun.lease_until > database_clock.now() + LEASE / 2
        assert AuditRecord.objects.filter(verb="chat.run.taken_over", object_id=unbegun.run_id).exists()

    def test_is_nothing_whose_driver_lives(self, unbegun: Run) -> None:
        assert reaper.sweep(lease=LEASE) == []
        over(unbegun)
        assert reaper.sweep({unbegun.pk: 1}, lease=LEASE) == []
        assert status(unbegun) == Run.Status.RUNNING

    def test_is_nothing_that_had_begun(self, run: Run) -> None:
        over(run)
        assert reaper.sweep(lease=LEASE) == []
        assert status(run) == Run.Status.INTERRUPTED

    def test_is_nothing_whose_tool_was_approved(self, unbegun: Run) -> None:
        Run.objects.filter(pk=unbegun.pk).update(agno_output={"paused": True})
        over(unbegun)
        assert reaper.sweep(lease=LEASE) == []
        assert status(unbegun) == Run.Status.INTERRUPTED

    def test_is_nothing_that_ends_whoever_drives_it(self, unbegun: Run) -> None:
        for attempt in range(2, ATTEMPTS + 1):
            over(unbegun)
            (taken,) = reaper.sweep(lease=LEASE)
            assert taken.attempt == attempt
        over(unbegun)
        assert reaper.sweep(lease=LEASE) == []
        assert status(unbegun) == Run.Status.INTERRUPTED

    def test_is_nothing_in_a_chat_that_is_deleted(self, unbegun: Run, member: User) -> None:
        ChatSession.objects.filter(pk=unbegun.session_id).update(deleted_at=clock.now())
        over(unbegun)
        assert reaper.sweep(lease=LEASE) == []
        assert status(unbegun) == Run.Status.INTERRUPTED

    def test_is_nothing_where_nobody_can_drive_it(self, unbegun: Run) -> None:
        over(unbegun)
        assert reaper.sweep() == []
        assert status(unbegun) == Run.Status.INTERRUPTED

    def test_is_lost_to_the_driver_that_was_taken_for_dead(self, unbegun: Run) -> None:
        over(unbegun)
        reaper.sweep(lease=LEASE)
        assert reaper.renew_leases({unbegun.pk: 1}, LEASE) == set()
        assert reaper.renew_leases({unbegun.pk: 2}, LEASE) == {unbegun.pk}
        assert _store({unbegun.pk: (1, unbegun.session_id)}, [Row(unbegun.pk, 1, 1, "text", {"text": "late"}, clock.now())]) == set()
        assert not end_run(run_pk=unbegun.pk, attempt=1, event=Interrupted())
        assert status(unbegun) == Run.Status.RUNNING


@pytest.mark.django_db(transaction=True)
class TestADriver:
    async def test_lets_go_of_a_run_that_is_another_ones(
        self, scripted: DjangoAgent, engine: Engine, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its model is silent, so it writes nothing that would be refused."""
        monkeypatch.setattr(engine_module, "WATCH_SECONDS", 0.01)
        monkeypatch.setattr(engine_module, "LEASE_EVERY", 0.02)
        agent = await sync_to_async(AgentFactory)(model="scripted:hang", is_global=True)
        sent = await sync_to_async(actions.send_message)(by=member, agent=agent, text="hello")
        async with asyncio.timeout(20):
            while sent.pk not in engine.run_tasks:
                await asyncio.sleep(0.01)
            await Run.objects.filter(pk=sent.pk).aupdate(attempt=2)
            while engine.run_tasks:
                await asyncio.sleep(0.01)
        assert await sync_to_async(status)(sent) == Run.Status.RUNNING

    async def test_lets_go_of_a_run_that_was_stopped_at_another_process(
        self, scripted: DjangoAgent, engine: Engine, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent = await sync_to_async(AgentFactory)(model="scripted:hang", is_global=True)
        sent = await sync_to_async(actions.send_message)(by=member, agent=agent, text="hello")
        async with asyncio.timeout(20):
            while sent.pk not in engine.run_tasks:
                await asyncio.sleep(0.01)
            told: list[str] = []
            monkeypatch.setattr(pubsub, "tell_others", lambda *topics: told.extend(topics))
            monkeypatch.setattr(dispatch, "cancel", lambda _: None)  # it is another's, as that process sees it
            await sync_to_async(actions.stop_run)(run=await Run.objects.aget(pk=sent.pk), by=member)
            assert f"run#{sent.pk}" in told
            pubsub.publish(f"run#{sent.pk + 1}")  # of a run that is not here
            await asyncio.sleep(0.05)
            assert sent.pk in engine.run_tasks
            pubsub.publish(f"run#{sent.pk}")
            while engine.run_tasks:
                await asyncio.sleep(0.01)
        assert await sync_to_async(status)(sent) == Run.Status.STOPPED

    async def test_takes_what_another_process_tells_of(
        self, transactional_db: None, session: ChatSession, member: User, engine: Engine
    ) -> None:
        for topic in (f"queue#{session.pk}", "queue"):  # the second one: something may have been missed
            run = await Run.objects.acreate(session=session, by=member, turn=1 + await session.runs.acount(), input="hello")
            pubsub.publish(topic)
            done = await waiting.ended(run, 20)
            assert done
            assert done.status == Run.Status.COMPLETED
        async with asyncio.timeout(20):
            while engine.run_tasks:  # the last one puts its things away after its end is written
                await asyncio.sleep(0.01)

    async def test_that_may_drive_so_many_takes_no_more(self, transactional_db: None, session: ChatSession, member: User) -> None:
        few = Engine(most=0)
        await few.start()
        try:
            run = await Run.objects.acreate(session=session, by=member, turn=1, input="hello")
            pubsub.publish(f"queue#{session.pk}", "queue")
            await asyncio.sleep(0.2)
            assert await sync_to_async(status)(run) == Run.Status.QUEUED
        finally:
            await few.stop(0)
            database.close()

    async def test_calls_no_tool_before_the_journal_says_so(
        self, scripted: DjangoAgent, engine: Engine, member: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever takes the run over could not know of it."""
        known: list[int] = []

        def multiply(a: int, b: int) -> str:
            """Multiply two numbers."""
            with ThreadPoolExecutor(1) as another:  # as another process sees it
                known.append(another.submit(noted).result(20))
            return str(a * b)

        def noted() -> int:
            try:
                return RunEvent.objects.filter(kind="tool_started").count()
            finally:
                connections.close_all()

        monkeypatch.setitem(tools.FACTORIES, "calculator", lambda: Toolkit(name="calculator", tools=[multiply]))
        agent = await sync_to_async(AgentFactory)(model="scripted:tool", is_global=True)
        async with engine.journal.writing:  # the database does not answer
            sent = await sync_to_async(actions.send_message)(by=member, agent=agent, text="hello")
            async with asyncio.timeout(20):
                while not (sent.pk in engine.run_tasks and engine.run_tasks[sent.pk].open_tools):
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # in which a tool that does not wait is called
            assert known == []
        done = await waiting.ended(sent, 20)
        assert done
        assert done.status == Run.Status.COMPLETED
        assert known == [1]


@pytest.mark.django_db
class TestTheDatabasesClock:
    def test_goes_on_without_being_asked(self, django_assert_num_queries) -> None:
        said = database_clock.ask()
        time.sleep(0.05)
        with django_assert_num_queries(0):
            assert timedelta(seconds=0.04) < database_clock.now() - said < timedelta(seconds=5)

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has none.")
    def test_is_postgresqls_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = database_clock.ask()
        monkeypatch.setattr(clock, "now", lambda: right + timedelta(days=1))
        database_clock.forget()
        assert abs(database_clock.now() - right) < timedelta(seconds=10)


async def test_after_an_outage_others_are_given_time_to_renew(
    transactional_db: None, run: Run, scripted: DjangoAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "SWEEP_EVERY", 0.05)
    monkeypatch.setattr(engine_module, "SETTLE_SECONDS", 1.0)
    late = Engine()
    await late.start()
    try:
        with monkeypatch.context() as away:

            def fail(*args: object, **kwargs: object) -> None:
                raise OperationalError("the server has gone")

            away.setattr(reaper, "sweep", fail)
            await asyncio.sleep(0.3)
        await sync_to_async(over)(run)
        await asyncio.sleep(0.3)
        assert await sync_to_async(status)(run) == Run.Status.RUNNING
        async with asyncio.timeout(20):
            while await sync_to_async(status)(run) == Run.Status.RUNNING:
                await asyncio.sleep(0.05)
    finally:
        await late.stop(0)
        database.close()
