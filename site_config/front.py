"""What stands before the whole application: each request gets its id, each answer the headers that all have, the log its line."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings

from agentos.core import log_context, tracing
from agentos.core.http import request_log
from agentos.core.http.errors import Problem
from agentos.core.serving.refusals import plain

UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})

log = logging.getLogger("agentos.server")

Scope = dict[str, Any]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Any, Any], Awaitable[None]]


class Front:
    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope[request_log.ID] = request_log.id_of(scope["headers"])
        log_context.request_id.set(scope[request_log.ID])
        answer = Answer(scope, send)
        if tracing.is_on() and scope["path"] not in UNTRACED:
            with tracing.span(scope["method"], {"agentos.request_id": scope[request_log.ID]}, carrier_of(scope)) as span:
                await self.serve(scope, receive, answer)
                span.name(f"{scope['method']} {scope.get(request_log.ROUTE, 'unknown')}")
                span.note(http__request__method=scope["method"], http__response__status_code=answer.status)
                span.note(http__route=scope.get(request_log.ROUTE, "unknown"))
                if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    span.failed(str(answer.status))
        else:
            await self.serve(scope, receive, answer)

    async def serve(self, scope: Scope, receive: Any, answer: "Answer") -> None:
        try:
            await self.app(scope, receive, answer)
        except Exception:
            log.exception("Request %s broke.", scope[request_log.ID])
            if answer.status != request_log.CLIENT_GONE:
                raise
            status, headers, body = plain(Problem(500), scope)
            await answer({"type": "http.response.start", "status": status, "headers": headers})
            await answer({"type": "http.response.body", "body": body})
        finally:
            request_log.note(scope, answer.status, answer.began, answer.answered)


class Answer:
    """Passes an answer on. It is "client gone" until it has begun."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope, self.send = scope, send
        self.status = request_log.CLIENT_GONE
        self.began = time.monotonic()
        self.answered: float | None = None

    async def __call__(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.answered = message["status"], time.monotonic()
            message = {**message, "headers": [*message["headers"], *self._more({name.lower() for name, _ in message["headers"]})]}
        await self.send(message)

    def _more(self, there: set[bytes]) -> list[tuple[bytes, bytes]]:
        more = []
        if b"x-request-id" not in there:
            more.append((b"x-request-id", self.scope[request_log.ID].encode("ascii")))
        if b"strict-transport-security" not in there and settings.SECURE_HSTS_SECONDS and is_secure(self.scope):
            more.append((b"strict-transport-security", hsts()))
        return more


def carrier_of(scope: Scope) -> dict[str, str]:
    """Return the headers that say which trace a request belongs to."""
    return {name.decode("ascii"): value.decode("latin1") for name, value in scope["headers"] if name in {b"traceparent", b"tracestate"}}


def is_secure(scope: Scope) -> bool:
    """Whether the client speaks TLS, to us or to a proxy that says so, as Django's ``request.is_secure`` has it."""
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return bool(scope.get("scheme") == "https")
    meta, secure = settings.SECURE_PROXY_SSL_HEADER
    name = meta.removeprefix("HTTP_").replace("_", "-").lower().encode("ascii")
    said = next((value.decode("latin1") for header, value in scope["headers"] if header == name), None)
    return scope.get("scheme") == "https" if said is None else said.partition(",")[0].strip() == secure


def hsts() -> bytes:
    words = [f"max-age={settings.SECURE_HSTS_SECONDS}"]
    words += ["includeSubDomains"] if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else []
    words += ["preload"] if settings.SECURE_HSTS_PRELOAD else []
    return "; ".join(words).encode("ascii")
