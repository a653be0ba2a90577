"""Sends one signed request through the SSRF-guarded client, and returns what came back."""

import asyncio
import contextlib
import time
from http import HTTPStatus

import httpx2

from agentos.core import clock
from agentos.core.security.guarded_http import Forbidden, Policy, async_client
from agentos.core.security.secrets import Unreadable
from agentos.core.security.signatures import headers_for
from agentos.core.text import clean
from agentos.webhooks.outbound.models import Delivery
from agentos.webhooks.outbound.results import Outcome

SECONDS = 20.0  # from the connect to the end of the answer
ANSWER_KEPT = 2000  # bytes
ERROR_KEPT = 300  # characters
POLICY = Policy(total=SECONDS, connect=10.0, answer_limit=None)  # of the answer no more is read than is kept
AGENT = "AgentOS-Webhooks/1"
UNREADABLE = "The endpoint's secret cannot be read, since SECRET_KEY has changed: rotate the secret."


def new_client() -> httpx2.AsyncClient:
    """Takes tens of milliseconds, for the certificates: call it in a thread."""
    return async_client(POLICY)


async def send(client: httpx2.AsyncClient, delivery: Delivery) -> Outcome:
    at, began = clock.now(), time.monotonic()
    endpoint, body = delivery.endpoint, delivery.body.encode()
    headers = {"content-type": "application/json", "user-agent": AGENT}
    status_code, answer, error, retry_after = None, "", "", ""
    try:
        signed = headers_for(endpoint.secrets(at), message_id=delivery.message_id, timestamp=int(at.timestamp()), body=body)
        headers |= signed
        async with asyncio.timeout(SECONDS + 5), client.stream("POST", endpoint.url, content=body, headers=headers) as response:
            status_code, retry_after = response.status_code, response.headers.get("retry-after", "")
            answer = await _beginning(response)
    except Unreadable:
        error = UNREADABLE
    except Exception as trouble:  # noqa: BLE001 - whatever it is, it is the log's
        error = _sentence(trouble)
    return Outcome(
        at=at,
        seconds=time.monotonic() - began,
        url=endpoint.url,
        headers=headers,
        status_code=status_code,
        answer=answer,
        error=error if status_code is None else "",
        retry_after=retry_after,
    )


async def _beginning(response: httpx2.Response) -> str:
    """Return as much of the answer as is kept. That its end does not come takes nothing from the status that came."""
    found = b""
    with contextlib.suppress(httpx2.HTTPError):
        async for chunk in response.aiter_raw():
            found += chunk
            if len(found) >= ANSWER_KEPT:
                break
    return clean(found[:ANSWER_KEPT].decode("utf-8", "replace"))


def _sentence(trouble: Exception) -> str:
    if isinstance(trouble, Forbidden):
        return str(trouble)
    if isinstance(trouble, TimeoutError | httpx2.TimeoutException):
        return f"No answer came within {SECONDS:.0f} seconds."
    if isinstance(trouble, httpx2.HTTPError):
        return clean(f"The connection failed: {trouble}" if str(trouble) else "The connection failed.")[:ERROR_KEPT]
    return f"The request could not be made ({type(trouble).__name__})."


def meaning(status_code: int) -> str:
    """Return a status with its name: ``404 Not Found``."""
    with contextlib.suppress(ValueError):
        return f"{status_code} {HTTPStatus(status_code).phrase}"
    return str(status_code)
