"""Doing something once, however often its sender repeats it under the same idempotency key."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from agentos.access.models import User
from agentos.chat.models import ChatSession, IdempotencyKey, Run
from agentos.chat.refusals import KeyReused

Made = TypeVar("Made", ChatSession, Run)
MADE: dict[type[Any], str] = {ChatSession: "session", Run: "run"}


def once(make: Callable[[], Made], *, kind: type[Made], by: User, key: str, what: list[Any]) -> Made:
    """Return what ``make`` makes; for a key that was used before, what it made then.

    ``what`` is all that the sender asked for, as JSON: the same key with something else raises KeyReused. An error of ``make``
    leaves the key unused.
    """
    if not key:
        return make()
    fingerprint = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    if known := _known(kind, by, key, fingerprint):
        return known
    try:
        with transaction.atomic():
            made = make()
            IdempotencyKey.objects.create(user=by, key=key, fingerprint=fingerprint, **{MADE[kind]: made})
    except IntegrityError:
        # The same submit came twice at once, and the other one was first: all of this one is undone.
        if known := _known(kind, by, key, fingerprint):
            return known
        raise
    return made


def _known(kind: type[Made], by: User, key: str, fingerprint: str) -> Made | None:
    known = IdempotencyKey.objects.select_related("run__session__agent", "session__agent").filter(user=by, key=key).first()
    if known is None:
        return None
    made = known.run or known.session
    if known.fingerprint != fingerprint or not isinstance(made, kind):
        raise KeyReused("This idempotency key was used for something else.")
    return made
