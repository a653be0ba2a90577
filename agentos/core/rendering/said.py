"""What a person wrote, as a chat shows it: as it is written, but that fenced code is shown as code. No other markdown is read in it."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agentos.core.rendering.deadline import Deadline
from agentos.core.rendering.fences import OPENING, Fence, may_hold
from agentos.core.rendering.markdown import code
from agentos.core.text import cut_before

LINES = 14  # of a message that are shown at once
CHARACTERS = 1_200
KEPT = 64  # messages with code
LITTLE = 1.5  # times as long is not yet worth a fold


class Said(NamedTuple):
    """``head``: the whole message, or its beginning when it is long; then ``whole`` is the whole."""

    head: SafeString
    whole: SafeString | str = ""


def said(text: str) -> Said:
    """Return the HTML of a message. One with code is remembered: a page draws each of its messages again. All of its code together gets the
    time of one text."""
    return _said_with_code(text) if "```" in text or "~~~" in text else _said(text)


def _said(text: str) -> Said:
    ends, deadline = _ends(text.split("\n")), Deadline()
    end = _head_end(text)
    whole = _drawn(text, ends, deadline)
    return Said(_drawn(text[:end], ends, deadline), whole) if end < len(text) else Said(whole)


_said_with_code = lru_cache(KEPT)(_said)


def _head_end(text: str) -> int:
    if len(text) <= CHARACTERS * LITTLE and text.count("\n") < LINES * LITTLE:
        return len(text)
    end = -1
    for _ in range(LINES):
        end = text.find("\n", end + 1)
        if not 0 <= end <= CHARACTERS:
            break
    else:
        return end
    space = text.rfind(" ", CHARACTERS // 2, CHARACTERS)
    return space if space > 0 else cut_before(text, CHARACTERS)


def _drawn(text: str, ends: dict[int, int], deadline: Deadline) -> SafeString:
    pieces = (
        (code(piece, info, deadline) if info is not None else format_html("{}", piece),) for piece, info in _pieces(text.split("\n"), ends)
    )
    return format_html_join("", "{}", pieces)


def _pieces(lines: list[str], ends: dict[int, int]) -> Iterator[tuple[str, str | None]]:
    """Yield the pieces of a message: text, or code with what stands behind its fence. ``ends``: in which line it ends."""
    plain: list[str] = []
    number = 0
    while number < len(lines):
        opened = OPENING.match(lines[number]) if number in ends else None
        if opened:
            if plain:
                yield "\n".join(plain), None
                plain = []
            yield "".join(f"{line}\n" for line in lines[number + 1 : ends[number]]), lines[number][opened.end() :]
        else:
            plain.append(lines[number])
        number = ends.get(number, number) + 1
    if plain:
        yield "\n".join(plain), None


def _ends(lines: list[str]) -> dict[int, int]:
    """Return in which line the code ends that begins in a line. A fence without an end is text, and so is all that follows."""
    found: dict[int, int] = {}
    holds = True
    number = 0
    while number < len(lines):
        opened = OPENING.match(lines[number])
        if opened:
            inner = holds and may_hold(lines[number][opened.end() :])
            end = _end(lines, number, Fence(opened[2], holds=True)) if inner else 0
            holds = holds and bool(end or not inner)  # tried once more at most: it reads to the end of the text
            end = end or _end(lines, number, Fence(opened[2], holds=False))
            if not end:
                break
            found[number] = end
            number = end
        number += 1
    return found


def _end(lines: list[str], start: int, fence: Fence) -> int:
    for number in range(start + 1, len(lines)):
        line = lines[number]
        if fence.ended_by(line.strip(), len(line) - len(line.lstrip(" "))):
            return number
    return 0
