"""Who drives runs: the loop of this process (engine.Engine), where it has an engine. A process without one leaves them queued, and tells
the others; on SQLite the server takes them up when it starts."""

from datetime import timedelta
from typing import Protocol

from django.db import transaction

from agentos.chat.models import Run
from agentos.conf import EXTERNAL, app_settings
from agentos.core.pubsub import pubsub


class Dispatcher(Protocol):
    def lease(self) -> timedelta | None:
        """For how long a run that is stored now may be claimed for this dispatcher; None: it has to be queued."""

    def drive(self, run: Run) -> None:
        """This run was claimed for you. Called after the commit, from any thread."""

    def wake(self, session_pk: int) -> None:
        """A message waits in this session. Called after the commit, from any thread."""

    def cancel(self, run_pk: int) -> None:
        """This run has ended by a decision; whoever drives it may let go at once."""


class NoDispatcher:
    """Of a process that drives no runs: a management command, a test."""

    def lease(self) -> timedelta | None:
        return None

    def drive(self, run: Run) -> None:
        """Only when the server stopped between the claim and its commit: the next one interrupts the run."""

    def wake(self, session_pk: int) -> None:
        pass

    def cancel(self, run_pk: int) -> None:
        pass


class _Current:
    dispatcher: Dispatcher = NoDispatcher()


def use(dispatcher: Dispatcher) -> None:
    _Current.dispatcher = dispatcher


def lease() -> timedelta | None:
    return _Current.dispatcher.lease()


def drive(run: Run) -> None:
    _Current.dispatcher.drive(run)


def wake_on_commit(session_pk: int) -> None:
    """A message waits in this session: when that is committed, the driver of this process takes it, or another one's. Database work."""
    transaction.on_commit(lambda: wake(session_pk))
    if lease() is not None:
        return
    if app_settings.WORKERS == EXTERNAL:
        from agentos.chat.runs import queue  # noqa: PLC0415 - its library is loaded only where it is used

        queue.put(session_pk)
    else:
        pubsub.tell_others(f"queue#{session_pk}")


def wake(session_pk: int) -> None:
    _Current.dispatcher.wake(session_pk)


def cancel(run_pk: int) -> None:
    _Current.dispatcher.cancel(run_pk)
