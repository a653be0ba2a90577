"""What every answer gets: safety headers, and where its sender stands with a limit. Async-capable, so streams never hop threads."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from agentos.core import limits
from agentos.core.errors import envelope, request_id, wants_json

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
        "manifest-src 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}

GetResponse = Callable[[HttpRequest], Any]


def both_ways(after: Callable[[HttpRequest, HttpResponseBase], HttpResponseBase]) -> Callable[[GetResponse], Any]:
    """Return a middleware, sync and async, that does ``after`` to every answer."""

    def middleware(get_response: GetResponse) -> Any:
        if iscoroutinefunction(get_response):

            async def call(request: HttpRequest) -> HttpResponseBase:
                awaitable: Awaitable[HttpResponseBase] = get_response(request)
                return after(request, await awaitable)

            markcoroutinefunction(call)
            return call
        return lambda request: after(request, get_response(request))

    middleware.sync_capable = middleware.async_capable = True  # type: ignore[attr-defined]
    return middleware


@both_ways
def security_headers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    for name, value in (*HEADERS.items(), *limits.shown(request).items()):
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


@both_ways
def json_errors(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Give every answer its request's id, and programs an envelope in place of an error page.

    Stands inside the middlewares that add safety headers, so that the envelope gets them too.
    """
    if response.status_code < HTTPStatus.BAD_REQUEST or not wants_json(request) or getattr(response, "is_envelope", False):
        response.headers["X-Request-ID"] = request_id(request)
        return response
    answer = envelope(request, response.status_code)
    for name, value in response.headers.items():
        if not name.startswith("Content-"):
            answer.headers.setdefault(name, value)
    answer.cookies = response.cookies
    return answer
