"""A small HTTP client over plain sockets: cheap enough that 400 streams do not measure the client."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass
class Heard:
    """What one chat saw. Times are seconds of ``time.perf_counter``; ``gaps`` lie between two arrivals of new text."""

    asked: float
    first: float = 0.0
    ended: float = 0.0
    gaps: list[float] = field(default_factory=list)
    failed: str = ""


async def request(
    port: int, method: str, path: str, *, headers: dict[str, str], form: dict[str, str] | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request and return its connection, past the header of the answer. Raises ConnectionError unless it is 2xx or 3xx."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    body = urlencode(form).encode() if form else b""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if form:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    if head.split(b" ", 2)[1][:1] not in {b"2", b"3"}:
        writer.close()
        raise ConnectionError(head.decode(errors="replace").splitlines()[0])
    return reader, writer


async def listen(reader: asyncio.StreamReader, heard: Heard, *, text: bytes, end: bytes) -> None:
    """Read until ``end`` comes by; an arrival that holds ``text`` is new text of the answer."""
    last, tail = 0.0, b""
    while chunk := await reader.read(2**18):
        now = time.perf_counter()
        window = tail + chunk
        if text in window:
            if last:
                heard.gaps.append(now - last)
            else:
                heard.first = now
            last = now
        if end in window:
            heard.ended = now
            return
        tail = window[-max(len(text), len(end)) + 1 :]
    heard.failed = "the stream broke off"
