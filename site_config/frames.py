"""Sending a stream of frames on the server's loop, until it ends, its reader goes, or its reader takes nothing any more."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from agentos.core.http import sse

LOOK_SECONDS = 10.0
SILENT_SECONDS = 1.2 * sse.HEARTBEAT_SECONDS
SEND_SECONDS = 30.0  # for a reader that does not take what it is sent; it comes back with its cursor

Headers = list[tuple[bytes, bytes]]


async def stream(
    status: int,
    headers: Headers,
    frames: AsyncIterator[bytes],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
    beat: bytes,
) -> None:
    """``beat``: what is sent when the frames themselves, which beat too, are silent for too long: something they wait for does not
    answer."""
    beating: asyncio.Future[None] | None = None
    sender = Sender({"type": "http.response.start", "status": status, "headers": headers}, frames, send)
    sending = asyncio.ensure_future(sender.send_all())
    gone = asyncio.ensure_future(until_gone(receive))
    try:
        done: set[asyncio.Future[None]] = set()
        while not done and not sender.is_stuck():
            done, _ = await asyncio.wait((sending, gone), timeout=min(LOOK_SECONDS, SEND_SECONDS), return_when=asyncio.FIRST_COMPLETED)
            if not done and sender.is_silent():
                beating = asyncio.ensure_future(sender.beat(beat))
    finally:
        gone.cancel()
        if beating:
            beating.cancel()
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


class Sender:
    """Notes when it began to send a frame: looked at now and then, that is cheaper than a timeout for each of them."""

    def __init__(
        self, start: Mapping[str, Any], frames: AsyncIterator[bytes], send: Callable[[Mapping[str, Any]], Awaitable[None]]
    ) -> None:
        self.start = start
        self.frames = frames
        self.send = send
        self.now = asyncio.get_running_loop().time
        self.since = 0.0
        self.sent_at = math.inf  # the last frame, once there was one

    async def send_all(self) -> None:
        try:
            # Only a generator that has begun can be closed, and it holds one of its user's streams.
            first = await anext(self.frames, b"")
            self.since = self.now()
            await self.send(self.start)
            await self.send({"type": "http.response.body", "body": first, "more_body": True})
            self.sent_at, self.since = self.since, 0.0
            async for data in self.frames:
                self.since = self.now()
                await self.send({"type": "http.response.body", "body": data, "more_body": True})
                self.sent_at, self.since = self.since, 0.0
        finally:
            await self.frames.aclose()  # type: ignore[attr-defined]  # an async generator
        await self.send({"type": "http.response.body", "body": b""})

    def is_silent(self) -> bool:
        return not self.since and self.now() - self.sent_at >= SILENT_SECONDS

    async def beat(self, data: bytes) -> None:
        self.since = self.now()
        with contextlib.suppress(OSError):  # the reader has gone, which is noticed elsewhere
            await self.send({"type": "http.response.body", "body": data, "more_body": True})
        self.sent_at, self.since = self.since, 0.0

    def is_stuck(self) -> bool:
        return bool(self.since) and self.now() - self.since >= SEND_SECONDS


async def until_gone(receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    """Call it when the whole request has come: then there is nothing to hear but that the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
