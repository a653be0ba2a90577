"""The ASGI application: Django, its static files, and the lifespan in which the engine and the embedded model live."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")

import django

from agentos.core.starting.sentences import sentence_for

try:
    django.setup(set_prefix=False)
except Exception as error:
    if sentence := sentence_for(error):
        raise SystemExit(f"agentos: {sentence}") from None
    raise

from django.conf import settings
from django.urls import reverse

from agentos.core.http import request_log
from agentos.gateway.asgi import Gateway
from agentos.operations.port import Port
from agentos.operations.probes import Probes
from agentos.operations.readiness import Readiness
from site_config.front import Front
from site_config.lifespan import Lifespan
from site_config.requests import Receive, Requests, Scope, Send
from site_config.static import static_application

requests = Requests()
STATIC = settings.STATIC_URL
gateway = Gateway(reverse("api:agentos_fastapi_app").rstrip("/"))
lifespan = Lifespan(on_stop=[requests.close], gateway=gateway)
readiness = Readiness(lifespan.is_working)
lifespan.on_stop.append(readiness.close)
probes = Probes(readiness)
lifespan.port = Port(probes.on_own_port)
static = static_application()


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["path"].startswith(STATIC):
        scope[request_log.ROUTE] = "static"
        await static(scope, receive, send)
    elif probes.serves(scope["path"]):
        await probes(scope, receive, send)
    elif gateway.serves(scope["path"]):
        scope[request_log.ROUTE] = "gateway"
        await gateway(scope, receive, send)
    else:
        await requests(scope, receive, send)


application = Front(serve)
