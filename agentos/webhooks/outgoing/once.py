"""Doing once what a program asks for again under the same idempotency key. Keys are those of chats, each used for one thing."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction

from agentos.access.models import User
from agentos.chat.models import IdempotencyKey
from agentos.chat.refusals import KeyReused
from agentos.webhooks.outgoing.models import DoneOnce


def once(do: Callable[[], str], *, by: User, key: str, what: list[Any]) -> str:
    """Return the public id that ``do`` returns; for a key that was used before, what it returned then.

    ``what`` is all that the sender asked for, as JSON: the same key with something else raises KeyReused. An error of ``do`` leaves
    the key unused.
    """
    if not key:
        return do()
    fingerprint = hashlib.sha256(json.dumps(["webhooks", *what], sort_keys=True).encode()).hexdigest()
    if known := _known(by, key, fingerprint):
        return known
    try:
        with transaction.atomic():
            made = do()
            DoneOnce.objects.create(key=IdempotencyKey.objects.create(user=by, key=key, fingerprint=fingerprint), made=made)
    except IntegrityError:
        # The same came twice at once, and the other one was first: all of this one is undone.
        if known := _known(by, key, fingerprint):
            return known
        raise
    return made


def _known(by: User, key: str, fingerprint: str) -> str:
    known = IdempotencyKey.objects.filter(user=by, key=key).first()
    if known is None:
        return ""
    if known.fingerprint != fingerprint:
        raise KeyReused("This idempotency key was used for something else.")
    return DoneOnce.objects.get(key=known).made
