"""A drive: when it takes a model for silent or for slow, and what it makes of what the agent does."""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from agentos.agents.events import Event, Failed, Finished, TextDelta, ToolFailed, ToolFinished, ToolStarted, Waiting
from agentos.chat.live.buffer import LiveBuffer
from agentos.chat.models import Run
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.journal import Journal
from agentos.chat.runs.run_task import RunTask
from agentos.core import db


@pytest.fixture
async def drive() -> RunTask:
    return RunTask(Run(pk=1, session_id=1, turn=1, attempt=1), Journal())


class TestOverdue:
    @pytest.fixture(autouse=True)
    def patience(self, settings: LazySettings) -> None:
        settings.AGENTOS_SILENCE_TIMEOUT, settings.AGENTOS_RUN_TIMEOUT = 10, 100

    def fails_of(self, drive: RunTask, now: float) -> str:
        failure = drive.overdue(now)
        return failure.code if failure else ""

    async def test_is_a_model_that_was_silent_for_too_long(self, drive: RunTask) -> None:
        drive.began, drive.heard = 0, 50
        assert [self.fails_of(drive, now) for now in (60, 61)] == ["", "model_silent"]

    async def test_is_no_model_that_waits_for_a_tool(self, drive: RunTask) -> None:
        drive.began, drive.heard, drive.open_tools = 0, 50, 1
        assert self.fails_of(drive, 99) == ""

    async def test_is_a_run_that_took_too_long_whatever_it_does(self, drive: RunTask) -> None:
        drive.began, drive.heard, drive.open_tools = 0, 100, 1
        assert [self.fails_of(drive, now) for now in (100, 101)] == ["", "run_timeout"]


class TestFollow:
    async def follow(self, drive: RunTask, *events: Event) -> tuple[Event, list[int]]:
        """The end, and after each event how many tools were at work."""
        entry, counts = drive.journal.open(LiveBuffer(drive.run), on_stale=lambda: None), list[int]()

        async def stream() -> AsyncIterator[Event]:
            for event in events:
                yield event
                counts.append(drive.open_tools)

        return await drive._follow(stream(), entry), counts

    async def test_writes_that_a_tool_begins_before_it_does(self, drive: RunTask, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever finds the run without its driver knows then that the tool may have done something."""
        told: list[str] = []

        async def written() -> None:
            told.append("written")

        async def stream() -> AsyncIterator[Event]:
            for event in (TextDelta("Some"), ToolStarted("1", "add", {}), ToolFinished("1", "add", "2")):
                yield event
                told.append(event.kind)

        monkeypatch.setattr(drive.journal, "written", written)
        await drive._follow(stream(), drive.journal.open(LiveBuffer(drive.run), on_stale=lambda: None))
        assert told == ["text", "written", "tool_started", "tool_finished"]

    async def test_counts_the_tools_that_are_at_work(self, drive: RunTask, monkeypatch: pytest.MonkeyPatch) -> None:
        async def written() -> None:
            """At once."""

        monkeypatch.setattr(drive.journal, "written", written)
        _, counts = await self.follow(
            drive,
            TextDelta("Some"),
            ToolStarted("1", "add", {}),
            ToolStarted("2", "add", {}),
            TextDelta("words"),
            ToolFinished("1", "add", "2"),
            ToolFailed("2", "add", "broke"),
        )
        assert counts == [0, 1, 2, 2, 1, 0]

    @pytest.mark.parametrize("end", [Failed("model_error"), Waiting(requirements=[])])
    async def test_ends_with_what_ends_it(self, drive: RunTask, end: Event) -> None:
        found, _ = await self.follow(drive, TextDelta("Some"), end, TextDelta("never"))
        assert found is end
        assert [row.data for row in drive.journal.entries[1].take()] == [{"text": "Some"}]

    async def test_ends_well_where_nothing_is_said_of_it(self, drive: RunTask) -> None:
        assert await self.follow(drive) == (Finished(), [])


class TestAnEndThatCannotBeWritten:
    @pytest.mark.parametrize(("failing", "pauses"), [(2, [0.2, 0.4]), (9, [0.2, 0.4, 0.8, 1.6, 3.2])])
    async def test_is_tried_again_after_longer_and_longer_pauses(
        self, drive: RunTask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failing: int, pauses: list[float]
    ) -> None:
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        async def write(work: object, **_: object) -> None:
            if len(slept) < failing:
                raise OperationalError("the server has gone")

        entry = drive.journal.open(LiveBuffer(drive.run), on_stale=lambda: None)
        monkeypatch.setattr(db, "write", write)
        monkeypatch.setattr("agentos.chat.runs.run_task.asyncio", SimpleNamespace(sleep=sleep))
        await drive._finish(entry, Finished())
        assert slept == pytest.approx(pauses)
        assert len(caplog.records) == len(pauses)


class TestAFailure:
    @pytest.fixture
    def written(self, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
        """The ends that were written."""
        ends: list[Event] = []

        async def write(work: object, *, event: Event, **_: object) -> None:
            assert work is end_run
            ends.append(event)

        monkeypatch.setattr(db, "write", write)
        return ends

    @pytest.mark.parametrize(
        ("end", "is_said"), [(Failed("model_auth", detail="key refused"), True), (Failed("model_auth"), False), (Finished(), False)]
    )
    async def test_is_explained_in_the_log_where_the_provider_said_why(
        self, drive: RunTask, written: list[Event], caplog: pytest.LogCaptureFixture, end: Event, is_said: bool
    ) -> None:
        await drive._finish(drive.journal.open(LiveBuffer(drive.run), on_stale=lambda: None), end)
        assert written == [end]
        assert ("failed (model_auth): key refused" in caplog.text) == is_said
        assert bool(caplog.records) == is_said
