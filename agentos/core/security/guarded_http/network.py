"""Connections that go only where they may, and end when their time is over: the network's edge of the HTTP client."""

# ruff: noqa: ASYNC109  (the arguments are httpcore's)

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import anyio
import httpcore2

from agentos.core.security.guarded_http.addresses import Allowed, check_port, judged

SocketOptions = Iterable[Any] | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """``at``: on the monotonic clock; None for a connection that may live as long as it is used."""

    at: float | None

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        return cls(None if seconds is None else time.monotonic() + seconds)

    def left(self, timeout: float | None) -> float | None:
        """Return how long a step may wait. Raises ReadTimeout when the time is over."""
        if self.at is None:
            return timeout
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("The time for this request is over.")
        return left if timeout is None else min(timeout, left)


class Stream(httpcore2.NetworkStream):
    """A connection with a deadline: bytes that trickle in do not extend it."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self.inner = inner
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, self.deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, self.deadline.left(timeout))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return Stream(self.inner.start_tls(ssl_context, server_hostname, self.deadline.left(timeout)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class AsyncStream(httpcore2.AsyncNetworkStream):
    def __init__(self, inner: httpcore2.AsyncNetworkStream, deadline: Deadline) -> None:
        self.inner = inner
        self.deadline = deadline

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self.inner.read(max_bytes, self.deadline.left(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self.inner.write(buffer, self.deadline.left(timeout))

    async def aclose(self) -> None:
        await self.inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return AsyncStream(await self.inner.start_tls(ssl_context, server_hostname, self.deadline.left(timeout)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class Backend(httpcore2.NetworkBackend):
    """Resolves, judges every answer, and connects to an address that was judged."""

    def __init__(self, allowed: Allowed, total: float | None) -> None:
        self.allowed = allowed
        self.total = total
        self.inner = httpcore2.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: SocketOptions = None
    ) -> httpcore2.NetworkStream:
        deadline, connecting = Deadline.after(self.total), Deadline.after(timeout)
        check_port(host, port, self.allowed)
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"The host {host!r} was not found.") from error
        trouble: Exception | None = None
        for address in judged(host, answers, self.allowed):
            try:
                inner = self.inner.connect_tcp(address, port, connecting.left(timeout), local_address, socket_options)
                return Stream(inner, deadline)
            except httpcore2.ConnectError as error:
                trouble = error
        raise trouble or httpcore2.ConnectError(f"The host {host!r} has no address.")

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: SocketOptions = None) -> httpcore2.NetworkStream:
        raise httpcore2.UnsupportedProtocol("No request leaves through a file.")


class AsyncBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, allowed: Allowed, total: float | None) -> None:
        self.allowed = allowed
        self.total = total
        self.inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: SocketOptions = None
    ) -> httpcore2.AsyncNetworkStream:
        deadline, connecting = Deadline.after(self.total), Deadline.after(timeout)
        check_port(host, port, self.allowed)
        try:
            with anyio.fail_after(timeout):
                answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"The host {host!r} was not found in time.") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"The host {host!r} was not found.") from error
        trouble: Exception | None = None
        for address in judged(host, answers, self.allowed):
            try:
                inner = await self.inner.connect_tcp(address, port, connecting.left(timeout), local_address, socket_options)
                return AsyncStream(inner, deadline)
            except httpcore2.ConnectError as error:
                trouble = error
        raise trouble or httpcore2.ConnectError(f"The host {host!r} has no address.")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> httpcore2.AsyncNetworkStream:
        raise httpcore2.UnsupportedProtocol("No request leaves through a file.")

    async def sleep(self, seconds: float) -> None:
        await self.inner.sleep(seconds)
