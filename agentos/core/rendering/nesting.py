"""Blocks inside blocks, as deep as a text has them: a level beyond the limit is shown as a paragraph.

markdown-it drops what is nested deeper than its ``maxNesting``: the lower levels of a list are then missing from the page.
"""

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock
from markdown_it.rules_block import StateBlock

MAX_NESTING = 60  # a quote is one level, an item of a list two; each costs three frames of Python's stack


class DeepBlocks(ParserBlock):
    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803 - the library's names
        if state.level < state.md.options.maxNesting:
            super().tokenize(state, startLine, endLine)
            return
        line = startLine
        while line < endLine and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
            line += 1
        state.push("paragraph_open", "p", 1)
        words = state.push("inline", "", 0)
        words.content = state.getLines(startLine, line, state.blkIndent, False).strip()
        words.map = [startLine, line]
        words.children = []
        state.push("paragraph_close", "p", -1)
        state.line = line


def install(markdown: MarkdownIt) -> None:
    deep = DeepBlocks()
    deep.ruler = markdown.block.ruler
    markdown.block = deep
    markdown.options["maxNesting"] = MAX_NESTING
