"""Requests of tools to other machines: guarded, bounded, in the audit, and with a sentence for whatever goes wrong."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2

from agentos.agents.tools.definition import Refused
from agentos.agents.tools.external import ExternalCall, external_call
from agentos.core.security import guarded_http
from agentos.core.security.guarded_http import Forbidden, Policy
from agentos.core.text import clean

SECONDS = 20.0  # from the connect to the last byte, for each address on the way
OVER = 5.0  # seconds beyond it, for the name server and for all redirects together
MEGABYTE = 1_000_000
DEFAULT = Policy(total=SECONDS, answer_limit=MEGABYTE)
AGENT = "AgentOS-Tools/1"


@dataclass(frozen=True, slots=True)
class Reply:
    """``url``: where it came from in the end. ``headers``: by their names in small letters."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


async def send(
    tool: str,
    method: str,
    url: str,
    *,
    policy: Policy = DEFAULT,
    follow: bool = False,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
) -> Reply:
    """Send one request for the tool of this slug and return what came, whatever its status. ``follow``: go where it redirects to.

    Raises Refused, with a sentence for the model and for people.
    """
    host = _host(url)
    async with external_call(tool, host) as call:
        try:
            async with asyncio.timeout((policy.total or SECONDS) + OVER):
                return await _sent(call, policy, follow, method, url, headers=headers, params=params, json=json)
        except Forbidden as error:
            raise Refused(str(error)) from None
        except httpx2.TooManyRedirects:
            raise Refused(f"{host} redirects more than {guarded_http.MAX_REDIRECTS} times.") from None
        except (TimeoutError, httpx2.TimeoutException):
            raise Refused(f"{host} did not answer within {policy.total or SECONDS:.0f} seconds.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Refused(_sentence(host, policy, error)) from None


async def _sent(call: ExternalCall, policy: Policy, follow: bool, method: str, url: str, **more: Any) -> Reply:  # noqa: FBT001
    policy = replace(policy, verify=await asyncio.to_thread(_certificates)) if policy.verify is True else policy
    async with guarded_http.async_client(policy, follow_redirects=follow) as client:
        client.headers["user-agent"] = AGENT

        async def note(request: httpx2.Request) -> None:
            hosts.append(request.url.host)
            call.led_to = tuple(hosts[1:])

        hosts: list[str] = []
        client.event_hooks = {"request": [note]}
        request = client.build_request(method, url, **{name: value for name, value in more.items() if value is not None})
        call.sent = len(str(request.url)) + len(request.content)
        response = await client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                call.received = len(body)
        finally:
            await response.aclose()
        return Reply(
            str(response.url), response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(body)
        )


@cache
def _certificates() -> ssl.SSLContext:
    """Takes tens of milliseconds, so once, and in a thread."""
    return httpx2.create_ssl_context(trust_env=False)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:253]
    except ValueError:
        return ""


def _sentence(host: str, policy: Policy, error: Exception) -> str:
    if "larger than it may be" in str(error):
        return f"The answer of {host} is larger than {(policy.answer_limit or 0) / MEGABYTE:.0f} MB."
    said = clean(" ".join(str(error).split()))[:200]
    return f"{host} could not be reached{f': {said}' if said else ''}."
