"""Does once what its sender may repeat under the same idempotency key. A key is one user's, and is used for one thing."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from agentos.access.models import User
from agentos.chat.errors import InvalidInput, KeyReused
from agentos.chat.models import ChatSession, IdempotencyKey, Run
from agentos.core.db.prepared import Query, insert, new

KEY_LIMIT = 100  # characters

Made = TypeVar("Made", Run, ChatSession, str)
COLUMNS: dict[type[Any], str] = {Run: "run", ChatSession: "session", str: "made"}


def once(
    make: Callable[[], Made], *, kind: type[Made], by: User, key: str, what: list[Any], check: Callable[[], None] | None = None
) -> Made:
    """Return what ``make`` makes in one transaction; for a key that was used before, what it made then. A string is a public id.

    ``what`` is all that the sender asked for, as JSON: the same key with something else raises KeyReused. ``check`` is called before the
    transaction when there is something to make. An error of either leaves the key unused. Without ``key`` it is made each time.
    """
    if len(key) > KEY_LIMIT:
        raise InvalidInput("idempotency_key", _("An idempotency key can have %(limit)s characters.") % {"limit": KEY_LIMIT})
    fingerprint = _fingerprint(what) if key else ""
    if key and (before := _known(kind, by, key, fingerprint)):
        return before
    if check:
        check()
    try:
        with transaction.atomic():
            made = make()
            if key:
                insert(new(IdempotencyKey, user=by, key=key, fingerprint=fingerprint, **{COLUMNS[kind]: made}))
    except IntegrityError:
        # The same came twice at once, and the other one was first: all of this one is undone.
        if key and (before := _known(kind, by, key, fingerprint)):
            return before
        raise
    return made


def known(kind: type[Made], *, by: User, key: str, what: list[Any]) -> Made | None:
    """Return what ``once`` made under this key, for what takes so long that it is asked first. Raises KeyReused."""
    return _known(kind, by, key, _fingerprint(what)) if key else None


def _fingerprint(what: list[Any]) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _known(kind: type[Made], by: User, key: str, fingerprint: str) -> Made | None:
    row = _KNOWN.first(by.pk, key)
    if row is None:
        return None
    made = getattr(row, COLUMNS[kind])
    if row.fingerprint != fingerprint or not made:
        raise KeyReused(_("This idempotency key was used for something else."))
    return made  # type: ignore[no-any-return]


_KNOWN = Query(
    lambda user, key: IdempotencyKey.objects.select_related("run__session__agent", "session__agent").filter(user=user, key=key), int, str
)
