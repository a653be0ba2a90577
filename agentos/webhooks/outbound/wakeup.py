"""Wakes up this process's dispatcher when there is something to send. A process without one leaves it to the dispatcher of another."""

from collections.abc import Callable

from django.db import transaction


class _Current:
    wake: Callable[[], None] | None = None


def use(wake: Callable[[], None] | None) -> None:
    """Set what is called, from any thread, when something is due."""
    _Current.wake = wake


def after_commit() -> None:
    transaction.on_commit(now)


def now() -> None:
    if _Current.wake:
        _Current.wake()
