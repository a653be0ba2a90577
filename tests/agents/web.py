"""A web site that runs inside a test: it answers each path as it is told, and remembers what it was asked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

Behaviour = Callable[["Asked"], Awaitable[bytes]]


@dataclass
class Asked:
    """A request, and the way back to whoever sent it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter


def answer(body: bytes | str = b"", status: int = 200, kind: str = "text/html; charset=utf-8", **headers: str) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    return head.encode() + body


def redirect(to: str, status: int = 302) -> bytes:
    return answer(status=status, Location=to)


async def silence(asked: Asked) -> bytes:
    """Never answer."""
    await asyncio.Event().wait()
    return b""


@dataclass
class Site:
    """``pages`` by path, each an answer as bytes or what makes one. ``left``: set once somebody has hung up before the answer."""

    pages: dict[str, bytes | Behaviour] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.server.wait_closed()

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = head[0].split(" ")
        asked = Asked(method, target, headers, body, writer)
        self.asked.append(asked)
        self.came.set()
        made = self.pages.get(urlsplit(target).path, answer("Nothing here.", 404))
        gone = asyncio.create_task(self._watch(reader))
        try:
            writer.write(made if isinstance(made, bytes) else await made(asked))
            await writer.drain()
        finally:
            gone.cancel()

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        if not await reader.read():
            self.left.set()
