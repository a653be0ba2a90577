"""The ASGI application: Django, its static files, and the lifespan in which the engine and the embedded model live."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from asgiref.sync import iscoroutinefunction
from django.urls import Resolver404, resolve, reverse

from site_config.lifespan import Lifespan
from site_config.pages import Pages, Receive, Scope, Send
from site_config.static import static_application
from site_config.streams import live

LIVE = reverse("dashboard:live")

pages = Pages()
lifespan = Lifespan(on_stop=pages.close)
static = static_application()


def waits(path: str) -> bool:
    """Whether the view of this path waits on the event loop instead of working on a thread."""
    try:
        return iscoroutinefunction(resolve(path).func)
    except Resolver404:
        return False


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["path"].startswith("/static/"):
        await static(scope, receive, send)
    elif scope["path"] == LIVE:
        await live(scope, receive, send)
    elif waits(scope["path"]):
        await django_application(scope, receive, send)
    else:
        await pages(scope, receive, send)
