"""How a run begins: at once where a driver is at hand and nothing stands before it, else when it is claimed."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from agentos.access.models import User
from agentos.agents import actions as workshop
from agentos.agents.events import Finished
from agentos.agents.models import DjangoAgent
from agentos.chat import actions, ephemeral
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs import dispatch
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.core import clock
from agentos.core.db import database_clock

LEASE = timedelta(seconds=30)


class Driver:
    """A dispatcher that notes what it hears. ``is_here``: it takes new runs at once."""

    def __init__(self) -> None:
        self.is_here = True
        self.driven: list[Run] = []
        self.woken: list[int] = []

    def lease(self) -> timedelta | None:
        return LEASE if self.is_here else None

    def drive(self, run: Run) -> None:
        self.driven.append(run)

    def wake(self, session_pk: int) -> None:
        self.woken.append(session_pk)

    def cancel(self, run_pk: int) -> None:
        """Nothing is cancelled here."""


@pytest.fixture
def driver() -> Iterator[Driver]:
    driver = Driver()
    dispatch.use(driver)
    yield driver
    dispatch.use(dispatch.NoDispatcher())


@pytest.mark.django_db(transaction=True)
class TestBegin:
    def test_claims_a_run_in_the_transaction_that_stores_it(self, driver: Driver, session: ChatSession, member: User) -> None:
        sent = actions.send_message(by=member, session=session, text="one")
        stored = Run.objects.get(pk=sent.pk)
        assert (stored.status, stored.attempt) == (Run.Status.RUNNING, 1)
        assert stored.lease_until
        assert abs(stored.lease_until - database_clock.ask() - LEASE) < timedelta(seconds=10)
        assert [run.pk for run in driver.driven] == [sent.pk]

    def test_notes_the_version_of_the_agent(self, driver: Driver, session: ChatSession, member: User, operator: User) -> None:
        def sent() -> Run:
            run = actions.send_message(by=member, session=session, text="one")
            end_run(run_pk=run.pk, event=Finished(), attempt=1)
            return Run.objects.get(pk=run.pk)

        first = sent()
        workshop.save_draft(agent=session.agent, changes={"description": "New."}, stamp=None, by=operator)
        workshop.publish_agent(agent=session.agent, by=operator)
        session.refresh_from_db()
        assert (first.agent_version, sent().agent_version) == (1, 2)
        assert driver.woken == []

    def test_claims_an_ephemeral_run_too(self, driver: Driver, scripted: DjangoAgent, member: User) -> None:
        run = ephemeral.start(agent=scripted, message="one", history=[], context={}, by=member)
        assert Run.objects.get(pk=run.pk).status == Run.Status.RUNNING
        assert [driven.pk for driven in driver.driven] == [run.pk]

    def test_tells_nobody_of_what_was_undone(self, driver: Driver, session: ChatSession, member: User) -> None:
        with transaction.atomic():
            actions.send_message(by=member, session=session, text="one")
            transaction.set_rollback(True)
        assert driver.driven == driver.woken == []
        assert not Run.objects.exists()

    def test_queues_what_comes_while_another_is_open(self, driver: Driver, session: ChatSession, member: User) -> None:
        first = actions.send_message(by=member, session=session, text="one")
        second = actions.send_message(by=member, session=session, text="two")
        assert Run.objects.get(pk=second.pk).status == Run.Status.QUEUED
        assert len(driver.driven) == 1
        end_run(run_pk=first.pk, event=Finished(messages=[]), attempt=1)
        assert driver.woken == [session.pk]

    def test_queues_while_no_driver_is_at_hand(self, driver: Driver, session: ChatSession, member: User) -> None:
        driver.is_here = False
        run = actions.send_message(by=member, session=session, text="one")
        assert Run.objects.get(pk=run.pk).status == Run.Status.QUEUED
        assert (driver.driven, driver.woken) == ([], [session.pk])


class TestClaimNext:
    def test_takes_the_oldest_queued_run(self, session: ChatSession, member: User) -> None:
        first = actions.send_message(by=member, session=session, text="one")
        actions.send_message(by=member, session=session, text="two")
        claimed = claim_next(session.pk, LEASE)
        assert claimed is not None
        assert (claimed.pk, claimed.status, claimed.attempt) == (first.pk, Run.Status.RUNNING, 1)

    def test_takes_none_of_another_chat(self, session: ChatSession, scripted: DjangoAgent, member: User) -> None:
        actions.send_message(by=member, agent=scripted, text="elsewhere")
        assert claim_next(session.pk, LEASE) is None

    def test_gives_a_lease_from_now_on(self, session: ChatSession, member: User) -> None:
        actions.send_message(by=member, session=session, text="one")
        before = database_clock.ask()
        claimed = claim_next(session.pk, LEASE)
        assert claimed is not None
        stored = Run.objects.get(pk=claimed.pk)
        assert stored.lease_until
        assert timedelta() <= stored.lease_until - before - LEASE < timedelta(seconds=10)
        assert stored.revision == ChatSession.objects.get(pk=session.pk).revision
        assert stored.started_at

    def test_takes_none_while_one_is_active(self, session: ChatSession, member: User) -> None:
        actions.send_message(by=member, session=session, text="one")
        claim_next(session.pk, LEASE)
        actions.send_message(by=member, session=session, text="two")
        assert claim_next(session.pk, LEASE) is None

    def test_takes_none_of_a_deleted_session(self, session: ChatSession, member: User) -> None:
        actions.send_message(by=member, session=session, text="one")
        ChatSession.objects.update(deleted_at=clock.now())
        assert claim_next(session.pk, LEASE) is None

    def test_is_held_by_the_database_too(self, session: ChatSession, member: User) -> None:
        actions.send_message(by=member, session=session, text="one")
        claim_next(session.pk, LEASE)
        queued = actions.send_message(by=member, session=session, text="two")
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.filter(pk=queued.pk).update(status=Run.Status.RUNNING)
