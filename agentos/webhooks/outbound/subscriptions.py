"""The events that any endpoint is subscribed to, kept in memory so that an event that nobody wants costs no query.

A change of an endpoint in this process discards them, and the next event asks the database; the dispatcher asks at every round, for what
other processes have changed.
"""

import threading
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from agentos.webhooks.outbound.models import Endpoint


class SubscribedEvents:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: frozenset[str] | None = None
        self._changes = 0

    def forget(self) -> None:
        with self._lock:
            self._known = None
            self._changes += 1

    def assume(self, events: frozenset[str]) -> None:
        with self._lock:
            self._known = events

    def events(self) -> frozenset[str]:
        """Return the events that have subscribers: no query, or one."""
        known = self._known
        return self.ask() if known is None else known

    def ask(self) -> frozenset[str]:
        """Ask the database. What was changed while it answered stays unknown."""
        before = self._changes
        rows = Endpoint.objects.filter(is_enabled=True).order_by().values_list("events", flat=True)
        found = frozenset(name for events in rows for name in events)
        with self._lock:
            if before == self._changes:
                self._known = found
        return found


subscribed = SubscribedEvents()


@receiver([post_save, post_delete], sender=Endpoint)
def endpoint_changed(**kwargs: Any) -> None:
    """Forget now, for this transaction, and after the commit, for the others. ``QuerySet.update`` sends no signal: see actions."""
    changed()


def changed() -> None:
    subscribed.forget()
    transaction.on_commit(partial(subscribed.forget))
