"""The events of a run, as a stream that may be cut anywhere."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import NoReturn

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.test import Client

from agentos.access.actions import create_token, revoke_token
from agentos.access.models import ApiToken, User
from agentos.access.tokens import SCOPES
from agentos.agents.events import Finished, Stopped, Waiting
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer
from agentos.api import run_stream
from agentos.chat import actions, queries
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.registry import STREAMS_A_USER, registry
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.engine import Engine
from agentos.core.db import outage
from agentos.core.http import sse
from agentos.core.pubsub import pubsub
from site_config.requests import THREADS
from tests.api.calls import ROOT, SEND
from tests.api.streams import Event, reading, text, told
from tests.factories import AgentFactory, ChatSessionFactory

LEASE = timedelta(seconds=30)
STORY: list[tuple[str, dict[str, object]]] = [
    ("reasoning", {"text": "Let me see. "}),
    ("text", {"text": "It "}),
    ("usage", {"input_tokens": 1, "output_tokens": 1}),
    ("tool_started", {"call_id": "c", "name": "calculator", "args": {"expression": "6 * 7"}}),
    ("tool_finished", {"call_id": "c", "name": "calculator", "result": "42", "seconds": 0.1}),
    ("text", {"text": "is "}),
    ("text", {"text": "42."}),
]
LAST_WORDS = " Or so.\r\n\u2028"


@pytest.fixture
def session(transactional_db: None, owner: User, everyone_agent: DjangoAgent) -> ChatSession:
    return ChatSessionFactory(user=owner, agent=everyone_agent)


@pytest.fixture
def token(session: ChatSession, owner: User) -> tuple[ApiToken, dict[str, str]]:
    found, secret = create_token(by=owner, name="Reader", scopes=SCOPES)
    return found, {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def program(token: tuple[ApiToken, dict[str, str]]) -> dict[str, str]:
    return token[1]


@pytest.fixture
def running(session: ChatSession, owner: User) -> Run:
    """A run that somebody else drives, some of its story told."""
    actions.send_message(by=owner, session=session, text="What is six times seven?")
    run = claim_next(session.pk, LEASE)
    assert run
    write(run, STORY)
    return run


def write(run: Run, lines: list[tuple[str, dict[str, object]]], first: int = 1) -> None:
    RunEvent.objects.bulk_create(
        RunEvent(run=run, seq=seq, attempt=run.attempt, kind=kind, data=data) for seq, (kind, data) in enumerate(lines, start=first)
    )
    pubsub.publish(f"draft:{run.session_id}")


def finish(run: Run) -> None:
    last = RunEvent(run=run, seq=len(STORY) + 1, attempt=run.attempt, kind="text", data={"text": LAST_WORDS})
    assert end_run(run_pk=run.pk, event=Finished(), attempt=run.attempt, last_words=[last])


def url(run: Run) -> str:
    return f"{ROOT}runs/{run.run_id}/events/"


async def answer_of(run: Run) -> str:
    await run.arefresh_from_db()
    return run.answer


class TestEvents:
    async def test_tell_a_run_from_its_beginning_to_its_end(
        self, session: ChatSession, owner: User, program: dict[str, str], engine: Engine
    ) -> None:
        await sync_to_async(DjangoAgent.objects.filter(pk=session.agent_id).update)(model="scripted:40x5")
        run = await sync_to_async(actions.send_message)(by=owner, session=session, text="Hello")
        async with reading(url(run), program) as stream:
            events = await stream.all()
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["content-encoding"] == "identity"
        assert "script-src" in stream.headers["content-security-policy"]
        assert stream.body.startswith(b": connected\nretry: 1000\n\n")
        assert text(events) == await answer_of(run)
        assert len(run.answer.split()) == 40
        assert len(events) > 5
        ids = [int(event.id) for event in events if event.id]
        assert ids == sorted(set(ids))
        assert (events[-1].name, events[-1].data["answer"]) == ("completed", run.answer)
        assert not registry.streams

    @pytest.mark.parametrize("seen", range(len(STORY) + 1))
    async def test_go_on_after_any_of_them(self, running: Run, program: dict[str, str], seen: int) -> None:
        async with reading(url(running), program) as first:
            events = await first.take(len(STORY) - 1)  # all but the tokens that were used
        beginning = [event for event in events if int(event.id) <= seen]
        last = str(seen) if seen else ""
        async with reading(url(running), {**program, "Last-Event-ID": last}) as second:
            shown = [kind for kind, _ in STORY[seen:] if kind != "usage"]
            events = await second.take(len(shown))
            assert [event.name for event in events] == shown
            await sync_to_async(finish)(running)
            events += await second.all()
        assert "snapshot" not in [event.name for event in events]
        await running.arefresh_from_db()
        assert told(beginning + events) == running.parts
        assert events[-1].name == "completed"
        assert running.answer.endswith("Or so.")  # the last words, which the journal never held by themselves

    @pytest.mark.parametrize("last", ["99", "x", "-1", "1.5", "٣", "9" * 80, "0-0-0"])
    @pytest.mark.parametrize("ended", [False, True])
    async def test_begin_with_the_whole_state_for_a_place_that_nobody_knows(
        self, running: Run, program: dict[str, str], last: str, ended: bool
    ) -> None:
        if ended:
            await sync_to_async(finish)(running)
        headers = {**program, "Last-Event-ID": last.encode().decode("latin1")}
        async with reading(url(running), headers) as stream:
            snapshot = await stream.next()
            assert snapshot
            assert snapshot.name == "snapshot"
            assert snapshot.data["status"] == ("completed" if ended else "running")
            assert int(snapshot.id) == len(STORY) + ended
            if not ended:
                await sync_to_async(finish)(running)
            events = [snapshot, *await stream.all()]
        await running.arefresh_from_db()
        assert told(events) == running.parts

    @pytest.mark.parametrize("seen", range(1, len(STORY) + 2))
    async def test_replace_what_a_reader_has_who_was_away_when_it_ended(self, running: Run, program: dict[str, str], seen: int) -> None:
        await sync_to_async(finish)(running)
        async with reading(url(running), {**program, "Last-Event-ID": str(seen)}) as stream:
            events = await stream.all()
        names = [event.name for event in events]
        assert names == (["completed"] if seen == len(STORY) + 1 else ["snapshot", "completed"])
        assert events[-1].data["answer"] == await answer_of(running)

    async def test_of_a_run_that_has_ended_are_told_once(self, running: Run, program: dict[str, str]) -> None:
        await sync_to_async(finish)(running)
        async with reading(url(running), program) as stream:
            events = await stream.all()
        await running.arefresh_from_db()
        assert told(events) == running.parts
        async with reading(url(running), {**program, "Last-Event-ID": events[-1].id}) as again:
            assert (again.status, again.body) == (204, b"")

    async def test_tell_that_somebody_stopped_it(self, running: Run, owner: User, program: dict[str, str]) -> None:
        async with reading(url(running), program) as stream:
            await stream.take(1)
            await sync_to_async(actions.stop_run)(run=running, by=owner)
            events = await stream.all()
        assert events[-1].name == "stopped"

    async def test_wait_with_a_run_that_waits(self, running: Run, owner: User, program: dict[str, str]) -> None:
        asked = {"call_id": "d", "kind": "confirm", "name": "book", "args": {}, "fields": []}
        async with reading(url(running), program) as stream:
            await stream.take(len(STORY) - 1)
            await sync_to_async(end_run)(run_pk=running.pk, event=Waiting([asked]))
            waiting = await stream.next()
            assert waiting == Event("waiting", {"requirements": [asked]}, str(len(STORY) + 1))
            run = await Run.objects.aget(pk=running.pk)
            await sync_to_async(actions.answer_run)(run=run, answers=[Answer("d", confirmed=False)], by=owner)
            again = await sync_to_async(claim_next)(running.session_id, LEASE)
            assert again
            await sync_to_async(write)(again, [("text", {"text": " Then not."})], first=len(STORY) + 2)
            assert (await stream.take(1))[0].data == {"text": " Then not."}
            await sync_to_async(end_run)(run_pk=running.pk, event=Finished())
            assert [event.name for event in await stream.all()] == ["completed"]

    async def test_of_a_message_that_waits_begin_when_it_runs(self, session: ChatSession, owner: User, program: dict[str, str]) -> None:
        run = await sync_to_async(actions.send_message)(by=owner, session=session, text="Hello")
        async with reading(url(run), program) as stream:
            await sync_to_async(actions.stop_run)(run=run, by=owner)
            assert [(event.name, event.data["hidden"]) for event in await stream.all()] == [("stopped", True)]


class TestAnOpenStream:
    async def test_ends_when_its_token_is_revoked(self, running: Run, token: tuple[ApiToken, dict[str, str]], owner: User) -> None:
        async with reading(url(running), token[1]) as stream:
            await stream.take(1)
            assert await sync_to_async(registry._lost)(list(registry.streams)) == []
            await sync_to_async(revoke_token)(by=owner, token=token[0])
            await registry.look()
            assert (await stream.all())[-1].name == "closed"

    async def test_ends_when_its_login_or_its_user_is_gone(self, running: Run, owner: User) -> None:
        client = Client()
        await sync_to_async(client.force_login)(owner)
        cookie = {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())}
        async with reading(url(running), cookie):
            assert await sync_to_async(registry._lost)(list(registry.streams)) == []
            await sync_to_async(client.logout)()
            assert await sync_to_async(registry._lost)(list(registry.streams)) == list(registry.streams)

    async def test_outlives_a_change_of_the_password_when_a_token_opened_it(
        self, running: Run, owner: User, program: dict[str, str]
    ) -> None:
        async with reading(url(running), program):
            owner.set_password("another one entirely")
            await owner.asave()
            assert await sync_to_async(registry._lost)(list(registry.streams)) == []
            await User.objects.filter(pk=owner.pk).aupdate(is_active=False)
            assert len(await sync_to_async(registry._lost)(list(registry.streams))) == 1

    async def test_ends_when_its_chat_is_deleted(self, running: Run, owner: User, program: dict[str, str]) -> None:
        async with reading(url(running), program) as stream:
            await stream.take(1)
            await sync_to_async(actions.delete_session)(session=running.session, by=owner)
            assert (await stream.all())[-1].name == "closed"

    async def test_beats(self, running: Run, program: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.02)
        async with reading(url(running), program) as stream:
            while stream.comments.count("beat") < 3:
                await asyncio.sleep(0.01)

    async def test_looks_when_nobody_rings(self, running: Run, program: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.1)
        async with reading(url(running), program) as stream:
            await stream.take(len(STORY) - 1)
            await Run.objects.filter(pk=running.pk).aupdate(status=Run.Status.INTERRUPTED, last_seq=len(STORY) + 1)
            assert (await stream.all())[-1].name == "interrupted"

    async def test_says_when_the_server_goes(self, running: Run, program: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        async with reading(url(running), program) as stream:
            await stream.take(1)
            monkeypatch.setattr(registry, "stopping", True)
            pubsub.publish("stop")
            assert (await stream.all())[-1].name == "restart"

    @pytest.mark.parametrize("broken", ["journal", "run_for"])
    async def test_goes_on_when_the_database_was_away(
        self, running: Run, program: dict[str, str], monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        def fail(*args: object, **kwargs: object) -> NoReturn:
            raise OperationalError("secret of the database")

        monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.1)
        monkeypatch.setattr(outage, "AGAIN_SECONDS", 0.02)
        async with reading(url(running), program) as stream:
            await stream.take(len(STORY) - 1)
            with monkeypatch.context() as away:
                asked = {"journal": queries.journal, "run_for": queries.run_for, "JournalLine": queries.JournalLine, broken: fail}
                away.setattr(run_stream, "queries", SimpleNamespace(**asked))
                await sync_to_async(write)(running, [("text", {"text": " Still there?"})], len(STORY) + 1)
                await sync_to_async(end_run)(run_pk=running.pk, event=Finished(), attempt=running.attempt)
                before = len(stream.comments)
                while len(stream.comments) < before + 3:  # heartbeats
                    await asyncio.sleep(0.05)
            rest = await stream.all()
            assert [event.name for event in rest] == ["text", "completed"]
            assert rest[0].data == {"text": " Still there?"}
            assert b"secret" not in stream.body
        assert not registry.streams

    async def test_is_one_of_ten_and_holds_no_thread(self, running: Run, program: dict[str, str]) -> None:
        assert STREAMS_A_USER > THREADS
        opened = [reading(url(running), program) for _ in range(STREAMS_A_USER)]
        streams = [await stream.__aenter__() for stream in opened]
        try:
            assert {stream.status for stream in streams} == {200}
            async with reading(url(running), program) as refused:
                assert (refused.status, refused.headers["retry-after"]) == (429, "30")
            async with reading(f"{ROOT}info/", program) as page:
                assert page.status == 200
        finally:
            for stream in opened:
                await stream.__aexit__(None, None, None)
        assert not registry.streams

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
    async def test_is_not_for_everybody(self, running: Run, headers: dict[str, str]) -> None:
        async with reading(url(running), headers) as stream:
            assert stream.status == 401


class TestSendingWithAStream:
    BODY = {"agent_id": "assistant", "message": "Hello"}  # noqa: RUF012

    @pytest.mark.parametrize(("path", "extra"), [(SEND, {}), (ROOT, {"action": "send_message"})])
    async def test_tells_the_run_and_then_its_events(
        self, session: ChatSession, program: dict[str, str], engine: Engine, path: str, extra: dict[str, str]
    ) -> None:
        headers = {**program, "Accept": "text/event-stream", "Content-Type": "application/json"}
        async with reading(path, headers, method="POST", body={**self.BODY, **extra}) as stream:
            events = await stream.all()
        run = await Run.objects.select_related("session").aget()
        assert (events[0].name, events[0].data["run_id"], events[0].data["session_id"]) == ("run", run.run_id, run.session.session_id)
        assert stream.headers["location"] == events[0].data["url"]
        assert text(events[1:]) == run.answer != ""
        assert events[-1].name == "completed"

    async def test_goes_on_elsewhere_when_its_reader_leaves(self, session: ChatSession, program: dict[str, str], engine: Engine) -> None:
        await sync_to_async(AgentFactory)(agent_id="slow", is_global=True, model="scripted:30x10")
        headers = {**program, "Accept": "text/event-stream", "Content-Type": "application/json"}
        async with reading(SEND, headers, method="POST", body={"agent_id": "slow", "message": "Hello"}) as stream:
            events = await stream.take(3)
        where, seen = events[0].data["events_url"], [event for event in events if event.id]
        async with reading(where, {**program, "Last-Event-ID": seen[-1].id}) as again:
            events += await again.all()
        assert text(events) == (await Run.objects.aget()).answer
        assert len(text(events).split()) == 30

    async def test_gives_the_first_answer_again_for_its_key(self, session: ChatSession, program: dict[str, str], engine: Engine) -> None:
        headers = {**program, "Accept": "text/event-stream", "Content-Type": "application/json", "Idempotency-Key": "k"}
        answers = []
        for _ in range(2):
            async with reading(SEND, headers, method="POST", body=self.BODY) as stream:
                answers.append(text(await stream.all()))
        assert answers[0] == answers[1] != ""
        assert await Run.objects.acount() == 1

    async def test_stores_nothing_when_no_stream_may_be_opened(self, session: ChatSession, owner: User, program: dict[str, str]) -> None:
        opened = [registry.open(owner, "key", None) for _ in range(STREAMS_A_USER)]
        headers = {**program, "Accept": "text/event-stream", "Content-Type": "application/json"}
        try:
            async with reading(SEND, headers, method="POST", body=self.BODY) as stream:
                assert stream.status == 429
        finally:
            for each in opened:
                registry.close(each)
        assert not await Run.objects.aexists()

    async def test_is_refused_with_an_envelope(self, session: ChatSession, program: dict[str, str]) -> None:
        headers = {**program, "Accept": "text/event-stream", "Content-Type": "application/json"}
        async with reading(SEND, headers, method="POST", body={"agent_id": "nobody", "message": "Hello"}) as stream:
            assert (stream.status, stream.headers["x-error-code"]) == (404, "agent_not_found")
        assert not registry.streams

    async def test_that_stopped_says_so_in_the_stream(self, session: ChatSession, owner: User, program: dict[str, str]) -> None:
        headers = {**program, "Accept": "text/event-stream", "Content-Type": "application/json"}
        async with reading(SEND, headers, method="POST", body=self.BODY) as stream:
            await stream.take(1)
            run = await Run.objects.aget()
            await sync_to_async(claim_next)(run.session_id, LEASE)
            await sync_to_async(end_run)(run_pk=run.pk, event=Stopped(), by=owner)
            assert [event.name for event in await stream.all()] == ["stopped"]
