"""Runs that leave no trace: shown nowhere, answered as any other, and without a text in the end, whatever happened."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.events import Finished, Interrupted, Waiting
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions, ephemeral, errors, listing, queries
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs import reaper, waiting
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.engine import Engine
from agentos.chat.searching import search_sessions
from agentos.core import clock
from agentos.core.pubsub import pubsub
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

LEASE = timedelta(seconds=30)
HISTORY = [
    {"role": "assistant", "content": "Welcome, canary."},
    {"role": "user", "content": "One canary"},
    {"role": "assistant", "content": "Two canaries"},
]


def start(member: User, agent: DjangoAgent, **more: Any) -> Run:
    return ephemeral.start(**{"agent": agent, "message": "A canary?", "history": HISTORY, "context": {"a": "canary"}, "by": member, **more})


@pytest.fixture
def run(member: User, scripted: DjangoAgent) -> Run:
    return start(member, scripted)


def told(run: Run) -> Run:
    """The run, claimed and with something in its journal."""
    claimed = claim_next(run.session_id, LEASE)
    assert claimed
    RunEvent.objects.create(run=run, seq=1, attempt=1, kind="text", data={"text": "The canary sings."})
    RunEvent.objects.create(run=run, seq=2, attempt=1, kind="usage", data={"input_tokens": 5, "output_tokens": 3})
    return claimed


def everything(run: Run) -> str:
    """All that the tables hold of it, as text."""
    rows = [
        Run.objects.filter(pk=run.pk).values(),
        ChatSession.objects.filter(pk=run.session_id).values(),
        RunEvent.objects.filter(run=run).values(),
        AuditRecord.objects.values(),
    ]
    return str([list(found) for found in rows])


def assert_erased(run: Run) -> None:
    assert "canar" not in everything(run).lower()
    run.session.refresh_from_db()
    assert run.session.erased_at


class TestStart:
    def test_stores_what_the_runner_needs(self, run: Run, member: User) -> None:
        claimed = claim_next(run.session_id, LEASE)
        assert claimed
        assert (claimed.input, claimed.context, claimed.session.is_ephemeral) == ("A canary?", {"a": "canary"}, True)
        turns = ephemeral.given_turns(claimed.session)
        assert [[message["content"] for message in turn.messages] for turn in turns] == [
            ["Welcome, canary."],
            ["One canary", "Two canaries"],
        ]
        record = AuditRecord.objects.get(verb="chat.message.sent")
        assert (record.actor, record.object_id, record.data) == (member, run.run_id, {"agent": "scripted", "ephemeral": True})

    def test_asks_for_the_right_to_the_agent(self, member: User, stranger: User, team_agent: DjangoAgent) -> None:
        start(member, team_agent)
        with pytest.raises(errors.AgentClosed):
            start(stranger, team_agent)
        assert Run.objects.count() == ChatSession.objects.count() == 1

    def test_counts_as_a_send(self, member: User, scripted: DjangoAgent, settings: Any) -> None:
        settings.AGENTOS_SENDS_A_MINUTE = 1
        start(member, scripted)
        with pytest.raises(errors.TooMuch):
            start(member, scripted)

    def test_counts_towards_the_quota(self, member: User, scripted: DjangoAgent, settings: Any) -> None:
        settings.AGENTOS_RUNS_A_DAY = 1
        ephemeral.discard(run_pk=start(member, scripted).pk, by=member)
        claimed = start_and_end(member, scripted, settings)
        with pytest.raises(errors.QuotaReached):
            start(member, scripted)
        assert claimed.status == Run.Status.COMPLETED


def start_and_end(member: User, agent: DjangoAgent, settings: Any) -> Run:
    run = start(member, agent)
    assert end_run(run_pk=told(run).pk, event=Finished())
    ephemeral.discard(run_pk=run.pk, by=member)
    run.refresh_from_db()
    return run


class TestHiding:
    def test_is_complete(self, run: Run, member: User, scripted: DjangoAgent) -> None:
        seen = RunFactory(session__user=member, session__agent=scripted, input="Where is my canary?", answer="Here.")
        for found in (
            list(queries.sessions_for(member)),
            queries.recent_sessions(member).sessions,
            search_sessions(member, "canary"),
            listing.page_of_sessions(member).sessions,
        ):
            assert found == [seen.session]
        assert queries.session_for(member, run.session.session_id) is None
        assert queries.run_for(member, run.run_id) is None
        assert queries.run_for(member, seen.run_id) == seen

    def test_holds_in_the_browser(self, run: Run, as_member: Client) -> None:
        address = {"session_id": run.session.session_id}
        assert as_member.get(reverse("dashboard:session", kwargs=address)).status_code == 404
        assert as_member.get(reverse("dashboard:live") + f"?session={run.session.session_id}").status_code == 404
        assert run.session.session_id not in as_member.get(reverse("dashboard:home")).content.decode()
        assert run.session.session_id not in as_member.get(reverse("dashboard:sessions")).content.decode()

    def test_keeps_the_list_of_chats_on_its_index(self, run: Run, member: User) -> None:
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL chooses by the size of the table")
        with CaptureQueriesContext(connection) as captured:
            list(queries.sessions_for(member)[:30])
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + captured[-1]["sql"])
            plan = " ".join(row[3] for row in cursor.fetchall())
        assert "session_of_user" in plan
        assert "TEMP B-TREE" not in plan


class TestDiscard:
    def test_erases_every_text_and_keeps_the_numbers(self, run: Run, member: User) -> None:
        assert end_run(run_pk=told(run).pk, event=Finished(messages=[{"role": "user", "content": "canary"}]))
        assert "canary" in everything(run)
        ephemeral.discard(run_pk=run.pk, by=member)
        assert_erased(run)
        assert not RunEvent.objects.filter(run=run).exists()
        run.refresh_from_db()
        assert (run.status, run.input_tokens, run.output_tokens) == (Run.Status.COMPLETED, 5, 3)
        assert run.started_at
        assert run.finished_at
        verbs = AuditRecord.objects.filter(object_id=run.run_id).order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["chat.message.sent", "chat.run.completed", "chat.run.erased"]

    def test_stops_what_still_runs(self, run: Run, member: User) -> None:
        claimed = told(run)
        ephemeral.discard(run_pk=run.pk, by=member)
        assert_erased(run)
        run.refresh_from_db()
        assert run.status == Run.Status.STOPPED
        assert not end_run(run_pk=run.pk, event=Finished(), attempt=claimed.attempt)

    def test_takes_back_what_has_not_begun(self, run: Run, member: User) -> None:
        ephemeral.discard(run_pk=run.pk, by=member)
        assert_erased(run)
        assert claim_next(run.session_id, LEASE) is None

    def test_stops_what_waits_for_a_person(self, run: Run, member: User) -> None:
        asked = Waiting([{"call_id": "c", "args": {"to": "canary"}}], {"messages": ["canary"]})
        assert end_run(run_pk=told(run).pk, event=asked)
        ephemeral.discard(run_pk=run.pk, by=member)
        assert_erased(run)

    def test_happens_once(self, run: Run, member: User) -> None:
        for _ in range(2):
            ephemeral.discard(run_pk=run.pk, by=member)
        assert AuditRecord.objects.filter(verb="chat.run.erased").count() == 1

    def test_leaves_chats_alone(self, member: User) -> None:
        kept = RunFactory(session__user=member)
        ephemeral.discard(run_pk=kept.pk, by=member)
        kept.refresh_from_db()
        assert kept.input
        assert kept.answer


class TestSweep:
    def later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = clock.now() + ephemeral.ERASE_AFTER + timedelta(seconds=1)
        monkeypatch.setattr(clock, "now", lambda: now)

    def test_erases_what_a_crash_has_left(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        told(run)
        reaper.reap_orphans(everything=True)
        reaper.sweep()
        assert "canary" in everything(run)  # its caller may still be reading
        self.later(monkeypatch)
        reaper.sweep()
        assert_erased(run)
        run.refresh_from_db()
        assert run.status == Run.Status.INTERRUPTED

    def test_erases_what_waits_for_an_answer_that_nobody_can_give(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        assert end_run(run_pk=told(run).pk, event=Waiting([{"call_id": "canary"}]))
        self.later(monkeypatch)
        assert ephemeral.sweep() == 1
        assert_erased(run)

    def test_leaves_what_still_runs(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        told(run)
        self.later(monkeypatch)
        assert ephemeral.sweep() == 0

    def test_leaves_chats_alone(self, member: User, scripted: DjangoAgent, monkeypatch: pytest.MonkeyPatch) -> None:
        RunFactory(session=ChatSessionFactory(user=member, agent=scripted))
        self.later(monkeypatch)
        assert ephemeral.sweep() == 0

    def test_does_not_ask_more_the_more_was_erased(
        self, member: User, scripted: DjangoAgent, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
    ) -> None:
        for _ in range(5):
            ephemeral.discard(run_pk=start(member, scripted).pk, by=member)
        self.later(monkeypatch)
        with django_assert_num_queries(1):
            assert ephemeral.sweep() == 0


class TestRunning:
    async def test_shows_the_model_the_given_history(self, engine: Engine, member: User) -> None:
        agent = await sync_to_async(AgentFactory)(agent_id="ten", model="scripted:10x0", is_global=True, instructions="")
        with_history = await sync_to_async(start)(member, agent)
        without = await sync_to_async(start)(member, agent, history=[])
        ended = [run for run in [await waiting.ended(run, 20) for run in (with_history, without)] if run]
        assert [run.status for run in ended] == [Run.Status.COMPLETED] * 2
        said = sum(len(message["content"]) for message in HISTORY)
        assert abs(ended[0].input_tokens - ended[1].input_tokens - said / 4) <= 1  # the script counts characters

    async def test_says_nothing_to_the_lists_of_its_owner(self, engine: Engine, member: User, scripted: DjangoAgent) -> None:
        before = pubsub.version(f"user:{member.pk}")
        await waiting.ended(await sync_to_async(start)(member, scripted), 20)
        assert pubsub.version(f"user:{member.pk}") == before
        await sync_to_async(actions.send_message)(by=member, agent=scripted, text="Hello")
        assert pubsub.version(f"user:{member.pk}") != before

    async def test_that_dies_is_interrupted_as_any_other(self, member: User, scripted: DjangoAgent) -> None:
        run = await sync_to_async(start)(member, scripted)
        await sync_to_async(told)(run)
        assert await sync_to_async(end_run)(run_pk=run.pk, event=Interrupted())
        await run.arefresh_from_db()
        assert (run.status, run.answer) == (Run.Status.INTERRUPTED, "The canary sings.")
