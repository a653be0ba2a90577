"""What machines that watch over the server ask: /healthz and /readyz. Answered before Django hears of it, so under any host name, over
plain HTTP, without a session, and without a line in the log."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from django.urls import is_valid_path

from agentos.core.http import request_log
from agentos.operations.readiness import Readiness

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

ALIVE, READY = "/healthz", "/readyz"
TEXT, JSON = b"text/plain; charset=utf-8", b"application/json"


OURS = frozenset({ALIVE, READY})


@cache
def is_taken(path: str) -> bool:
    """Whether the project that AgentOS is in has a page of its own there."""
    return bool(is_valid_path(path))


class Probes:
    def __init__(self, readiness: Readiness) -> None:
        self.readiness = readiness

    def serves(self, path: str) -> bool:
        return path in OURS and not is_taken(path)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        request_log.be_quiet(scope)
        if scope["method"] not in {"GET", "HEAD"}:
            await answer(scope, send, 405, TEXT, b"Only GET and HEAD.\n", [(b"allow", b"GET, HEAD")])
        elif scope["path"] == ALIVE:
            await answer(scope, send, 200, TEXT, b"ok\n")
        else:
            is_ready, body = await self.readiness.ask()
            await answer(scope, send, 200 if is_ready else 503, JSON, body)


async def answer(scope: dict[str, Any], send: Send, status: int, kind: bytes, body: bytes, more: Headers | None = None) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *(more or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
