"""What machines that watch over the server ask: /healthz, /readyz and /metrics. Answered before Django hears of it, so under any host
name, over plain HTTP, without a session, and without a line in the log."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from django.urls import is_valid_path

from agentos.conf import app_settings
from agentos.core.http import request_log
from agentos.operations import metrics
from agentos.operations.readiness import Readiness

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

ALIVE, READY, METRICS = "/healthz", "/readyz", "/metrics"
OURS = frozenset({ALIVE, READY, METRICS})
TEXT, JSON = "text/plain; charset=utf-8", "application/json"


@cache
def is_taken(path: str) -> bool:
    """Whether the project that AgentOS is in has a page of its own there."""
    return bool(is_valid_path(path))


class Probes:
    def __init__(self, readiness: Readiness) -> None:
        self.readiness = readiness
        self.figures = metrics.Figures()

    def serves(self, path: str) -> bool:
        """Whether the site answers there itself. Its figures it shows to nobody without a token."""
        return path in OURS and not is_taken(path) and (path != METRICS or bool(app_settings.METRICS_TOKEN))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        request_log.be_quiet(scope)
        scope[request_log.ROUTE] = f"probe{scope['path'].replace('/', ':')}"
        if scope["method"] not in {"GET", "HEAD"}:
            await answer(scope, send, 405, "Only GET and HEAD.", allow="GET, HEAD")
        elif scope["path"] == ALIVE:
            await answer(scope, send, 200, "ok")
        elif scope["path"] == READY:
            is_ready, body = await self.readiness.ask()
            await answer(scope, send, 200 if is_ready else 503, body, JSON)
        else:
            await self._show_figures(scope, send)

    async def on_own_port(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """The application of the port that is for figures and probes alone."""
        if scope["path"] in OURS:
            await self(scope, receive, send)
        else:
            await answer(scope, send, 404, "There is nothing at this address.")

    async def _show_figures(self, scope: dict[str, Any], send: Send) -> None:
        headers = {name: value.decode("latin1") for name, value in scope["headers"]}
        if metrics.may_see(headers.get(b"authorization", "")):
            await answer(scope, send, 200, *await self.figures.page(headers.get(b"accept", "")))
        else:
            await answer(scope, send, 401, "Send the token of AGENTOS_METRICS_TOKEN as a bearer token.", www_authenticate="Bearer")


async def answer(scope: dict[str, Any], send: Send, status: int, body: bytes | str, kind: str = TEXT, **more: str) -> None:
    data = f"{body}\n".encode() if isinstance(body, str) else body
    said = {
        "content-type": kind,
        "content-length": str(len(data)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    headers = [(name.encode(), value.encode()) for name, value in said.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})
