"""The journal: written before it is shown, in one transaction a tick, by the driver whose turn it is and by nobody else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from agentos.access.models import User
from agentos.agents.events import TextDelta, ToolStarted
from agentos.chat import actions
from agentos.chat.live.buffer import LiveBuffer
from agentos.chat.models import Run, RunEvent
from agentos.chat.runs import journal
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.journal import Entry, Journal, Row, _store
from agentos.core import clock
from agentos.core import db as database
from agentos.core.db.prepared import Query
from agentos.core.pubsub import pubsub
from tests.factories import AgentFactory


@pytest.fixture
def running(transactional_db: None, member: User) -> Run:
    session = actions.create_session(agent=AgentFactory(is_global=True, model="scripted:5x0"), by=member)
    actions.send_message(by=member, session=session, text="Hello")
    run = claim_next(session.pk, timedelta(seconds=30))
    assert run is not None
    return run


def stored(run: Run) -> list[tuple[int, str, dict[str, Any]]]:
    return list(RunEvent.objects.filter(run=run).order_by("seq").values_list("seq", "kind", "data"))


class TestEntry:
    def test_lets_deltas_of_a_kind_grow_together(self, running: Run) -> None:
        noted = Journal()
        entry = noted.open(LiveBuffer(running), on_stale=lambda: None)
        for kind, text in (("text", "a"), ("text", ""), ("text", "b"), ("reasoning", "c"), ("text", "d")):
            noted.say(entry, kind, text)
        noted.put(entry, ToolStarted("1", "add", {}))
        rows = entry.take()
        assert [(row.seq, row.kind) for row in rows] == [(1, "text"), (2, "reasoning"), (3, "text"), (4, "tool_started")]
        assert rows[0].data == {"text": "ab"}
        assert entry.take() == []

    def test_is_begun_by_whatever_happens(self) -> None:
        noted = Journal()
        entry = noted.open(LiveBuffer(Run(pk=1, session_id=1, attempt=1)), on_stale=lambda: None)
        noted.put(entry, ToolStarted("1", "add", {}))
        assert (noted.dirty, noted.awake.is_set(), noted.urgent.is_set()) == ({1}, True, True)
        noted.urgent.clear()
        noted.put(entry, ToolStarted("2", "add", {}))
        assert not noted.urgent.is_set()  # which only the first thing is

    def test_is_not_begun_by_words_that_say_nothing(self) -> None:
        noted = Journal()
        entry = noted.open(LiveBuffer(Run(pk=1, session_id=1, attempt=1)), on_stale=lambda: None)
        noted.say(entry, "text", "")
        assert (entry.take(), noted.dirty, noted.urgent.is_set()) == ([], set(), False)

    def test_puts_together_what_was_cut_and_takes_out_what_no_database_takes(self, running: Run) -> None:
        noted = Journal()
        entry = noted.open(LiveBuffer(running), on_stale=lambda: None)
        for text in ("a\0", "b", "\ud800"):
            noted.say(entry, "text", text)
        assert [row.data for row in entry.take()] == [{"text": "ab?"}]


class TestHasMore:
    """What a model said, and nobody has read."""

    async def test_is_read_when_it_is_written(self, running: Run) -> None:
        written, buffer = Journal(), LiveBuffer(running)
        entry = written.open(buffer, on_stale=lambda: None)
        written.say(entry, "text", "a")
        assert await written.flush()
        written.has_more(entry, lambda: written.say(entry, "text", "b"))
        assert written.awake.is_set()
        written.awake.clear()
        assert await written.flush()
        assert buffer.parts == [{"kind": "text", "text": "ab"}]
        assert not written.awake.is_set()  # there is nothing left to write
        assert written.dirty == set()
        database.close()

    async def test_comes_at_once_when_it_is_the_first(self, running: Run) -> None:
        written = Journal()
        entry = written.open(LiveBuffer(running), on_stale=lambda: None)
        written.has_more(entry, lambda: written.say(entry, "text", "a"))
        assert written.urgent.is_set()
        database.close()

    async def test_is_among_the_last_words(self, running: Run) -> None:
        written = Journal()
        entry = written.open(LiveBuffer(running), on_stale=lambda: None)
        written.has_more(entry, lambda: written.say(entry, "text", "a"))
        assert [row.data for row in await written.last_words(entry)] == [{"text": "a"}]
        assert written.dirty == set()
        database.close()

    def test_is_read_by_whoever_asks_how_long_it_was_silent(self, running: Run) -> None:
        """A write may take long; the model that speaks meanwhile is not silent."""
        noted = Journal()
        entry = noted.open(LiveBuffer(running), on_stale=lambda: None)
        noted.has_more(entry, lambda: noted.say(entry, "text", "a"))
        noted.catch_up(running.pk)
        noted.catch_up(running.pk + 1)  # of a run that is not here
        assert [row.data for row in entry.take()] == [{"text": "a"}]


class TestStore:
    def test_writes_for_the_attempt_that_drives_the_run(self, running: Run) -> None:
        rows = [Row(running.pk, 1, 1, "text", {"text": "a"}, clock.now())]
        assert _store({running.pk: (1, running.session_id)}, rows) == {running.pk}
        assert stored(running) == [(1, "text", {"text": "a"})]

    def test_writes_nothing_for_a_stale_one(self, running: Run) -> None:
        Run.objects.filter(pk=running.pk).update(attempt=2)
        assert _store({running.pk: (1, running.session_id)}, [Row(running.pk, 1, 1, "text", {"text": "a"}, clock.now())]) == set()
        assert stored(running) == []

    def test_writes_nothing_for_a_run_that_has_ended(self, running: Run, member: User) -> None:
        actions.stop_run(run=running, by=member)
        assert _store({running.pk: (1, running.session_id)}, [Row(running.pk, 2, 1, "text", {"text": "a"}, clock.now())]) == set()
        assert [kind for _, kind, _ in stored(running)] == ["stopped"]


class TestFlush:
    async def test_shows_only_what_is_written(self, running: Run) -> None:
        written, buffer = Journal(), LiveBuffer(running)
        entry = written.open(buffer, on_stale=lambda: None)
        written.put(entry, TextDelta("Hello"))
        assert buffer.parts == []
        with pubsub.subscribe(f"draft:{running.session_id}") as listener:
            assert await written.flush()
            assert await listener.wait(5) == {f"draft:{running.session_id}"}
        assert buffer.parts == [{"kind": "text", "text": "Hello"}]
        assert await sync_to_async(stored)(running) == [(1, "text", {"text": "Hello"})]
        database.close()

    async def test_loses_nothing_when_the_database_refuses(self, running: Run, monkeypatch) -> None:
        def refuse(*_: Any) -> set[int]:
            raise OperationalError("disk full")

        written, buffer = Journal(), LiveBuffer(running)
        entry = written.open(buffer, on_stale=lambda: None)
        written.put(entry, TextDelta("Hel"))
        with monkeypatch.context() as broken:
            broken.setattr(journal, "_store", refuse)
            assert not await written.flush()
        assert buffer.parts == []
        written.put(entry, TextDelta("lo"))
        assert await written.flush()
        assert "".join(data["text"] for _, _, data in await sync_to_async(stored)(running)) == "Hello"
        database.close()

    async def test_tells_a_stale_driver_to_let_go(self, running: Run) -> None:
        told: list[bool] = []
        written = Journal()
        entry = written.open(LiveBuffer(running), on_stale=lambda: told.append(True))
        await Run.objects.filter(pk=running.pk).aupdate(attempt=2)
        written.put(entry, TextDelta("late"))
        await written.flush()
        assert told == [True]
        database.close()

    async def test_has_nothing_to_write_while_nobody_has_said_anything(self, running: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(journal, "_store", lambda *_: pytest.fail("It was asked for."))
        written = Journal()
        entry = written.open(LiveBuffer(running), on_stale=lambda: None)
        assert await written.flush()
        written.put(entry, TextDelta("Hello"))
        written.close(entry)  # it has ended
        assert await written.flush()
        database.close()

    def test_asks_for_the_runs_by_few_statements(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are made once each: for one run, two, four, eight."""
        places: list[int] = []
        real = journal._running_of

        def running_of(count: int) -> Any:
            places.append(count)
            return real(count)

        monkeypatch.setattr(journal, "_running_of", running_of)
        with pytest.MonkeyPatch.context() as quiet:
            quiet.setattr(Query, "rows", lambda *arguments: [])
            for count in (1, 2, 3, 4, 5, 8, 9):
                journal._running(list(range(count)))
        assert places == [1, 2, 4, 4, 8, 8, 16]

    async def test_writes_all_runs_in_one_transaction(self, running: Run, member: User, django_assert_max_num_queries) -> None:
        def numbers() -> list[int]:
            found = []
            for count in (1, 5):
                rows = [Row(running.pk, 100 * count + number, 1, "text", {}, clock.now()) for number in range(count)]
                with django_assert_max_num_queries(5) as queries:
                    _store({running.pk: (1, running.session_id)}, rows)
                found.append(len(queries))
            return found

        few, many = await sync_to_async(numbers)()
        assert few == many


