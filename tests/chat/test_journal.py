"""The journal: written before it is shown, in one transaction a tick, by the driver whose turn it is and by nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from agentos.access.models import User
from agentos.agents.events import TextDelta, ToolStarted
from agentos.chat import actions, journal
from agentos.chat.claiming import claim_next
from agentos.chat.drafts import Draft
from agentos.chat.journal import Journal, Row, _store
from agentos.chat.models import Run, RunEvent
from agentos.core import clock
from agentos.core import db as database
from agentos.core.bell import bell
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
        entry = noted.open(Draft(running), on_stale=lambda: None)
        for kind, text in (("text", "a"), ("text", ""), ("text", "b"), ("reasoning", "c"), ("text", "d")):
            noted.say(entry, kind, text)
        noted.put(entry, ToolStarted("1", "add", {}))
        rows = entry.take()
        assert [(row.seq, row.kind) for row in rows] == [(1, "text"), (2, "reasoning"), (3, "text"), (4, "tool_started")]
        assert rows[0].data == {"text": "ab"}
        assert entry.take() == []

    def test_puts_together_what_was_cut_and_takes_out_what_no_database_takes(self, running: Run) -> None:
        noted = Journal()
        entry = noted.open(Draft(running), on_stale=lambda: None)
        for text in ("a\0", "b", "\ud800"):
            noted.say(entry, "text", text)
        assert [row.data for row in entry.take()] == [{"text": "ab?"}]


class TestHasMore:
    """What a model said, and nobody has read."""

    async def test_is_read_when_it_is_written(self, running: Run) -> None:
        written, draft = Journal(), Draft(running)
        entry = written.open(draft, on_stale=lambda: None)
        written.say(entry, "text", "a")
        assert await written.flush()
        written.has_more(entry, lambda: written.say(entry, "text", "b"))
        assert written.awake.is_set()
        written.awake.clear()
        assert await written.flush()
        assert draft.parts == [{"kind": "text", "text": "ab"}]
        assert not written.awake.is_set()  # there is nothing left to write
        assert written.dirty == set()
        database.close()

    async def test_comes_at_once_when_it_is_the_first(self, running: Run) -> None:
        written = Journal()
        entry = written.open(Draft(running), on_stale=lambda: None)
        written.has_more(entry, lambda: written.say(entry, "text", "a"))
        assert written.urgent.is_set()
        database.close()

    async def test_is_among_the_last_words(self, running: Run) -> None:
        written = Journal()
        entry = written.open(Draft(running), on_stale=lambda: None)
        written.has_more(entry, lambda: written.say(entry, "text", "a"))
        assert [row.data for row in await written.last_words(entry)] == [{"text": "a"}]
        assert written.dirty == set()
        database.close()

    def test_is_read_by_whoever_asks_how_long_it_was_silent(self, running: Run) -> None:
        """A write may take long; the model that speaks meanwhile is not silent."""
        noted = Journal()
        entry = noted.open(Draft(running), on_stale=lambda: None)
        noted.has_more(entry, lambda: noted.say(entry, "text", "a"))
        noted.catch_up(running.pk)
        noted.catch_up(running.pk + 1)  # of a run that is not here
        assert [row.data for row in entry.take()] == [{"text": "a"}]


class TestStore:
    def test_writes_for_the_attempt_that_drives_the_run(self, running: Run) -> None:
        rows = [Row(running.pk, 1, 1, "text", {"text": "a"}, clock.now())]
        assert _store({running.pk: 1}, rows) == {running.pk}
        assert stored(running) == [(1, "text", {"text": "a"})]

    def test_writes_nothing_for_a_stale_one(self, running: Run) -> None:
        Run.objects.filter(pk=running.pk).update(attempt=2)
        assert _store({running.pk: 1}, [Row(running.pk, 1, 1, "text", {"text": "a"}, clock.now())]) == set()
        assert stored(running) == []

    def test_writes_nothing_for_a_run_that_has_ended(self, running: Run, member: User) -> None:
        actions.stop_run(run=running, by=member)
        assert _store({running.pk: 1}, [Row(running.pk, 2, 1, "text", {"text": "a"}, clock.now())]) == set()
        assert [kind for _, kind, _ in stored(running)] == ["stopped"]


class TestFlush:
    async def test_shows_only_what_is_written(self, running: Run) -> None:
        written, draft = Journal(), Draft(running)
        entry = written.open(draft, on_stale=lambda: None)
        written.put(entry, TextDelta("Hello"))
        assert draft.parts == []
        with bell.listen(f"draft:{running.session_id}") as listener:
            assert await written.flush()
            assert await listener.wait(5) == {f"draft:{running.session_id}"}
        assert draft.parts == [{"kind": "text", "text": "Hello"}]
        assert await sync_to_async(stored)(running) == [(1, "text", {"text": "Hello"})]
        database.close()

    async def test_loses_nothing_when_the_database_refuses(self, running: Run, monkeypatch) -> None:
        def refuse(*_: Any) -> set[int]:
            raise OperationalError("disk full")

        written, draft = Journal(), Draft(running)
        entry = written.open(draft, on_stale=lambda: None)
        written.put(entry, TextDelta("Hel"))
        with monkeypatch.context() as broken:
            broken.setattr(journal, "_store", refuse)
            assert not await written.flush()
        assert draft.parts == []
        written.put(entry, TextDelta("lo"))
        assert await written.flush()
        assert "".join(data["text"] for _, _, data in await sync_to_async(stored)(running)) == "Hello"
        database.close()

    async def test_tells_a_stale_driver_to_let_go(self, running: Run) -> None:
        told: list[bool] = []
        written = Journal()
        entry = written.open(Draft(running), on_stale=lambda: told.append(True))
        await Run.objects.filter(pk=running.pk).aupdate(attempt=2)
        written.put(entry, TextDelta("late"))
        await written.flush()
        assert told == [True]
        database.close()

    async def test_writes_all_runs_in_one_transaction(self, running: Run, member: User, django_assert_max_num_queries) -> None:
        def numbers() -> list[int]:
            found = []
            for count in (1, 5):
                rows = [Row(running.pk, 100 * count + number, 1, "text", {}, clock.now()) for number in range(count)]
                with django_assert_max_num_queries(4) as queries:
                    _store({running.pk: 1}, rows)
                found.append(len(queries))
            return found

        few, many = await sync_to_async(numbers)()
        assert few == many
