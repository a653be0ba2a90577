"""Files, as text in pages: PDF, Word, Excel, PowerPoint, LibreOffice, HTML, CSV, Markdown, text, mail, EPUB and RTF.

What a file is, is seen by what is in it. It is read in a process of its own (``document_worker.py``).
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agentos.core.reading import process
from agentos.core.text import clean

WORKER = Path(__file__).with_name("document_worker.py")
SECONDS = 25.0
LARGEST = 64_000_000  # bytes of a file
OUTPUT_LIMIT = 32_000_000  # bytes

# What is said of a file that cannot be read. The names are kept in the database, and told to programs.
REASONS: dict[str, str | Promise] = {
    "encrypted": _("This file is locked with a password. Save it without one, and upload it again."),
    "too_large": _("This file is too large to be read, or unpacks to far more than it should. Split it, and upload the parts."),
    "unreadable": _("This file is damaged or not what its name says. Open it in its program, save it anew, and upload that."),
    "scanned": _("This PDF holds pictures of pages, without text. Have its text recognised (OCR) first, and upload that."),
    "no_text": _("There is no text in this file."),
    "timed_out": _("Reading this file takes too long. Split it, and upload the parts."),
    "old_office": _("This is a file of an old Office. Save it as .docx, .pptx or PDF, and upload that."),
    "kind_unknown": _(
        "Files of this kind cannot be read. Those of PDF, Word, Excel, PowerPoint, LibreOffice, HTML, CSV, text, mail, EPUB and RTF can."
    ),
}


class UnreadableFile(ValueError):
    """The file has no text to be had. ``code`` is one of REASONS, and the text of the error its sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return str(REASONS[self.code])


@dataclass(frozen=True, slots=True)
class Page:
    """``label``: what it is called where that is more than its number, as "Prices, 2-40" of a sheet. ``text``: in Markdown."""

    number: int
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    title: str
    page: int


@dataclass(frozen=True, slots=True)
class File:
    """What a file says. ``kind``: as pdf or docx. ``unit``: what its pages are: page, slide, sheet, chapter or part. ``is_cut``: it holds
    more than is read."""

    kind: str
    unit: str
    title: str
    is_cut: bool = False
    pages: list[Page] = field(default_factory=list)
    outline: list[Heading] = field(default_factory=list)

    @property
    def characters(self) -> int:
        return sum(len(page.text) for page in self.pages)


async def file(data: bytes, name: str = "") -> File:
    """Read a file. Its name decides among kinds of text only. Raises UnreadableFile."""
    if len(data) > LARGEST:
        raise UnreadableFile("too_large")
    suffix = PurePath(name).suffix[1:11]
    try:
        answer, code = await process.ask(WORKER, suffix if suffix.isalnum() else "", data=data, seconds=SECONDS, limit=OUTPUT_LIMIT)
    except TimeoutError:
        raise UnreadableFile("timed_out") from None
    except process.TooMuch:
        raise UnreadableFile("too_large") from None
    if not answer:
        raise UnreadableFile(_of_the_end(code))
    return await asyncio.to_thread(_made, answer)


def _of_the_end(code: int) -> str:
    """Return the reason for a process that ended without a word."""
    killed_for_time = {-24, -9}  # SIGXCPU, SIGKILL
    aborted = {-6, -5, -11, -4}  # for want of memory, mostly
    return "timed_out" if code in killed_for_time else "too_large" if code in aborted else "unreadable"


def _made(answer: bytes) -> File:
    lines = _lines(answer)
    try:
        first = next(lines)
        if "reason" in first:
            raise UnreadableFile(str(first["reason"]))
        found = File(str(first["kind"]), str(first["unit"]), clean(str(first["title"])), bool(first["is_cut"]))
        for line in lines:
            if "outline" in line:
                found.outline.extend(Heading(level, clean(title), page) for level, title, page in line["outline"])
                return found
            found.pages.append(Page(len(found.pages) + 1, clean(line["label"]), clean(line["text"])))
    except (KeyError, StopIteration, TypeError, json.JSONDecodeError):
        pass
    raise UnreadableFile("too_large")  # it ended in the middle of a word


def _lines(answer: bytes) -> Iterator[dict[str, Any]]:
    """Give what it said, line by line: none takes long to be read."""
    start = 0
    while (end := answer.find(b"\n", start)) >= 0:
        yield json.loads(answer[start:end])
        start = end + 1
