"""Where a growing markdown text may be cut: what stands before a cut never changes again, whatever comes after.

So a live answer is rendered block by block, and its cost grows with its length, not with its square. The rule errs towards
*still open*: a cut is missed at worst, never made too early. Of the open block, what is *settled* (whole lines, or whole
sentences) is shown rendered too, for the time being; the rest as it is written.
"""

import re
from typing import NamedTuple

from agentos.core.rendering.fences import OPENING, Fence, may_hold
from agentos.core.rendering.formulas import BLOCK_LIMIT, block_delimiters, formula_at, unclosed

LIST_MARKER = re.compile(r" {0,3}([-*+]|\d{1,9}[.)])(\s|$)")
ROW = re.compile(r"[ \t]*\|")
DELIMITER_ROW = re.compile(r"[ \t|:]*-[- \t|:]*")  # the second line of a table
ROWS_LOOKED_AT = 100  # back from the last one: so many in a row are a table
HEAD_LIMIT = 1000  # characters of a line that may be the head of a table
SETTLED_LIMIT = 4000  # characters of an open block that are rendered again and again while it grows
MARKUP = re.compile(r"[*_`\[\]<~\\&$]|://|www\.")
SENTENCE_END = re.compile(r"[.!?:][)\"'*_`\]~]*\s")
# The marks of others (Arabic, Hindi, Amharic, Armenian, Burmese, Khmer, ellipsis); Thai and Lao have a blank alone.
OTHER_END = r"[\u061f\u06d4\u0964\u0965\u1362\u0589\u104b\u17d4\u2026\u0e00-\u0eff][)\"'*_`\]~»”]*+\s"
# Scripts without blanks have their own marks, after which the next sentence begins at once.
ANY_SENTENCE_END = re.compile(rf"{SENTENCE_END.pattern}|{OTHER_END}" + r"|[。！？：；．｡][)\"'*_`\]~」』）】》〉”’]*+(?=.)\s?")


class BlockScanner:
    """Reads a text as it grows. ``closed`` is the offset up to which its blocks are final."""

    def __init__(self) -> None:
        self.closed = 0
        self._position = 0  # start of the first line that is not complete yet
        self._fence: Fence | None = None
        self._fence_indent = 0
        self._fence_ended = False
        self._after_blank = False
        self._maybe_in_list = False
        self._formulas: dict[str, int] = {}  # that may have begun: what would end each, and where it began
        self._lost = False  # two readings of the text are possible: no more cuts

    def feed(self, text: str) -> int:
        """Read on in ``text`` (all of it so far) and return ``closed``."""
        while not self._lost and (end := text.find("\n", self._position)) != -1:
            self._line(text[self._position : end], self._position)
            if not self._fence:
                self._line_of_formulas(text, self._position, end)
            self._position = end + 1
        if not self._lost and not self._fence and text[self._position : self._position + 1].isalpha():
            self._begin(self._position)  # whatever else this line will say, it is text
        return self.closed

    def _begin(self, start: int) -> None:
        """A line of text begins at the margin, which is no list marker: the block before it has ended, if it could."""
        if (self._after_blank or self._fence_ended) and not self._formulas:
            self.closed = start
            self._maybe_in_list = False

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
        elif self._fence and self._fence.ended_by(line, indent):
            self._fence, self._fence_ended = None, True

    def _line_of_text(self, line: str, indent: int, start: int) -> None:
        marker = LIST_MARKER.match(line)
        # A marker may go on with the list before it, and is then no place to cut.
        if not indent and not line[0].isspace() and not (marker and self._maybe_in_list):
            self._begin(start)
        self._maybe_in_list = self._maybe_in_list or bool(marker)
        self._after_blank = self._fence_ended = False
        if opened := OPENING.match(line):
            self._fence, self._fence_indent = Fence(opened[2], holds=may_hold(line[opened.end() :])), indent

    def _line_of_formulas(self, text: str, start: int, end: int) -> None:
        """A formula that begins a line may have blank lines: nothing is cut as long as it may go on."""
        line = text[start:end]
        for closer, begun in list(self._formulas.items()):
            if start > begun + BLOCK_LIMIT or "`" in line or "~~~" in line:
                del self._formulas[closer]
            elif closer in line:
                del self._formulas[closer]
                if formula_at(text[begun:end], 0, end - begun, {}):
                    return
        first = end - len(line.lstrip())
        opener, closer = block_delimiters(text, first)
        if opener and closer not in text[first + len(opener) : end]:
            self._formulas.setdefault(closer, first)


