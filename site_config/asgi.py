"""The ASGI application: Django, its static files, and the lifespan in which the engine and the embedded model live."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")

import django

django.setup(set_prefix=False)

from django.urls import reverse

from agentos.gateway.asgi import Gateway
from site_config.lifespan import Lifespan
from site_config.pages import Pages, Receive, Scope, Send
from site_config.static import static_application
from site_config.streams import live

LIVE = reverse("dashboard:live")

pages = Pages()
gateway = Gateway(reverse("api:agentos_fastapi_app").rstrip("/"))
lifespan = Lifespan(on_stop=pages.close, gateway=gateway)
static = static_application()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["path"].startswith("/static/"):
        await static(scope, receive, send)
    elif gateway.serves(scope["path"]):
        await gateway(scope, receive, send)
    elif scope["path"] == LIVE:
        await live(scope, receive, send)
    else:
        await pages(scope, receive, send)
