"""Whatever people, drivers and crashes do, in whatever order: the invariants of a chat hold, and a tab can always catch up."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from agentos.access.models import User
from agentos.agents.events import Failed, Finished, Interrupted, Waiting
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer
from agentos.chat import actions, queries
from agentos.chat.drawing import render_turn
from agentos.chat.errors import ChatError
from agentos.chat.live import streaming
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.transcript import open_transcript
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs import reaper
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.journal import Row, _store
from agentos.core import clock
from tests.chat.drafting import draft_of
from tests.factories import AgentFactory, UserFactory
from tests.live_dom import LiveDom

TERMINAL = {"finished", "failed", "stopped", "interrupted"}
ASKED = {"call_id": "c", "kind": "confirm", "name": "post_letter", "args": {"to": "Ada"}, "fields": []}
PIECES = st.sampled_from(["word ", "more\n\n", "- item\n", "```\n", "**bold** ", "<b>", "# Head\n"])


class ChatMachine(RuleBasedStateMachine):
    user: User
    agent: DjangoAgent

    @initialize()
    def open(self) -> None:
        ChatSession.objects.all().delete()
        self.session = actions.create_session(agent=self.agent, by=self.user)
        self.drivers: list[tuple[int, int]] = []  # (run, attempt) of everybody who ever drove one
        self.shown: dict[int, str] = {}
        self.tab, self.cursor = self.fresh()

    # --- People

    @rule(text=st.sampled_from(["Hello", "Again", "  ", "x" * 40_000]))
    def send(self, text: str) -> None:
        self.refusable(actions.send_message, by=self.user, session=self.session, text=text)

    @rule(again=st.integers(1, 3))
    def send_twice(self, again: int) -> None:
        before = Run.objects.count()
        key = f"key-{before}"
        for _ in range(again):
            self.refusable(actions.send_message, by=self.user, session=self.session, text="Once", idempotency_key=key)
        assert Run.objects.count() <= before + 1

    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        if run := self.some_run(data):
            actions.stop_run(run=run, by=self.user)

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        if run := self.some_run(data):
            self.refusable(actions.retry_run, run=run, by=self.user)

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        if run := self.some_run(data):
            self.refusable(actions.continue_run, run=run, by=self.user)

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        if run := self.some_run(data):
            before = self.transcript()
            self.refusable(actions.edit_message, run=run, text="Said better", by=self.user)
            if self.transcript() != before and not Run.objects.filter(session=self.session, status__in=Run.ACTIVE).exists():
                edited = Run.objects.filter(session=self.session).latest("pk")
                assert edited.status == Run.Status.QUEUED
                actions.stop_run(run=edited, by=self.user)
                assert self.transcript() == before

    @rule(data=st.data())
    def choose(self, data: st.DataObject) -> None:
        if run := self.some_run(data):
            self.refusable(actions.choose_version, run=run, by=self.user)

    def transcript(self) -> list[tuple[str, str]]:
        return [(turn.run_id, turn.answer) for turn in queries.turns(self.session).runs]

    @rule(yes=st.booleans())
    def answer(self, yes: bool) -> None:
        if run := Run.objects.filter(session=self.session, status=Run.Status.WAITING).first():
            actions.answer_run(run=run, answers=[Answer("c", confirmed=yes)], by=self.user)

    # --- Drivers

    @rule()
    def claim(self) -> None:
        if run := claim_next(self.session.pk, timedelta(seconds=30)):
            self.drivers.append((run.pk, run.attempt))

    @precondition(lambda self: self.drivers)
    @rule(data=st.data(), piece=PIECES)
    def say(self, data: st.DataObject, piece: str) -> None:
        """Any driver, also one that was declared dead long ago, writes a line."""
        pk, attempt = data.draw(st.sampled_from(self.drivers))
        seq = (RunEvent.objects.filter(run=pk).order_by("-seq").values_list("seq", flat=True).first() or 0) + 1
        _store({pk: (attempt, self.session.pk)}, [Row(pk, seq, attempt, "text", {"text": piece}, clock.now())])

    @precondition(lambda self: self.drivers)
    @rule(data=st.data(), end=st.sampled_from([Finished(), Failed("model_error"), Interrupted(), Waiting([ASKED], {"x": 1})]))
    def end(self, data: st.DataObject, end: Any) -> None:
        pk, attempt = data.draw(st.sampled_from(self.drivers))
        end_run(run_pk=pk, attempt=attempt, event=end)

    @rule()
    def restart(self) -> None:
        reaper.reap_orphans(everything=True)

    # --- A tab

    @rule()
    def look(self) -> None:
        """The tab wakes up and hears what has happened since."""
        change = streaming.changes(self.session.pk, self.cursor)
        if change:
            for turn in change.gone:
                self.tab.apply(f'<hx-partial hx-target="#turn-{turn}" hx-swap="delete"></hx-partial>')
            for view in change.views(may_write=True):
                self.tab.apply(f'<hx-partial hx-target="#turns" hx-swap="upsert">{render_turn(view)}</hx-partial>')
            self.cursor = change.cursor
        run = Run.objects.filter(session=self.session, status=Run.Status.RUNNING).first()
        if run and run.pk == self.cursor.run_pk:
            buffer = draft_of(run, RunEvent.objects.filter(run=run).order_by("seq").values_list("seq", "kind", "data"))
            for _, html in streaming.growth(buffer, self.cursor.seq):
                self.tab.apply(html)
            self.cursor = Cursor(self.cursor.revision, run.pk, buffer.seq)
        assert self.tab.shown("turns") == self.fresh()[0].shown("turns")

    # --- What always holds

    @invariant()
    def one_run_is_active_at_most(self) -> None:
        if hasattr(self, "session"):
            assert Run.objects.filter(session=self.session, status__in=Run.ACTIVE).count() <= 1

    @invariant()
    def one_version_of_a_turn_is_shown(self) -> None:
        if hasattr(self, "session"):
            shown = list(Run.objects.filter(session=self.session, is_hidden=False).order_by("turn", "pk"))
            assert [run.turn for run in shown] == sorted({run.turn for run in shown})
            assert [run.pk for run in shown] == sorted(run.pk for run in shown)

    @invariant()
    def journals_are_whole_and_end_once(self) -> None:
        for run in Run.objects.prefetch_related("events"):
            lines = sorted(run.events.all(), key=lambda event: event.seq)
            ends = [event for event in lines if event.kind in TERMINAL]
            if run.status in Run.ENDED and run.attempt and run.last_seq and not run.session.forked_from_id:
                assert [event.seq for event in ends] == [run.last_seq] == [event.seq for event in lines]
            elif run.status in Run.OPEN:
                assert not ends
                assert [event.seq for event in lines] == list(range(1, len(lines) + 1))
                assert [event.attempt for event in lines] == sorted(event.attempt for event in lines), "a stale driver wrote"

    @invariant()
    def what_has_ended_does_not_change(self) -> None:
        for run in Run.objects.filter(status__in=Run.ENDED):
            said = f"{run.status} {run.answer}"
            assert self.shown.setdefault(run.pk, said) == said

    @invariant()
    def turns_stand_once_and_in_order(self) -> None:
        if hasattr(self, "session"):
            turns = [run.turn for run in queries.turns(self.session, limit=1000).runs]
            assert turns == sorted(set(turns))

    def refusable(self, action: Any, **arguments: Any) -> None:
        with contextlib.suppress(ChatError):
            action(**arguments)

    def some_run(self, data: st.DataObject) -> Run | None:
        runs = list(Run.objects.filter(session=self.session).select_related("session__agent"))
        return data.draw(st.sampled_from(runs)) if runs else None

    def fresh(self) -> tuple[LiveDom, Cursor]:
        transcript = open_transcript(ChatSession.objects.get(pk=self.session.pk), may_write=True)
        cursor = Cursor.read(transcript.cursor)
        assert cursor is not None
        return LiveDom('<div id="turns">' + "".join(render_turn(view) for view in transcript.turns) + "</div>"), cursor


@pytest.fixture
def machine(db: None) -> type[ChatMachine]:
    ChatMachine.user = UserFactory()
    ChatMachine.agent = AgentFactory(is_global=True, model="scripted:5x0")
    return ChatMachine


@pytest.mark.timeout(180)
def test_the_invariants_hold_whatever_happens(machine: type[ChatMachine]) -> None:
    quick = settings(max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=quick)
