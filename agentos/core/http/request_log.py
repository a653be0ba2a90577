"""The id by which a request is known, in its answer (``X-Request-ID``) and in the log; and the log's line of every answer."""

import logging
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from agentos.core import log_context, metrics
from agentos.core.http.request import address_of

log = logging.getLogger("agentos.requests")

ID = "agentos.request_id"  # the keys in an ASGI scope
ROUTE = "agentos.route"  # the name of the route, once it is known
QUIET = "agentos.quiet"  # the log has said already what is wrong, once for this minute
GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,128}")  # what may stand in the log as somebody else has written it
CLIENT_GONE = 499  # as nginx says it
SHOWN = 200  # characters of a path

Headers = Iterable[tuple[bytes, bytes]]


def new_id() -> str:
    return f"req_{secrets.token_hex(8)}"


def id_of(headers: Headers) -> str:
    """Return the id that a proxy or the client gave this request, when it is one and harmless; otherwise a new one."""
    given = [value for name, value in headers if name == b"x-request-id"]
    return given[0].decode("ascii") if len(given) == 1 and GIVEN.fullmatch(given[0]) else new_id()


def be_quiet(scope: Any) -> None:
    """Keep the answer to this ASGI scope, if there is one, out of the log but at ``DEBUG``: what is wrong has its one line a minute."""
    if scope is not None:
        scope[QUIET] = True


def note(scope: Mapping[str, Any], status: int, began: float, answered: float | None = None) -> None:
    """Write the line of an answer, and count it. ``began``: when its request did, by ``time.monotonic()``, and ``answered`` the answer.

    A query is not written: there may be secrets in it.
    """
    metrics.answered(scope.get(ROUTE, "unknown"), scope.get("method", ""), status, (answered or time.monotonic()) - began)
    if scope.get(QUIET):
        level = logging.DEBUG
    else:
        level = logging.WARNING if status >= HTTPStatus.BAD_REQUEST and status != CLIENT_GONE else logging.INFO
    if not log.isEnabledFor(level):
        return
    forwarded = ",".join(value.decode("latin1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for")
    client = address_of((scope.get("client") or ("",))[0], forwarded) or "-"
    path = scope.get("path", "-")
    shown = ascii(path[:SHOWN])[1:-1] + ("..." if len(path) > SHOWN else "")
    took = (time.monotonic() - began) * 1000
    method, request_id = scope.get("method", "-"), scope.get(ID, "-")
    fields = {"request_id": request_id, "client": client, "method": method, "route": scope.get(ROUTE, "unknown"), "path": shown}
    fields |= {"status": status, "ms": round(took)}
    said = (request_id, client, method, shown, status, took)
    log.log(level, "%s %s %s %s %d %.0f ms", *said, extra={log_context.FIELDS: fields})
