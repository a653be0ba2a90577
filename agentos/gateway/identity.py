"""Who calls: the owner of the API token, or somebody who has signed in with a browser, as long as no other site made it call."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.http import HttpRequest

from agentos.access.bearer import shows_token, token_shown_by
from agentos.access.users import User
from agentos.core import faults
from agentos.core.db import outage
from agentos.core.http.errors import Problem
from agentos.core.http.origin import may_use_cookie
from agentos.gateway.context import CallContext

store = import_module(settings.SESSION_ENGINE).SessionStore


def check_address(request: ASGIRequest) -> None:
    """Raises Problem for a Host that is not ours, and for plain HTTP where HTTPS is wanted."""
    try:
        request.get_host()
    except DisallowedHost as error:
        faults.note(error, request.scope)
        raise Problem(400, "This server does not answer to that host name.") from None
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise Problem(403, "Use HTTPS.")


def who(request: ASGIRequest) -> CallContext:
    """Return the call of whoever calls. Raises Problem 401, or 403 for a cookie that another site makes a browser send."""
    if "Authorization" in request.headers:
        if not shows_token(request):
            raise _unknown()
        token = token_shown_by(request)
        return CallContext(token.user, token)
    user = _signed_in(request)
    if not isinstance(user, User):
        raise _unknown()
    if not may_use_cookie(request):
        raise Problem(403, "This request came from another site.", code="cross_origin")
    return CallContext(user, None, login=request)


def _unknown() -> Problem:
    return Problem(401, "Send an API token, or sign in first.", headers={"WWW-Authenticate": "Bearer"})


def check_scope(call: CallContext, scope: str) -> None:
    """A browser's session may do what its user may; a token what its scopes say. Raises Problem 403."""
    if scope and call.token and not call.token.allows(scope):
        raise Problem(403, f"This API token does not have the scope {scope}.", code="insufficient_scope")


def lost_by(call: CallContext) -> Problem | None:
    """Asked again while a request is open: what the caller has lost of what it takes to be answered."""
    try:
        call.caller().check()
    except Problem as problem:
        return problem
    except DatabaseError as error:  # asked again in a moment
        outage.note(error)
    return None


def _signed_in(request: ASGIRequest | HttpRequest) -> Any:
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return get_user(request)
