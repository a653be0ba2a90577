"""What all readers give, and what they refuse."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

PAGES = 2_000
CHARACTERS = 4_000_000
ROWS = 50_000  # of all sheets
CELL = 2_000  # characters
PART = 6_000  # characters of a part, where a file has no pages
UNPACKED = 200_000_000  # bytes of all that is in a zip
RATIO = 200  # of a file in a zip that is not small
SMALL = 1_000_000  # bytes
HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)


class Refused(Exception):
    """The file cannot be read. ``code`` is one of ``documents.REASONS``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Found:
    """``pages``: of each its label, empty where its number is one, and its text in Markdown. ``unit``: what a page is: page, slide, sheet,
    chapter or part. ``outline``: level, title and number of the page, from 1. ``is_cut``: the file holds more."""

    kind: str
    unit: str
    title: str = ""
    pages: list[tuple[str, str]] = field(default_factory=list)
    outline: list[tuple[int, str, int]] = field(default_factory=list)
    is_cut: bool = False
    size: int = 0

    def add(self, text: str, label: str = "") -> bool:
        """Add a page; return whether there is room for more."""
        text = text.strip()[: max(0, CHARACTERS - self.size)]
        self.pages.append((label, text))
        self.size += len(text)
        self.is_cut = self.size >= CHARACTERS or len(self.pages) >= PAGES
        return not self.is_cut


def outlined(found: Found) -> Found:
    """Take the outline from the headings in the text, and the title from its first one."""
    for number, (_label, text) in enumerate(found.pages, start=1):
        found.outline += [(len(marks), title.strip(), number) for marks, title in HEADING.findall(text)]
    if not found.title and found.outline:
        found.title = found.outline[0][1]
    return found


def in_parts(found: Found, blocks: Iterable[str]) -> Found:
    """Make parts of a text that has no pages: of whole blocks, each begun by a heading where one is near."""
    part: list[str] = []
    size = 0
    for block in blocks:
        for piece in cut(block):
            is_heading = piece.startswith("#")
            if part and (size + len(piece) > PART or (is_heading and size > PART // 2)):
                if not found.add("\n\n".join(part)):
                    return outlined(found)
                part, size = [], 0
            part.append(piece)
            size += len(piece) + 2
    if part:
        found.add("\n\n".join(part))
    return outlined(found)


def cut(block: str) -> Iterable[str]:
    """Give a block in pieces that fit into a part, cut between lines where there are some."""
    while len(block) > PART:
        end = block.rfind("\n", PART // 2, PART) + 1 or PART
        yield block[:end]
        block = block[end:]
    if block.strip():
        yield block


def row(cells: Iterable[str]) -> str:
    """Return a row of a table in Markdown."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|")[:CELL] for cell in cells) + " |"


def table(rows: list[list[str]]) -> str:
    """Return a table in Markdown; of one without rows nothing."""
    rows = [each for each in rows if any(cell.strip() for cell in each)]
    if not rows:
        return ""
    width = max(map(len, rows))
    filled = [each + [""] * (width - len(each)) for each in rows]
    return "\n".join([row(filled[0]), "|" + " --- |" * width, *map(row, filled[1:])])


def decoded(data: bytes) -> str:
    """Return a text file's text, whatever its characters are stored as."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes  # noqa: PLC0415 - most files need it not

        best = from_bytes(data[:100_000]).best()
        return data.decode(best.encoding if best else "cp1252", "replace")
