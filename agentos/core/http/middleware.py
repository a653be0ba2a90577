"""What every answer gets: safety headers, and where its sender stands with a limit."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase

from agentos.conf import app_settings
from agentos.core.http.errors import FOR_PROGRAMS, envelope, request_id, wants_json
from agentos.core.paths import is_below
from agentos.core.ratelimit import limits

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
        "manifest-src 'self'",
        "worker-src 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), display-capture=(self), autoplay=(self)",
    "Cross-Origin-Resource-Policy": "same-origin",
}

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def after(change: Callable[[HttpRequest, HttpResponseBase], HttpResponseBase]) -> Callable[[GetResponse], GetResponse]:
    """Return a middleware that does ``change`` to every answer."""
    return lambda get_response: lambda request: change(request, get_response(request))


@after
def security_headers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """In a project that has other pages too, what those may do is not for us to say."""
    if not (app_settings.OWN_SITE or is_below(request.path_info, "dashboard:home", *FOR_PROGRAMS)):
        return response
    for name, value in (*HEADERS.items(), *limits.shown(request).items()):
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


@after
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
