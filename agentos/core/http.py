"""The request as our views see it, once a guard has let it pass."""

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from agentos.access.models import User


class SignedInRequest(HttpRequest):
    user: "User"
    htmx: HtmxDetails


def user_of(request: HttpRequest) -> "User":
    """Return the signed-in user of a request that a guard has let pass."""
    return cast("User", request.user)
