"""A run ends once. What its journal says is what is kept; who comes late changes nothing."""

from datetime import timedelta

import pytest

from agentos.access.models import User
from agentos.agents.events import Failed, Finished, Interrupted, Stopped, Waiting
from agentos.audit.models import AuditRecord
from agentos.chat import actions
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs import dispatch, reaper
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.core import clock

LEASE = timedelta(seconds=30)


@pytest.fixture
def running(session: ChatSession, member: User) -> Run:
    actions.send_message(by=member, session=session, text="hello")
    run = claim_next(session.pk, LEASE)
    assert run is not None
    said = [("text", {"text": "Hello "}), ("text", {"text": "there."}), ("usage", {"input_tokens": 3, "output_tokens": 2})]
    RunEvent.objects.bulk_create(RunEvent(run=run, seq=seq, attempt=1, kind=kind, data=data) for seq, (kind, data) in enumerate(said, 1))
    return run


class TestEndRun:
    def test_keeps_what_the_journal_says(self, running: Run) -> None:
        assert end_run(run_pk=running.pk, event=Finished(messages=[{"role": "user"}]), attempt=1)
        running.refresh_from_db()
        assert (running.status, running.answer, running.input_tokens, running.output_tokens) == (Run.Status.COMPLETED, "Hello there.", 3, 2)
        assert running.parts == [{"kind": "text", "text": "Hello there."}]
        assert running.messages == [{"role": "user"}]
        assert running.finished_at
        assert running.first_token_at

    def test_leaves_one_terminal_event_the_last(self, running: Run) -> None:
        end_run(run_pk=running.pk, event=Finished(), attempt=1)
        assert [(event.seq, event.kind) for event in running.events.all()] == [(4, "finished")]

    def test_takes_last_words_with_it(self, running: Run) -> None:
        rows = [RunEvent(run=running, seq=4, attempt=1, kind="text", data={"text": " Bye."})]
        end_run(run_pk=running.pk, event=Finished(), attempt=1, last_words=rows)
        running.refresh_from_db()
        assert running.answer == "Hello there. Bye."

    @pytest.mark.parametrize("late", [Finished(), Failed("model_error"), Interrupted(), Stopped()])
    def test_has_one_winner(self, running: Run, late: Finished | Failed | Interrupted | Stopped) -> None:
        assert end_run(run_pk=running.pk, event=Stopped())
        assert not end_run(run_pk=running.pk, event=late, attempt=1)
        running.refresh_from_db()
        assert running.status == Run.Status.STOPPED
        assert running.events.count() == 1

    def test_refuses_a_stale_attempt(self, running: Run) -> None:
        Run.objects.filter(pk=running.pk).update(attempt=2)
        assert not end_run(run_pk=running.pk, event=Finished(), attempt=1)
        running.refresh_from_db()
        assert running.status == Run.Status.RUNNING

    def test_keeps_the_code_of_a_failure_and_not_its_detail(self, running: Run) -> None:
        end_run(run_pk=running.pk, event=Failed("model_auth", detail="key sk-secret refused"), attempt=1)
        running.refresh_from_db()
        assert running.error_code == "model_auth"
        assert "sk-secret" not in str(list(running.events.values_list("data", flat=True)))

    def test_ends_tools_that_never_answered(self, running: Run) -> None:
        RunEvent.objects.create(run=running, seq=4, attempt=1, kind="tool_started", data={"call_id": "c", "name": "add", "args": {}})
        end_run(run_pk=running.pk, event=Interrupted(), attempt=1)
        running.refresh_from_db()
        assert running.parts[-1]["status"] == "failed"

    def test_pauses_a_run_that_waits_and_keeps_its_journal(self, running: Run) -> None:
        end_run(run_pk=running.pk, event=Waiting(requirements=[{"name": "send"}], output={"x": 1}), attempt=1)
        running.refresh_from_db()
        assert (running.status, running.requirements, running.agno_output) == (Run.Status.WAITING, [{"name": "send"}], {"x": 1})
        assert running.events.count() == 4
        assert running.finished_at is None

    def test_ends_one_that_was_answered_and_has_not_gone_on_yet(self, running: Run, member: User) -> None:
        """It is queued again, but has begun: nothing of what it said is taken back."""
        Run.objects.filter(pk=running.pk).update(status=Run.Status.QUEUED)
        assert actions.stop_run(run=Run.objects.get(pk=running.pk), by=member)
        running.refresh_from_db()
        assert (running.status, running.is_hidden, running.answer) == (Run.Status.STOPPED, False, "Hello there.")

    def test_leaves_alone_what_has_not_begun(self, session: ChatSession, member: User) -> None:
        run = actions.send_message(by=member, session=session, text="hello")
        assert not end_run(run_pk=run.pk, event=Interrupted())
        run.refresh_from_db()
        assert run.status == Run.Status.QUEUED

    def test_counts_on_from_the_journal_that_an_earlier_end_has_left(self, running: Run) -> None:
        end_run(run_pk=running.pk, event=Waiting(requirements=[{"name": "send"}]), attempt=1)
        end_run(run_pk=running.pk, event=Stopped())
        assert [(event.seq, event.kind) for event in running.events.all()] == [(5, "stopped")]
        running.refresh_from_db()
        assert (running.last_seq, running.requirements, running.agno_output) == (5, [], None)

    def test_is_written_down_with_the_code_of_a_failure(self, running: Run, member: User) -> None:
        end_run(run_pk=running.pk, event=Failed("model_auth"), attempt=1)
        record = AuditRecord.objects.get(verb="chat.run.failed")
        assert (record.object_id, record.data) == (running.run_id, {"code": "model_auth"})

    @pytest.mark.django_db(transaction=True)
    def test_wakes_the_driver_for_the_message_that_waits(self, running: Run, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        woken: list[int] = []
        monkeypatch.setattr(dispatch, "wake", woken.append)
        end_run(run_pk=running.pk, event=Stopped())
        assert woken == []
        second = claim_next_of(actions.send_message(by=member, session=running.session, text="next"))
        actions.send_message(by=member, session=running.session, text="and next")
        woken.clear()
        end_run(run_pk=second.pk, event=Stopped())
        assert woken == [running.session_id]


def claim_next_of(run: Run) -> Run:
    claimed = claim_next(run.session_id, LEASE)
    assert claimed == run
    return claimed


class TestReapOrphans:
    def test_ends_runs_without_a_sign_of_life(self, running: Run) -> None:
        reaper.reap_orphans(lease=LEASE)
        running.refresh_from_db()
        assert running.status == Run.Status.RUNNING
        Run.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        assert reaper.reap_orphans(lease=LEASE) == []
        running.refresh_from_db()
        assert (running.status, running.answer) == (Run.Status.INTERRUPTED, "Hello there.")

    def test_ends_all_of_them_when_the_only_driver_starts(self, running: Run) -> None:
        reaper.reap_orphans(everything=True, lease=LEASE)
        running.refresh_from_db()
        assert running.status == Run.Status.INTERRUPTED

    def test_leaves_a_run_that_waits_for_a_person(self, running: Run) -> None:
        end_run(run_pk=running.pk, event=Waiting(requirements=[]), attempt=1)
        assert reaper.reap_orphans(everything=True, lease=LEASE) == []
        running.refresh_from_db()
        assert running.status == Run.Status.WAITING
