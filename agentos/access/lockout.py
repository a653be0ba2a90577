"""Five wrong passwords lock an account for the address they came from (django-axes keeps the count).

There is one door, the sign-in form: the admin's login leads there. It asks before it looks at a password.
"""

import logging
import math
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest

from agentos.access.users import User
from agentos.audit.actions import record
from agentos.core import clock
from agentos.core.http.request import client_network

logger = logging.getLogger(__name__)


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """Who is signed in by a program, without a request, is nobody's guess."""

    def user_logged_in(self, sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
        if request is not None:
            super().user_logged_in(sender, request, user, **kwargs)


def address(request: HttpRequest) -> str | None:
    """Return what axes counts by (``AXES_CLIENT_IP_CALLABLE``): its column takes no network, so of IPv6 the first address of the /64."""
    return client_network(request).partition("/")[0] or None


def is_locked(request: HttpRequest, email: str) -> bool:
    """Whether this account is locked for the sender of this request. One query."""
    return not AxesProxyHandler.is_allowed(request, {"email": email})


def has_locked(request: HttpRequest) -> bool:
    """Whether the password that was just wrong was the last that is taken."""
    if not getattr(request, "axes_locked_out", False):
        return False
    logger.warning("An account is locked for %s after %s wrong passwords.", address(request), settings.AXES_FAILURE_LIMIT)
    return True


def seconds_left(request: HttpRequest, email: str) -> int:
    """How long the account stays locked for the sender of this request."""
    attempts = AccessAttempt.objects.filter(username=email, ip_address=address(request))
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or clock.now()
    return max(1, math.ceil((last + settings.AXES_COOLOFF_TIME - clock.now()).total_seconds()))


@transaction.atomic
def unlock_account(*, attempt: AccessAttempt, by: User) -> None:
    """Forget the wrong passwords that an account was tried with from one address."""
    record("access.account.unlocked", by=by, object_type="account", object_id=str(attempt.pk), account=attempt.username)
    attempt.delete()
