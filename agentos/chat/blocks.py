"""Where a growing markdown text may be cut: what stands before a cut never changes again, whatever comes after.

So a live answer is rendered block by block, and its cost grows with its length, not with its square. The rule looks at
whole lines only and errs towards *still open*: a cut is missed at worst, never made too early.
"""

import re

FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})")
LIST_MARKER = re.compile(r" {0,3}([-*+]|\d{1,9}[.)])(\s|$)")
CLOSING_INDENT = 3  # spaces, at most, before the fence that ends a code block


class BlockScanner:
    """Reads a text as it grows. ``closed`` is the offset up to which its blocks are final."""

    def __init__(self) -> None:
        self.closed = 0
        self._position = 0  # start of the first line that is not complete yet
        self._fence = ""
        self._fence_indent = 0
        self._fence_ended = False
        self._after_blank = False
        self._maybe_in_list = False
        self._lost = False  # two readings of the text are possible: no more cuts

    def feed(self, text: str) -> int:
        """Read on in ``text`` (all of it so far) and return ``closed``."""
        while not self._lost and (end := text.find("\n", self._position)) != -1:
            self._line(text[self._position : end], self._position)
            self._position = end + 1
        return self.closed

    def _line(self, line: str, start: int) -> None:
        indent = len(line) - len(line.lstrip(" "))
        if not line.strip():
            self._after_blank = self._after_blank or not self._fence
        elif self._fence:
            self._line_of_code(line.strip(), indent)
        else:
            self._line_of_text(line, indent, start)

    def _line_of_code(self, line: str, indent: int) -> None:
        if indent < self._fence_indent and self._maybe_in_list:
            self._lost = True  # a line further left ends a list item with its code, but not code that stands by itself
        elif indent <= CLOSING_INDENT and line.startswith(self._fence) and not line.strip(self._fence[0]):
            self._fence, self._fence_ended = "", True

    def _line_of_text(self, line: str, indent: int, start: int) -> None:
        marker = LIST_MARKER.match(line)
        # A marker may go on with the list before it, so it is no place to cut.
        if not indent and not line[0].isspace() and not marker and (self._after_blank or self._fence_ended):
            self.closed = start
            self._maybe_in_list = False
        self._maybe_in_list = self._maybe_in_list or bool(marker)
        self._after_blank = self._fence_ended = False
        if opened := FENCE.match(line):
            self._fence, self._fence_indent = opened[2], indent


def open_code(rest: str) -> str | None:
    """Return the code so far, when ``rest`` (what stands after the last cut) begins with a whole line that opens a fence."""
    first, newline, code = rest.partition("\n")
    return code if newline and FENCE.match(first) else None


def closed_end(text: str) -> int:
    """Return the offset up to which the blocks of ``text`` are final."""
    return BlockScanner().feed(text)
