"""Emphasis in scripts that put no blanks between words: ``**重要：**请``, ``**「甲」**なので``.

CommonMark asks for a blank or punctuation outside of markers that have punctuation inside. Chinese, Japanese, Korean, Thai and others
write the next word at once, so a letter of theirs stands for the blank. After the specification "CommonMark CJK-friendly".
"""

import unicodedata
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

WIDE = {"W", "F", "H"}  # classes of Unicode's East_Asian_Width
WITHOUT_BLANKS = ((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF))  # Thai, Lao, Tibetan, Burmese, Khmer
MAX_NESTING = 20  # of links in labels and the like: what is tried, and costs, grows with it; blocks may go deeper (``nesting``)
SIDES = 4096  # characters that are kept


@lru_cache(SIDES)
def _side(char: str) -> tuple[bool, bool, bool]:
    """Return whether a character is white space, punctuation of a script with blanks, and of a script without."""
    code = ord(char)
    dense = unicodedata.east_asian_width(char) in WIDE or any(first <= code <= last for first, last in WITHOUT_BLANKS)
    return isWhiteSpace(code), not dense and (isMdAsciiPunct(code) or isPunctChar(char)), dense


class State(StateInline):
    """``closers``: where a formula may end, as far as this text has been looked through (``formulas``)."""

    def __init__(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> None:
        super().__init__(src, md, env, tokens)
        self.closers: dict[str, int] = {}
        self.level = md.options.maxNesting - MAX_NESTING

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803, FBT001 - the library's names
        marker, end = self.src[start], start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        blank_before, mark_before, dense_before = _side(self.src[start - 1] if start else " ")
        blank_after, mark_after, dense_after = _side(self.src[end] if end < self.posMax else " ")
        opens = not blank_after and (not mark_after or blank_before or mark_before or dense_before)
        closes = not blank_before and (not mark_before or blank_after or mark_after or dense_after)
        if canSplitWord:
            return Scanned(opens, closes, end - start)
        return Scanned(opens and (not closes or mark_before), closes and (not opens or mark_after), end - start)


class Inline(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def install(markdown: MarkdownIt) -> None:
    inline = Inline()
    inline.ruler, inline.ruler2, inline.terminator_re = markdown.inline.ruler, markdown.inline.ruler2, markdown.inline.terminator_re
    markdown.inline = inline
