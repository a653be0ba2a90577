"""Cutting pages into passages: at paragraphs, or lines, or where it must be. Each knows its page, its place on it and its heading."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SIZE = 1_200  # characters of a passage, about
HEADING = re.compile(r"(#{1,6}) (.+)")
BLOCK = re.compile(r"[^\n](?:.|\n(?!\s*\n))*")
ROW = re.compile(r"\| .* \|$")
SENTENCE = re.compile(r"[.!?。！？…]['\")\]]?\s|[。！？]")  # noqa: RUF001 - the marks of other scripts


@dataclass(frozen=True, slots=True)
class Passage:
    page: int
    start: int
    end: int
    heading: str
    text: str


def passages(pages: Iterable[tuple[int, str]]) -> Iterator[Passage]:
    """Give the passages of these pages, by number and text. The heading of one is the path of headings to it."""
    path: dict[int, str] = {}
    for number, text in pages:
        for start, end, heading in _pieces(text, path):
            if said := text[start:end].strip():
                yield Passage(number, start, end, heading, said)


def _pieces(text: str, path: dict[int, str]) -> Iterator[tuple[int, int, str]]:
    """Give from where to where passages are. ``path``: the headings so far, by level, which goes on from page to page."""
    begin = last = 0
    heading, is_open = _joined(path), False
    for start, end in _blocks(text):
        found = HEADING.match(text, start)
        if is_open and (end - begin > SIZE or (found and last - begin > SIZE // 4)):
            yield begin, last, heading
            is_open = False
        if found:
            level = len(found[1])
            for deeper in [each for each in path if each >= level]:
                del path[deeper]
            path[level] = " ".join(found[2].split())[:120]
        if not is_open or not text[begin:start].strip("# \n"):
            begin, heading = (begin if is_open else start), _joined(path)
        is_open, last = True, end
    if is_open:
        yield begin, last, heading


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Give from where to where blocks are that fit into a passage."""
    for found in BLOCK.finditer(text):
        start, end = found.span()
        while end - start > SIZE:
            cut = _cut(text, start, start + SIZE)
            yield start, cut
            start = cut
        if text[start:end].strip():
            yield start, end


def _cut(text: str, start: int, end: int) -> int:
    """Return where a long block is cut: after a line, a sentence or a word, of its second half."""
    middle = start + SIZE // 2
    if (line := text.rfind("\n", middle, end)) > 0:
        return line + 1
    sentences = [found.end() for found in SENTENCE.finditer(text, middle, end)]
    if sentences:
        return sentences[-1]
    word = text.rfind(" ", middle, end)
    return word + 1 if word > 0 else end


def _joined(path: dict[int, str]) -> str:
    return " › ".join(path[level] for level in sorted(path))[:300]  # noqa: RUF001 - what it looks like is what it is
