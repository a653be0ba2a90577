"""Reading a stream of the API as a client does: from the whole application, frame by frame, for as long as one likes."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from agentos.chat.live.parts import Part, add, text_of
from site_config.asgi import application

WAIT = 10.0  # seconds, before a test gives up
ENDS = frozenset({"completed", "failed", "stopped", "interrupted"})


@dataclass(frozen=True)
class Event:
    name: str
    data: Any
    id: str = ""


class Stream:
    """``status``, ``headers`` and ``body`` of the answer; ``next`` event by event, None at its end."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.comments: list[str] = []
        self.arrived: asyncio.Queue[Event | None] = asyncio.Queue()
        self.begun = asyncio.Event()
        self.left = asyncio.Event()
        self.rest = b""

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            return
        self.body += message.get("body", b"")
        *frames, self.rest = (self.rest + message.get("body", b"")).split(b"\n\n")
        for frame in frames:
            self._take(frame.decode())
        self.begun.set()
        if not message.get("more_body"):
            self.arrived.put_nowait(None)

    def _take(self, frame: str) -> None:
        lines = [line.partition(":") for line in frame.split("\n")]
        found = {name: value.removeprefix(" ") for name, _, value in lines}
        if "" in found:
            self.comments.append(found[""])
        if "data" in found:
            self.arrived.put_nowait(Event(found.get("event", ""), json.loads(found["data"]), found.get("id", "")))

    async def next(self) -> Event | None:
        async with asyncio.timeout(WAIT):
            return await self.arrived.get()

    async def all(self) -> list[Event]:
        """The events up to the end of the stream."""
        events = []
        while event := await self.next():
            events.append(event)
        return events

    async def take(self, count: int) -> list[Event]:
        events = [await self.next() for _ in range(count)]
        return [event for event in events if event]


@asynccontextmanager
async def reading(path: str, headers: Mapping[str, str], *, method: str = "GET", body: Any = None) -> AsyncIterator[Stream]:
    stream = Stream()
    raw = [(name.lower().encode(), value.encode()) for name, value in {"Host": "testserver", **headers}.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw, "http_version": "1.1"}
    pieces = [{"type": "http.request", "body": json.dumps(body).encode() if body is not None else b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if pieces:
            return pieces.pop()
        await stream.left.wait()
        return {"type": "http.disconnect"}

    task = asyncio.ensure_future(application(scope, receive, stream.send))
    try:
        async with asyncio.timeout(WAIT):
            await stream.begun.wait()
        yield stream
    finally:
        stream.left.set()
        await task


def told(events: list[Event], parts: list[Part] | None = None) -> list[Part]:
    """What a client has that adds up what it is told, and starts again at a snapshot."""
    parts = parts if parts is not None else []
    for event in events:
        if event.name == "snapshot":
            parts[:] = [_stored(part) for part in event.data["parts"]]
        else:
            add(parts, event.name, event.data)
    return parts


def _stored(part: Part) -> Part:
    """A part of a snapshot names every field; one that is stored leaves out what its tool does not show."""
    return {name: value for name, value in part.items() if (name, value) != ("shown", None)}


def text(events: list[Event]) -> str:
    return text_of(told(events))
