"""HTTP clients, sync and async, whose connections are judged, and whose answers are limited in size and time."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpcore2
import httpx2

from agentos.core.security.guarded_http.addresses import Allowed, Forbidden, allowed_hosts, check_url, of_this_installation
from agentos.core.security.guarded_http.network import AsyncBackend, Backend

ANSWER_LIMIT = 1_000_000  # bytes
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 30.0
MAX_REDIRECTS = 3
PLAIN = {"Accept-Encoding": "identity"}  # a limit on an answer that is unpacked afterwards would be none


@dataclass(frozen=True, slots=True)
class Policy:
    """``total``: seconds from the connect to the last byte, None for streams that are used as long as they last (their connections
    are then kept). ``answer_limit``: bytes, None for no limit. ``trusted``: hosts that this client may reach although they are private,
    beside those that the installation allows."""

    total: float | None = TOTAL_SECONDS
    connect: float = CONNECT_SECONDS
    answer_limit: int | None = ANSWER_LIMIT
    connections: int = 100
    trusted: tuple[str, ...] = ()
    verify: Any = field(default=True, compare=False)

    def allowed(self) -> Allowed:
        ours, more = of_this_installation(), allowed_hosts(self.trusted)
        return Allowed(ours.names | more.names, ours.networks + more.networks)


DEFAULT = Policy()


def client(policy: Policy = DEFAULT, *, follow_redirects: bool = False) -> httpx2.Client:
    """Return a sync client. Requests raise Forbidden, and what httpx2 raises; each redirect is judged like a first request."""
    return httpx2.Client(
        transport=Transport(policy),
        timeout=_timeout(policy),
        follow_redirects=follow_redirects,
        max_redirects=MAX_REDIRECTS,
        trust_env=False,
        headers=PLAIN,
    )


def async_client(policy: Policy = DEFAULT, *, follow_redirects: bool = False) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=AsyncTransport(policy),
        timeout=_timeout(policy),
        follow_redirects=follow_redirects,
        max_redirects=MAX_REDIRECTS,
        trust_env=False,
        headers=PLAIN,
    )


def _timeout(policy: Policy) -> httpx2.Timeout:
    return httpx2.Timeout(policy.total, connect=policy.connect)


class Transport(httpx2.HTTPTransport):
    def __init__(self, policy: Policy = DEFAULT) -> None:
        super().__init__(verify=policy.verify)
        self.policy = policy
        # httpx2 has no argument for the backend. Were this name to change, every test of the guard would fail.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=self._pool._ssl_context,  # noqa: SLF001
            network_backend=Backend(policy.allowed(), policy.total),
            max_connections=policy.connections,
            max_keepalive_connections=policy.connections if policy.total is None else 0,
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        _check(request, self.policy)
        answer = super().handle_request(request)
        if self.policy.answer_limit is not None:
            try:
                _check_encoding(answer)
            except Forbidden:
                answer.close()
                raise
            answer.stream = Limited(answer.stream, self.policy.answer_limit)  # type: ignore[arg-type]
        return answer


class AsyncTransport(httpx2.AsyncHTTPTransport):
    def __init__(self, policy: Policy = DEFAULT) -> None:
        super().__init__(verify=policy.verify)
        self.policy = policy
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=self._pool._ssl_context,  # noqa: SLF001
            network_backend=AsyncBackend(policy.allowed(), policy.total),
            max_connections=policy.connections,
            max_keepalive_connections=policy.connections if policy.total is None else 0,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        _check(request, self.policy)
        answer = await super().handle_async_request(request)
        if self.policy.answer_limit is not None:
            try:
                _check_encoding(answer)
            except Forbidden:
                await answer.aclose()
                raise
            answer.stream = AsyncLimited(answer.stream, self.policy.answer_limit)  # type: ignore[arg-type]
        return answer


def _check(request: httpx2.Request, policy: Policy) -> None:
    check_url(str(request.url), policy.allowed())
    if request.url.userinfo:  # httpx2 hides a password in the text of a URL
        raise Forbidden("The URL must not contain a user name or a password.")


def _check_encoding(answer: httpx2.Response) -> None:
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Forbidden("The answer is compressed, although a plain one was asked for.")


class Limited(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, limit: int) -> None:
        self.inner = inner
        self.left = limit

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.inner:
            self.left = _less(self.left, chunk)
            yield chunk

    def close(self) -> None:
        self.inner.close()


class AsyncLimited(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self.inner = inner
        self.left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.inner:
            self.left = _less(self.left, chunk)
            yield chunk

    async def aclose(self) -> None:
        await self.inner.aclose()


def _less(left: int, chunk: bytes) -> int:
    if len(chunk) > left:
        raise httpx2.ReadError("The answer is larger than it may be.")
    return left - len(chunk)
