"""The gateway as an ASGI application. Agno's server behind it is loaded by the first request that gets past the guard."""

import asyncio
import contextlib
import logging
from collections import Counter
from importlib import import_module
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from agentos.chat.callers import CHECK_SECONDS
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.http.errors import Problem
from agentos.gateway import context, interfaces, origins
from agentos.gateway.bodies import body_limit
from agentos.gateway.checks import objections
from agentos.gateway.errors import problem_of
from agentos.gateway.guard import Admission, admit
from agentos.gateway.identity import lost_by
from agentos.gateway.responses import GuardedResponse, answer, nothing

log = logging.getLogger(__name__)

LEAVE_SECONDS = 5.0  # that Agno's server gets to close what it has open
AT_ONCE = 20  # requests of one user that are being answered, most of them streams
RIGHTS_SECONDS = CHECK_SECONDS  # between two looks at whether the caller may still listen
LAST_WORDS_SECONDS = 2.0  # that an answer has to say so by itself, in its own protocol
PASSED_ON = frozenset({b"accept", b"user-agent"})


class ClientGone(Exception):
    """The client went away before it had sent its request."""


class Gateway:
    def __init__(self, prefix: str) -> None:
        """``prefix``: the address below which Agno's routes are, without a slash at its end."""
        self.prefix = prefix
        self.app: Any = None
        self.loading = asyncio.Lock()
        self.leaving = asyncio.Event()
        self.life: asyncio.Task[None] | None = None
        self.open: Counter[int] = Counter()

    def serves(self, path: str) -> bool:
        return bool(app_settings.GATEWAY) and path.startswith(f"{self.prefix}/") and path != f"{self.prefix}/"

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if headers := origins.preflight(scope):
            await nothing(headers, send)
            return
        try:
            body = await read_body(receive, limit=body_limit(scope))
            admission = await db.read(admit, interfaces.routes(), scope, scope["path"].removeprefix(self.prefix), body)
            app = self.app or await self._load()
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever breaks, the answer is an envelope
            await answer(problem_of(error), scope, send)
        else:
            await self._pass_on(app, admission, scope, receive, send)

    async def check(self) -> None:
        """Raises ImproperlyConfigured when the gateway is an open one. Loads Agno's server, which takes seconds."""
        try:
            if found := await asyncio.to_thread(objections):
                raise ImproperlyConfigured(" ".join(["The gateway to Agno's own server is open:", *found]))
        except ImportError:
            log.exception("Agno's server cannot be loaded; its address answers 503.")

    async def close(self) -> None:
        """The server goes away: its streams end with their runs, and Agno's lifespan ends."""
        self.leaving.set()
        if self.life:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self.life

    async def _load(self) -> Any:
        """Agno's server takes two seconds to import: in a thread, and not before somebody asks for it."""
        async with self.loading:
            if self.app is None:
                try:
                    app = await asyncio.to_thread(lambda: import_module("agentos.gateway.server").build())
                except ImportError:
                    log.exception("Agno's server cannot be loaded.")
                    raise Problem(503, "Agno's own API is not available here.") from None
                started = asyncio.Event()
                self.life = asyncio.create_task(self._live(app, started))
                await started.wait()
                self.app = app
        return self.app

    async def _live(self, app: Any, started: asyncio.Event) -> None:
        """Its lifespan, in one task from beginning to end."""
        try:
            async with app.router.lifespan_context(app):
                started.set()
                await self.leaving.wait()
        except Exception:
            log.exception("The lifespan of Agno's server broke.")
        finally:
            started.set()

    async def _pass_on(self, app: Any, admission: Admission, scope: dict[str, Any], receive: Any, send: Any) -> None:
        user = admission.call.user.pk
        if self.open[user] >= AT_ONCE:
            await answer(Problem(429, "Too many requests of yours are open at once.", headers={"Retry-After": "5"}), scope, send)
            return
        self.open[user] += 1
        outgoing = GuardedResponse(admission.call, scope, send)
        serving = asyncio.ensure_future(self._serve(app, admission, scope, receive, outgoing))
        try:
            while not (await asyncio.wait((serving,), timeout=RIGHTS_SECONDS))[0]:
                if lost := await db.read(lost_by, admission.call):
                    admission.call.lost = lost
                    await asyncio.wait((serving,), timeout=LAST_WORDS_SECONDS)
                    break
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
            if admission.call.lost:
                await outgoing.fail(admission.call.lost)
            await outgoing.close()
            self.open[user] -= 1
            if not self.open[user]:
                del self.open[user]

    async def _serve(self, app: Any, admission: Admission, scope: dict[str, Any], receive: Any, outgoing: GuardedResponse) -> None:
        context.enter(admission.call)
        messages = [{"type": "http.request", "body": admission.body}]

        async def replay() -> dict[str, Any]:
            return messages.pop() if messages else await receive()

        try:
            await app(_inner(scope, self.prefix, admission), replay, outgoing)
        except Exception as error:  # noqa: BLE001
            await outgoing.fail(problem_of(error))


def _inner(scope: dict[str, Any], prefix: str, admission: Admission) -> dict[str, Any]:
    """Return the request as Agno's server sees it. Neither cookie nor token goes in: who calls is said in its state."""
    path = f"{prefix}{admission.path}"
    headers = [(name, value) for name, value in scope["headers"] if name in PASSED_ON or name.startswith(b"mcp-")]
    headers += [
        (b"host", admission.host),
        (b"content-type", admission.content_type),
        (b"content-length", str(len(admission.body)).encode()),
    ]
    state = {
        "authenticated": True,
        "user_id": admission.call.user_id,
        "session_id": None,
        "scopes": [],
        "claims": {},
        "authorization_enabled": False,  # the list of agents is the caller's own, and the route was checked
        "user_isolation_enabled": True,
    }
    return {
        **scope,
        "scheme": admission.scheme,
        "root_path": scope.get("root_path", "") + prefix,
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": admission.query,
        "headers": headers,
        "state": state,
        "extensions": {},
    }


async def read_body(receive: Any, *, limit: int) -> bytes:
    """Return the body; of one that is too large a byte more than is accepted. Raises ClientGone."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += bytes(message.get("body", b""))[: limit + 1 - len(body)]
        if not message.get("more_body", False) or len(body) > limit:
            return body
