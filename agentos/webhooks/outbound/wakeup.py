"""Wakes this process's dispatcher when there is something to send. A process without one, such as a worker, tells those of the others."""

from collections.abc import Callable

from django.db import transaction

from agentos.core.pubsub import pubsub

TOPIC = "deliveries"


class _Current:
    wake: Callable[[], None] | None = None


def use(wake: Callable[[], None] | None) -> None:
    """Set what is called, from any thread, when something is due."""
    _Current.wake = wake


def after_commit() -> None:
    transaction.on_commit(now)
    if _Current.wake is None:
        pubsub.tell_others(TOPIC)


def now() -> None:
    if _Current.wake:
        _Current.wake()
