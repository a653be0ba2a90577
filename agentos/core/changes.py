"""What is new in a text against another one, line by line, for people to read."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

LINES = 200  # of a text that are compared one by one: what it takes grows with their square
AROUND = 2  # lines that are shown before and after one that has changed


@dataclass(frozen=True, slots=True)
class Line:
    """``kind``: gone, new, same, or skipped for lines that are as they were, ``text`` saying how many."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    label: str
    lines: list[Line]


def compared(before: list[str], after: list[str]) -> Iterator[Line]:
    """Give the lines that are gone, that are new, and those of the others that stand by them."""
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    gone, new = before[start : len(before) - end], after[start : len(after) - end]
    yield from _same(before[:start], is_first=True, is_last=False)
    if max(len(gone), len(new)) > LINES:
        yield from (Line("gone", line) for line in gone)
        yield from (Line("new", line) for line in new)
    else:
        for kind, a, b, c, d in SequenceMatcher(None, gone, new, autojunk=False).get_opcodes():
            if kind == "equal":
                yield from _same(gone[a:b], is_first=False, is_last=False)
            else:
                yield from (Line("gone", line) for line in gone[a:b])
                yield from (Line("new", line) for line in new[c:d])
    yield from _same(before[len(before) - end :], is_first=False, is_last=True)


def _common(one: list[str], other: list[str]) -> int:
    """How many lines both begin with."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _same(lines: list[str], *, is_first: bool, is_last: bool) -> Iterator[Line]:
    """Of lines that have not changed, those that stand by one that has."""
    head, tail = (0 if is_first else AROUND), (0 if is_last else AROUND)
    if len(lines) <= head + tail + 1:
        yield from (Line("same", line) for line in lines)
        return
    yield from (Line("same", line) for line in lines[:head])
    yield Line("skipped", str(len(lines) - head - tail))
    yield from (Line("same", line) for line in lines[len(lines) - tail :])
