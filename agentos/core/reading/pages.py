"""Pages of the web, as text in Markdown."""

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from agentos.core.reading import process
from agentos.core.text import clean

WORKER = Path(__file__).with_name("html_worker.py")
SECONDS = 20.0
OUTPUT_LIMIT = 8_000_000  # bytes
LONGEST = 1_000_000  # characters of a text

# What servers say of their characters. Python knows more, which are none of a page, and of which some take for ever.
CHARSET = re.compile(
    r"utf-?(?:8|16|32)(?:-?[lb]e)?|(?:us-)?ascii|iso-?8859-?\d{1,2}|latin-?\d|windows-?\d{3,4}|cp\d{3,4}|koi8-?[ru]|(?:x-)?mac-?\w*"
    r"|shift[_-]jis|euc-?(?:jp|kr)|gb(?:k|2312|18030)|big5(?:-?hkscs)?|tis-?620",
    re.IGNORECASE,
)


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
    try:
        answer, code = await process.ask(WORKER, url, charset, data=data, seconds=SECONDS, limit=OUTPUT_LIMIT)
    except TimeoutError:
        raise Unreadable("The page takes too long to read.") from None
    except process.TooMuch:
        raise Unreadable("The page is too large.") from None
    if code:
        raise Unreadable("The page could not be read: it is too large or made to be unreadable.")
    return answer
