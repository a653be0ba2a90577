"""Who drives queued runs. Embedded: the server's own loop (runner.Engine). A process without one leaves them queued,
and the server takes them up when it starts."""

from typing import Protocol


class Dispatcher(Protocol):
    def wake(self, session_pk: int) -> None:
        """A message waits in this session. Called after the commit, from any thread."""

    def cancel(self, run_pk: int) -> None:
        """This run has ended by a decision; whoever drives it may let go at once."""


class NoDispatcher:
    """Of a process that drives no runs: a management command, a test."""

    def wake(self, session_pk: int) -> None:
        pass

    def cancel(self, run_pk: int) -> None:
        pass


class _Current:
    dispatcher: Dispatcher = NoDispatcher()


def use(dispatcher: Dispatcher) -> None:
    _Current.dispatcher = dispatcher


def wake(session_pk: int) -> None:
    _Current.dispatcher.wake(session_pk)


def cancel(run_pk: int) -> None:
    _Current.dispatcher.cancel(run_pk)
