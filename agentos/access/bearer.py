"""The API token that a request shows, for every face that takes tokens: the same rule, limits and sentence."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from agentos.access import tokens
from agentos.access.models import ApiToken
from agentos.conf import app_settings
from agentos.core.http.errors import Problem
from agentos.core.http.request import client_network
from agentos.core.ratelimit import limits

SCHEME = "bearer"
MINUTE = 60


def shows_token(request: HttpRequest) -> bool:
    """Whoever shows one is that token's owner or nobody: no cookie is looked at."""
    return request.headers.get("Authorization", "").lower().startswith(SCHEME)


def token_shown_by(request: HttpRequest) -> ApiToken:
    """Return the token of a request that shows one. Counts the use of it and of the address, and apart what does not work.

    Raises ``Problem`` 401 and 429.
    """
    address = client_network(request)
    limits.check(
        "address",
        address,
        limit=app_settings.ADDRESS_REQUESTS_A_MINUTE,
        seconds=MINUTE,
        sentence="Too many requests with API tokens came from your address.",
    )
    token = tokens.authenticate(request.headers["Authorization"][len(SCHEME) :].strip())
    if token is None:
        limits.check(
            "bad-token",
            address,
            limit=app_settings.BAD_TOKENS_A_MINUTE,
            seconds=MINUTE,
            sentence="Too many API tokens that do not work came from your address.",
        )
        raise Problem(
            401,
            _("This API token does not work: it is wrong, expired or revoked."),
            code="invalid_token",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    limits.show(request, limits.check("token", str(token.pk), limit=app_settings.TOKEN_REQUESTS_A_MINUTE, seconds=MINUTE))
    return token
