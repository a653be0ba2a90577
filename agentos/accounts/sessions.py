"""Where somebody is signed in. A row for each sign-in, made when it begins; nothing is written for a request."""

from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from agentos.access import sign_ins
from agentos.access.users import User
from agentos.accounts import browsers
from agentos.audit.actions import record
from agentos.core.http.request import client_address

LISTED = 50


@dataclass(frozen=True, slots=True)
class SignedIn:
    pk: int
    browser: str
    address: str
    since: datetime
    is_here: bool


def note(request: HttpRequest, user: User) -> None:
    """Remember a sign-in that has just begun, and forget those that are over. Four queries, however many there were."""
    if not request.session.session_key:
        request.session.save()
    mine = UserSession.objects.filter(user=user)
    known = set(mine.values_list("session_key", flat=True))
    if over := known - sign_ins.alive(known) | (known & {request.session.session_key}) if known else set():
        mine.filter(session_key__in=over).delete()
    address = client_address(request) or "0.0.0.0"  # noqa: S104 - of nobody
    agent = request.headers.get("User-Agent", "")[:200]
    UserSession.objects.create(user=user, session_key=request.session.session_key, ip=address, user_agent=agent)


def of(user: User, request: HttpRequest) -> list[SignedIn]:
    """Return where this user is signed in, first where this request comes from."""
    here = request.session.session_key
    rows = list(UserSession.objects.filter(user=user).order_by("-created_at")[:LISTED])
    alive = sign_ins.alive(row.session_key for row in rows)
    found = [
        SignedIn(row.pk, browsers.name_of(row.user_agent), row.ip, row.created_at, row.session_key == here)
        for row in rows
        if row.session_key in alive
    ]
    if not any(row.is_here for row in found):  # signed in before there were rows of it
        agent = request.headers.get("User-Agent", "")
        found.append(SignedIn(0, browsers.name_of(agent), client_address(request), user.last_login or user.date_joined, is_here=True))
    return sorted(found, key=lambda row: not row.is_here)


def count_of(user: User) -> int:
    """Return at how many places somebody is signed in."""
    return len(sign_ins.alive(UserSession.objects.filter(user=user).values_list("session_key", flat=True)))


@transaction.atomic
def end(*, by: User, pk: int) -> bool:
    """End one of the user's sign-ins; open pages of it close within seconds."""
    row = UserSession.objects.filter(user=by, pk=pk).first()
    if row is None:
        return False
    row.end()
    record("access.session.ended", by=by, object_type="user", object_id=str(by.pk))
    return True


@transaction.atomic
def end_all(*, user: User, by: User | None, request: HttpRequest | None = None) -> None:
    """End every sign-in of ``user`` but that of ``request``."""
    User.objects.filter(pk=user.pk).update(sign_outs=F("sign_outs") + 1)
    user.refresh_from_db(fields=["sign_outs"])
    keep = None
    if request is not None:
        update_session_auth_hash(request, user)
        keep = request.session.session_key
    UserSession.objects.filter(user=user).exclude(session_key=keep).delete()
    if request is not None:
        note(request, user)
    record("access.user.signed_out", by=by, object_type="user", object_id=str(user.pk))
