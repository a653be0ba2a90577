"""Who calls: the owner of the API token, or somebody who has signed in with a browser, as long as no other site made it call."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from agentos.access.bearer import shows_token, token_shown_by
from agentos.access.models import ApiToken, User
from agentos.core.errors import Problem
from agentos.core.origin import may_use_cookie
from agentos.gateway.calls import Call

store = import_module(settings.SESSION_ENGINE).SessionStore


def check_address(request: ASGIRequest) -> None:
    """Raises Problem for a Host that is not ours, and for plain HTTP where HTTPS is wanted."""
    try:
        request.get_host()
    except DisallowedHost:
        raise Problem(400, "This server does not answer to that host name.") from None
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise Problem(403, "Use HTTPS.")


def who(request: ASGIRequest) -> Call:
    """Return the call of whoever calls. Raises Problem 401, or 403 for a cookie that another site makes a browser send."""
    if "Authorization" in request.headers:
        if not shows_token(request):
            raise _unknown()
        token = token_shown_by(request)
        return Call(token.user, token)
    user = _signed_in(request)
    if not isinstance(user, User):
        raise _unknown()
    if not may_use_cookie(request):
        raise Problem(403, "This request came from another site.", code="cross_origin")
    return Call(user, None, login=request)


def _unknown() -> Problem:
    return Problem(401, "Send an API token, or sign in first.", headers={"WWW-Authenticate": "Bearer"})


def check_scope(call: Call, scope: str) -> None:
    """A browser's session may do what its user may; a token what its scopes say. Raises Problem 403."""
    if scope and call.token and not call.token.allows(scope):
        raise Problem(403, f"This API token does not have the scope {scope}.", code="insufficient_scope")


def still_opens(call: Call) -> bool:
    """Asked again while a stream is open: whoever was suspended, signed out or lost the token hears no more."""
    if call.token:
        return bool(ApiToken.objects.usable().filter(pk=call.token.pk).exists())
    return call.login is not None and isinstance(_signed_in(call.login), User)


def _signed_in(request: ASGIRequest | HttpRequest) -> Any:
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return get_user(request)
