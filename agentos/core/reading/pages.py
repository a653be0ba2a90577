"""Pages of the web, as text in Markdown."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from agentos.core.text import clean

WORKER = Path(__file__).with_name("html_worker.py")
SECONDS = 20.0
AT_ONCE = 2  # processes that read
OUTPUT_LIMIT = 8_000_000  # bytes
CHUNK = 1 << 16
LONGEST = 1_000_000  # characters of a text

# What servers say of their characters. Python knows more, which are none of a page, and of which some take for ever.
CHARSET = re.compile(
    r"utf-?(?:8|16|32)(?:-?[lb]e)?|(?:us-)?ascii|iso-?8859-?\d{1,2}|latin-?\d|windows-?\d{3,4}|cp\d{3,4}|koi8-?[ru]|(?:x-)?mac-?\w*"
    r"|shift[_-]jis|euc-?(?:jp|kr)|gb(?:k|2312|18030)|big5(?:-?hkscs)?|tis-?620",
    re.IGNORECASE,
)

_places: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]" = WeakKeyDictionary()


class Unreadable(ValueError):
    """There is no text to be had. The text of the error is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    text: str


async def html(data: bytes, *, url: str = "", charset: str = "") -> Document:
    """Return what a page says, without what stands round it, links and tables in Markdown. Raises Unreadable.

    ``url``: where it comes from, for its relative links. ``charset``: what its server says, which may be wrong.
    """
    place = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    async with place:
        answer = await _read(data, url, charset if CHARSET.fullmatch(charset) else "")
    try:
        read = json.loads(answer)
        title, text = str(read["title"]), str(read["text"])
    except (ValueError, KeyError, TypeError):
        raise Unreadable("The page could not be read.") from None
    if not text.strip():
        raise Unreadable("There is no text on this page; it may be made by scripts in the browser.")
    return Document(clean(" ".join(title.split())), clean(text))


async def plain(data: bytes, charset: str = "") -> str:
    """Return a text file's text, whatever its server says of its characters."""
    return await asyncio.to_thread(_decoded, data, charset if CHARSET.fullmatch(charset) else "")


def _decoded(data: bytes, charset: str) -> str:
    is_wide = b"\0" in data[:1000]
    for name in (charset, "utf-8-sig", "cp1252") if is_wide else ("utf-8-sig", charset, "cp1252"):
        with contextlib.suppress(LookupError, ValueError):
            return clean(data.decode(name)[:LONGEST])
    return clean(data.decode("latin-1")[:LONGEST])


async def _read(data: bytes, url: str, charset: str) -> bytes:
    # Of its own group, so that what it may have started ends with it; and without anything of our environment.
    command = (sys.executable, "-I", "-B", str(WORKER), url, charset)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, start_new_session=True)
    try:
        async with asyncio.timeout(SECONDS):
            _, answer = await asyncio.gather(_feed(process, data), _drain(process))
            await process.wait()
    except TimeoutError:
        raise Unreadable("The page takes too long to read.") from None
    finally:
        await _end(process)
    if process.returncode:
        raise Unreadable("The page could not be read: it is too large or made to be unreadable.")
    return answer


async def _feed(process: Process, data: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _drain(process: Process) -> bytes:
    assert process.stdout is not None
    found = bytearray()
    while chunk := await process.stdout.read(CHUNK):
        found += chunk
        if len(found) > OUTPUT_LIMIT:
            raise Unreadable("The page is too large.")
    return bytes(found)


async def _end(process: Process) -> None:
    """End it, if it has not ended, and let go of its pipes."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    while await process.stdout.read(CHUNK):
        pass
    await process.wait()
