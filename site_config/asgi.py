"""The ASGI application: Django, its static files, and the lifespan in which the engine and the embedded model live."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from asgiref.sync import iscoroutinefunction
from django.urls import Resolver404, resolve, reverse

from agentos.gateway.asgi import Gateway
from site_config.lifespan import Lifespan
from site_config.pages import ClientGone, Message, Pages, Receive, Scope, Send, read_body
from site_config.static import static_application
from site_config.streams import live

LIVE = reverse("dashboard:live")
MAY_STREAM = frozenset({reverse("api:agentos_send_message"), reverse("api:agentos_api")})  # or wait for the whole answer

pages = Pages()
gateway = Gateway(reverse("api:agentos_fastapi_app").rstrip("/"))
lifespan = Lifespan(on_stop=pages.close, gateway=gateway)
static = static_application()


def waits(path: str) -> bool:
    """Whether the view of this path waits on the event loop instead of working on a thread."""
    try:
        return iscoroutinefunction(resolve(path).func)
    except Resolver404:
        return False


def wants_stream(scope: Scope) -> bool:
    """An ``EventStream`` waits on the loop by itself: what opens one is handled like a page."""
    return scope["path"] in MAY_STREAM and (b"accept", b"text/event-stream") in scope["headers"]


async def with_bounded_body(scope: Scope, receive: Receive, send: Send) -> None:
    """Django's ASGI handler writes a body of any size to disk before a view sees it: here it is read first, and only so much."""
    try:
        body = await read_body(receive)
    except ClientGone:
        return
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    messages = [{"type": "http.request", "body": body}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    await django_application({**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}, replay, send)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["path"].startswith("/static/"):
        await static(scope, receive, send)
    elif gateway.serves(scope["path"]):
        await gateway(scope, receive, send)
    elif scope["path"] == LIVE:
        await live(scope, receive, send)
    elif waits(scope["path"]) and not wants_stream(scope):
        await with_bounded_body(scope, receive, send)
    else:
        await pages(scope, receive, send)
