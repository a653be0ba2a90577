"""The live stream on the server's own loop, past Django's middleware: a hundred streams are a hundred waiting tasks.

What the middleware does for a page is done here in one step: the host is checked, the login is read, the headers are set.
"""

from http import HTTPStatus
from importlib import import_module
from io import BytesIO

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from agentos.core import db, sse
from agentos.core.middleware import HEADERS
from agentos.dashboard.live import Tab, open_tab
from site_config.frames import stream
from site_config.pages import Receive, Scope, Send

store = import_module(settings.SESSION_ENGINE).SessionStore


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    opened = await _opened(scope)
    if isinstance(opened, HttpResponse):
        await send({"type": "http.response.start", "status": opened.status_code, "headers": _headers(opened)})
        await send({"type": "http.response.body", "body": opened.content})
        return
    await stream(HTTPStatus.OK, STREAM_HEADERS, opened.frames(), receive, send)


async def _opened(scope: Scope) -> Tab | HttpResponse:
    """Return the tab, or the answer that refuses it. The request ends here: what hangs on it is not kept as long as the stream."""
    request = ASGIRequest(scope, BytesIO())
    try:
        request.get_host()
    except DisallowedHost:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    if request.method != "GET":
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return await db.read(open_tab, request)


def _headers(response: HttpResponse) -> list[tuple[bytes, bytes]]:
    for name, value in {**HEADERS, "Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}.items():
        response.headers.setdefault(name, value)
    response.headers["Content-Length"] = str(len(response.content))
    return [(name.lower().encode("ascii"), value.encode("latin1")) for name, value in response.items()]


STREAM_HEADERS = [
    *((name.lower().encode("ascii"), value.encode("latin1")) for name, value in {**HEADERS, **sse.HEADERS}.items()),
    (b"x-content-type-options", b"nosniff"),
]
