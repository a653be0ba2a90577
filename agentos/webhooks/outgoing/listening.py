"""Which events anybody listens to: known in memory, so that an event that nobody wants costs no query.

Every change of an endpoint in this process makes it unknown, to be asked for at the next event; the courier asks again at every
round, for what other processes have changed.
"""

import threading
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from agentos.webhooks.outgoing.models import Endpoint


class Listening:
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
        """Return what is listened to, at most one query."""
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


listening = Listening()


@receiver([post_save, post_delete], sender=Endpoint)
def endpoint_changed(**kwargs: Any) -> None:
    """Forget now, for this transaction, and after the commit, for the others. ``QuerySet.update`` sends no signal: see actions."""
    changed()


def changed() -> None:
    listening.forget()
    transaction.on_commit(partial(listening.forget))
