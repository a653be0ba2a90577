"""Accounts that their owners delete: after two weeks, in which they may take it back. Their chats go with them."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import ProtectedError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from agentos.access.actions import AccessError, suspend_user
from agentos.access.models import Membership
from agentos.access.users import User
from agentos.accounts.models import Deletion
from agentos.audit.actions import record
from agentos.core import clock
from agentos.core.http.request import user_of

log = logging.getLogger(__name__)

DAYS = 14
AT_ONCE = 10


class CannotDelete(AccessError):
    pass


def of(user: User) -> Deletion | None:
    return Deletion.objects.filter(pk=user.pk).first()


def confirm_with_password(request: HttpRequest) -> None:
    """Raises CannotDelete for whoever has a password and does not give it."""
    user = user_of(request)
    if user.has_usable_password() and not user.check_password(request.POST.get("password", "")):
        raise CannotDelete(_("This is not your password. Nothing was changed."))


@transaction.atomic
def ask(*, by: User) -> Deletion:
    """Raises CannotDelete for the last owner of a team, and for the last operator."""
    for membership in Membership.objects.filter(user=by, role=Membership.Role.OWNER).select_related("team"):
        if not Membership.objects.filter(team=membership.team, role=Membership.Role.OWNER).exclude(user=by).exists():
            raise CannotDelete(
                _("You are the only owner of the team %(team)s. Make somebody else an owner first.") % {"team": membership.team}
            )
    if by.is_staff and not User.objects.filter(is_staff=True, is_active=True).exclude(pk=by.pk).exists():
        raise CannotDelete(_("You are the only operator of this site. Make somebody else an operator first."))
    found, _created = Deletion.objects.get_or_create(user=by, defaults={"due_at": clock.now() + timedelta(days=DAYS)})
    record("access.deletion.asked", by=by, object_type="user", object_id=str(by.pk))
    return found


@transaction.atomic
def undo(*, by: User) -> None:
    if Deletion.objects.filter(pk=by.pk).delete()[0]:
        record("access.deletion.undone", by=by, object_type="user", object_id=str(by.pk))


def is_due() -> bool:
    return Deletion.objects.filter(due_at__lte=clock.now()).exists()


def delete_due() -> int:
    """Delete the accounts whose time has come, a few at once. Returns how many.

    Each is suspended first, which ends its answers and streams within seconds, and deleted when this is called next.
    """
    count = 0
    for deletion in Deletion.objects.filter(due_at__lte=clock.now()).select_related("user").order_by("due_at")[:AT_ONCE]:
        if deletion.user.is_active:
            suspend_user(user=deletion.user, by=None)
        else:
            count += _delete(deletion.user)
    return count


def _delete(user: User) -> bool:
    key = user.pk
    try:
        with transaction.atomic():
            user.delete()
            record("access.user.deleted", by=None, object_type="user", object_id=str(key))
    except ProtectedError:
        log.exception("The account %s is needed by a webhook, and stays. Give the webhook another one.", key)
        Deletion.objects.filter(pk=key).update(due_at=clock.now() + timedelta(days=1))
        return False
    return True