class Code(NamedTuple):
    """A block of code that is still open. ``info`` is what stands behind its fence: a language, mostly."""

    info: str
    text: str


def open_code(rest: str) -> Code | None:
    """Return the code so far, when ``rest`` (what stands after the last cut) begins with a whole line that opens a fence."""
    first, newline, text = rest.partition("\n")
    opened = OPENING.match(first) if newline else None
    return Code(first[opened.end() :].strip(), text) if opened else None


def closed_end(text: str) -> int:
    """Return the offset up to which the blocks of ``text`` are final."""
    return BlockScanner().feed(text)


class Settled(NamedTuple):
    """``end``: up to where an open block is rendered. ``goes_on``: what follows belongs to its last paragraph or item. ``is_row``: it is
    of a table, and nobody sees it before its row is whole."""

    end: int = 0
    goes_on: bool = False
    is_row: bool = False


def shape(rest: str) -> Settled | None:
    """Return what decides on the form of an open block, None for code: as long as it stays the same, text is only added."""
    return None if open_code(rest) else settled(rest)


def settled(rest: str) -> Settled:
    """Return what is settled of ``rest`` (what stands after the last cut), which is no code. A rule about the text alone, so that
    all tabs show the same. A formula is not settled before its end."""
    limit = _limit(rest)
    if ("\\" in rest or "$$" in rest) and (formula := unclosed(rest[:limit])) >= 0:
        limit = formula
    start = rest.rfind("\n", 0, limit) + 1
    line = rest[start:limit]
    if (table := _unfinished_table(rest, start, limit)) >= 0:
        return Settled(table, is_row=True)
    marker = LIST_MARKER.match(line)
    said = line[marker.end() :] if marker else line
    is_text = bool(said) and not said[0].isspace() and said[0] not in "|>#" and not (LIST_MARKER.match(said) or OPENING.match(said))
    if is_text and (sentence := _sentences_end(said)):
        return Settled(start + len(line) - len(said) + sentence, goes_on=True)
    if not rest[:start].strip():
        return Settled()
    goes_on = is_text and not marker and not rest.endswith("\n\n", 0, start)
    return Settled(start - 1, goes_on=True) if goes_on else Settled(start)


def _limit(rest: str) -> int:
    """Up to where an open block may be rendered. A long table goes on in steps, each an eighth longer: what all of them cost grows with
    its length."""
    limit = SETTLED_LIMIT
    if len(rest) <= limit or not ROW.match(rest):
        return min(len(rest), limit)
    while limit * 9 // 8 <= len(rest):
        limit = limit * 9 // 8
    return limit


def _unfinished_table(rest: str, start: int, limit: int) -> int:
    """Return where those rows at the end begin that are not shown yet: the head of a table until its second line says that it is one,
    and then a row until it is whole; -1 when there are none. ``start``: of the last line."""
    if start < limit and not ROW.match(rest, start):
        return -1
    first, rows = start, 0
    while first and rows < ROWS_LOOKED_AT and ROW.match(rest, before := rest.rfind("\n", 0, first - 1) + 1):
        first, rows = before, rows + 1
    if rows > 1:
        second = rest.find("\n", first) + 1
        is_table = rows == ROWS_LOOKED_AT or DELIMITER_ROW.fullmatch(rest, second, rest.find("\n", second))
        return start if is_table and len(rest) > start else -1
    return first if first < len(rest) and start - first < HEAD_LIMIT else -1


def _sentences_end(line: str) -> int:
    """Where the last whole sentence of a text ends, with the space behind it; 0 when rendering would not change its look."""
    if not MARKUP.search(line):
        return 0
    ends = [found.end() for found in (SENTENCE_END if line.isascii() else ANY_SENTENCE_END).finditer(line)]
    return ends[-1] if ends and MARKUP.search(line, 0, ends[-1]) else 0
