"""The ASGI application: Django, its static files, and the lifespan in which the engine and the embedded model live."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from site_config.lifespan import Lifespan
from site_config.static import static_application

lifespan = Lifespan()
static = static_application()


async def application(scope: Any, receive: Any, send: Any) -> None:  # the shape is ASGI's
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["type"] == "http" and scope["path"].startswith("/static/"):
        await static(scope, receive, send)
    else:
        await django_application(scope, receive, send)
