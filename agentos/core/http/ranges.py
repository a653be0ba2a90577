"""Bytes of any length as an answer: a piece at a time, by the event loop, once the view has returned; or a part of them."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from agentos.core.http.deferred import MAY_COME

THREADS = 4
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

Pieces = Callable[[int, int], Iterator[bytes]]  # from a byte up to another one, which is not among them

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="serve-file")


class Bytes(StreamingHttpResponse):
    """``frames``: what the server's loop sends (site_config/requests.py)."""

    beat = b""

    def __init__(self, pieces: Iterator[bytes], *, by_loop: bool, status: int) -> None:
        super().__init__(() if by_loop else pieces, status=status)
        self.frames = away(pieces)


async def away(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read each piece in another thread."""
    loop = asyncio.get_running_loop()
    try:
        while piece := await loop.run_in_executor(_threads, next, pieces, b""):
            yield piece
    finally:
        with contextlib.suppress(ValueError):  # its reader went in the middle of a read, which ends by itself
            pieces.close()  # type: ignore[attr-defined]  # a generator


def answer(request: HttpRequest, pieces: Pieces, *, size: int, etag: str, headers: dict[str, str]) -> HttpResponseBase:
    """Answer with all of it, with the range that is asked for (206, 416), or with nothing new (304)."""
    common = {"ETag": etag, "Accept-Ranges": "bytes", **headers}
    if etag in {tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")}:
        return HttpResponse(status=HTTPStatus.NOT_MODIFIED, headers=common)
    asked = request.headers.get("Range", "") if request.headers.get("If-Range", etag) == etag else ""
    found = part_of(asked, size)
    if found is None:
        return HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers={**common, "Content-Range": f"bytes */{size}"})
    start, end = found
    is_part = (start, end) != (0, size) or bool(RANGE.fullmatch(asked))
    if is_part:
        common["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    # Identity: what compresses answers leaves it alone, for its length and its ranges are those of the bytes.
    common |= {"Content-Length": str(end - start), "Content-Encoding": "identity", "X-Accel-Buffering": "no"}
    status = HTTPStatus.PARTIAL_CONTENT if is_part else HTTPStatus.OK
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=common)
    sent = Bytes(pieces(start, end), by_loop=MAY_COME in request.META, status=status)
    for name, value in common.items():
        sent.headers[name] = value
    return sent


def part_of(asked: str, size: int) -> tuple[int, int] | None:
    """Return where what is asked for begins and ends: all of it, where nothing is asked that can be understood. None: there is no such
    part."""
    found = RANGE.fullmatch(asked)
    if not found or found.groups() == ("", ""):
        return 0, size
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        return (size - length, size) if length else None
    start, end = int(first), min(int(last) + 1, size) if last else size
    return (start, end) if start < end else None
