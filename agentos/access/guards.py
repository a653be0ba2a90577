"""Access guards. A guarded view carries ``guard``, the name of its rule, so that a test can ask every URL for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url

from agentos.core import people
from agentos.core.http.htmx import details

View = Callable[..., Any]
MayPass = Callable[[Any], bool]


def sign_in_url(came_from: str | None = None) -> str:
    """Return where this project's people sign in, and come back from to where they were going."""
    url = resolve_url(settings.LOGIN_URL)
    return f"{url}{'&' if '?' in url else '?'}{urlencode({REDIRECT_FIELD_NAME: came_from})}" if came_from else url


def sign_in_first(request: HttpRequest) -> HttpResponseBase:
    """Return the way to the sign-in page: a redirect for a page, 401 with ``HX-Redirect`` for a fragment or an event stream."""
    htmx = details(request)
    is_fragment = bool(htmx) or request.headers.get("Accept") == "text/event-stream"
    if is_fragment:
        came_from = htmx.current_url_abs_path
    else:
        came_from = request.get_full_path() if request.method in {"GET", "HEAD"} else None
    url = sign_in_url(came_from)
    if is_fragment:
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


class _Asked:
    of_operators: Callable[[HttpRequest], HttpResponseBase | None] | None = None


def ask_of_operators(first: Callable[[HttpRequest], HttpResponseBase | None]) -> None:
    """Let this be answered to an operator in place of a page of theirs, when it is anything: a room above wants a second factor."""
    _Asked.of_operators = staticmethod(first)


def refusal(request: HttpRequest, user: Any, may_pass: MayPass) -> HttpResponseBase | None:
    """Return the answer to somebody who is not signed in, None for somebody who may pass; raise PermissionDenied otherwise."""
    if not user.is_authenticated:
        return sign_in_first(request)
    if not may_pass(user):
        raise PermissionDenied
    return None


def guard(name: str, may_pass: MayPass) -> Callable[[View], View]:
    """Return a decorator for sync and async views alike."""

    def decorate(view: View) -> View:
        @wraps(view)
        def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            refused = refusal(request, request.user, may_pass)
            # Resolved: the lazy one asks itself at every look at it whether it is there.
            request.user = getattr(request.user, "_wrapped", request.user)
            return refused or view(request, *args, **kwargs)

        @wraps(view)
        async def acall(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = await request.auser()
            refused = refusal(request, user, may_pass)
            if refused:
                return refused
            request.user = user  # resolved: an async view may not touch the lazy one
            answer: HttpResponseBase = await view(request, *args, **kwargs)
            return answer

        guarded: View = acall if iscoroutinefunction(view) else call
        guarded.guard = name  # type: ignore[attr-defined]
        return guarded

    return decorate


signed_in = guard("signed_in", lambda user: True)


def operator_only(view: View) -> View:
    """For operators, who may first have to do what ``ask_of_operators`` says."""

    @wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        first = _Asked.of_operators(request) if _Asked.of_operators else None
        return first or view(request, *args, **kwargs)

    return guard("operator_only", people.is_operator)(view if iscoroutinefunction(view) else call)


def may_enter_admin(request: HttpRequest) -> bool:
    """Stand for ``AdminSite.has_permission``: whoever may not is led to its login, which is ``operator_only``."""
    user = request.user
    return user.is_active and people.is_operator(user) and not (_Asked.of_operators and _Asked.of_operators(request))


class SignedInMixin:
    """For class-based views, sync and async: the whole view stands behind ``signed_in``."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> View:
        return signed_in(super().as_view(**initkwargs))  # type: ignore[misc]