class TestThePace:
    """When the journal is written: a first word at once, what follows once a tick, again soon after the database refused."""

    @pytest.fixture
    async def written(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Journal]:
        written = Journal()
        pauses: list[float] = []
        ends = [True, True, True]

        async def rest(seconds: float) -> None:
            pauses.append(seconds)
            await real(0)

        async def flush() -> bool:
            written.dirty.clear()
            flushed.set()
            return ends.pop(0)

        real, flushed = asyncio.sleep, asyncio.Event()
        monkeypatch.setattr(written, "_sleep", rest)
        monkeypatch.setattr(written, "flush", flush)
        monkeypatch.setattr(written, "pauses", pauses, raising=False)
        monkeypatch.setattr(written, "flushed", flushed, raising=False)
        monkeypatch.setattr(written, "ends", ends, raising=False)
        task = asyncio.create_task(written.write_forever())
        yield written
        task.cancel()

    async def say(self, written: Any, entry: Entry, kind: str) -> None:
        written.flushed.clear()
        written.say(entry, kind, "word")
        await asyncio.wait_for(written.flushed.wait(), 10)

    async def test_is_a_tick_after_the_first_word(self, written: Any) -> None:
        first, second = (written.open(LiveBuffer(Run(pk=pk, session_id=pk, attempt=1)), on_stale=lambda: None) for pk in (1, 2))
        await self.say(written, first, "text")
        assert written.pauses == []
        await self.say(written, first, "reasoning")
        (pause,) = written.pauses
        assert 0 < pause <= journal.TICK + 2 * journal.TICK_PER_RUN
        await self.say(written, second, "text")  # a first word, which nobody keeps waiting
        assert len(written.pauses) == 1

    async def test_is_half_a_second_after_the_database_refused(self, written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(journal, "RETRY_SECONDS", 0.01)
        written.ends[0] = False
        entry = written.open(LiveBuffer(Run(pk=1, session_id=1, attempt=1)), on_stale=lambda: None)
        await self.say(written, entry, "text")
        written.flushed.clear()
        await asyncio.wait_for(written.flushed.wait(), 10)  # though nobody has said any more
        assert written.ends == [True]

    async def test_is_over_early_when_a_first_word_comes(self) -> None:
        noted = Journal()
        asyncio.get_running_loop().call_later(0.01, noted.urgent.set)
        await asyncio.wait_for(noted._sleep(60), 10)

    async def test_ends_by_itself(self) -> None:
        noted = Journal()
        await asyncio.wait_for(noted._sleep(0.01), 10)
        assert not noted.urgent.is_set()
