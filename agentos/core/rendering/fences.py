"""Blocks of code, and blocks of markdown that hold blocks of code.

Inside a fence that says it is markdown or text, a line ```` ```bash ```` begins an inner block, and the next bare fence ends that one:
so models write a file with code in it. When the outer block has no end in this reading, CommonMark's holds: the first bare fence ends it.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

OPENING = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})")
INNER = re.compile(r"(`{3,}|~{3,})[ \t]*[\w+#.-][^`]*$")
HOLDERS = {"markdown", "md", "mdx", "gfm", "commonmark", "rmd", "qmd", "text", "txt", "plaintext", "plain"}
CLOSING_INDENT = 3  # spaces, at most, before the fence that ends a block
GIVEN_UP = 8  # readings with inner blocks that came to no end: then a text is read as CommonMark says, and stays cheap


class Fence:
    """A block of code that is being read, line by line. ``holds``: it may have inner blocks."""

    def __init__(self, marker: str, *, holds: bool) -> None:
        self.open = [(marker, holds)]

    def ended_by(self, line: str, indent: int) -> bool:
        """Read a line, without the white space round it, and return whether it ends the block."""
        marker, holds = self.open[-1]
        if line.startswith(marker) and not line.strip(marker[0]):
            if len(self.open) == 1:
                return indent <= CLOSING_INDENT
            self.open.pop()
        elif holds and line.startswith(marker) and (inner := INNER.match(line)):
            self.open.append((inner[1], may_hold(line[inner.end(1) :])))
        return False


def may_hold(info: str) -> bool:
    """Return whether a fence with this behind it may have blocks of code inside."""
    words = info.split(maxsplit=1)
    return bool(words) and words[0].lower().rpartition(".")[2] in HOLDERS  # README.md is a name of one


def _rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the library's signature
    opened = OPENING.match(state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]])
    if opened is None or state.is_code_block(start):
        return False
    if silent:
        return True
    info = state.src[state.bMarks[start] + state.tShift[start] + opened.end() : state.eMarks[start]]
    last, has_end = _last(state, start, end, opened[2], info)
    state.line = last + has_end
    token = state.push("fence", "code", 0)
    token.info, token.markup, token.map = info, opened[2], [start, state.line]
    token.content = state.getLines(start + 1, last, state.sCount[start], True)
    return True


def _last(state: StateBlock, start: int, end: int, marker: str, info: str) -> tuple[int, bool]:
    """Return the line behind the code of a block, and whether it is a fence that ends it."""
    if may_hold(info) and state.env.get("given_up", 0) < GIVEN_UP:
        line, has_end = _read(state, start, end, Fence(marker, holds=True))
        if has_end:
            return line, True
        state.env["given_up"] = state.env.get("given_up", 0) + 1
    return _read(state, start, end, Fence(marker, holds=False))


def _read(state: StateBlock, start: int, end: int, fence: Fence) -> tuple[int, bool]:
    for line in range(start + 1, end):
        first, last = state.bMarks[line] + state.tShift[line], state.eMarks[line]
        if first < last and state.sCount[line] < state.blkIndent:
            return line, False
        if fence.ended_by(state.src[first:last].strip(), state.sCount[line] - state.blkIndent):
            return line, True
    return end, False


def install(markdown: MarkdownIt) -> None:
    markdown.block.ruler.at("fence", _rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
