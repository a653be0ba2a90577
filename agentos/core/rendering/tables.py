"""Tables as models write them: a pipe inside code or a formula divides no cells, and ``<br>`` breaks a line."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from agentos.core.rendering import formulas

PIPE = formulas.PIPE  # for one that divides no cells; no character, says Unicode, so no text has it
BACKTICKS = re.compile("`+")
BARE = re.compile(r"(?<!\\)\|")  # code in a table may have its pipes escaped, a formula cannot
BREAK = re.compile(r"<br {0,3}/?>", re.IGNORECASE)


def hide_pipes(state: StateCore) -> None:
    state.src = state.src.replace(PIPE, "\ufffd")
    if "|" not in state.src or not ("`" in state.src or "$" in state.src or "\\(" in state.src):
        return
    lines = [_hidden(line) if "|" in line else line for line in state.src.split("\n")]
    state.src = "\n".join(lines)


def _hidden(line: str) -> str:
    pieces, position = [], 0
    for start, end in _undivided(line):
        inside = line[start:end]
        pieces += [line[position:start], BARE.sub(PIPE, inside) if inside[0] == "`" else inside.replace("|", PIPE)]
        position = end
    pieces.append(line[position:])
    # A line without a pipe outside is no row of a table.
    return "".join(pieces) if any("|" in outside for outside in pieces[::2]) else line


def _undivided(line: str) -> Iterator[tuple[int, int]]:
    """Yield where the code and the formulas of a line are."""
    position = 0
    for start, end in _code(line):
        yield from formulas.spans(line, position, start)
        yield start, end
        position = end
    yield from formulas.spans(line, position, len(line))


def _code(line: str) -> Iterator[tuple[int, int]]:
    runs = [found.span() for found in BACKTICKS.finditer(line)]
    following: dict[int, int] = {}  # length: index of the next run that is so long
    partner = [-1] * len(runs)
    for index in range(len(runs) - 1, -1, -1):
        length = runs[index][1] - runs[index][0]
        partner[index] = following.get(length, -1)
        following[length] = index
    index = 0
    while index < len(runs):
        if partner[index] < 0:
            index += 1
            continue
        yield runs[index][0], runs[partner[index]][1]
        index = partner[index] + 1


def show_pipes(state: StateCore) -> None:
    if PIPE in state.src:
        _show(state.tokens)


def _show(tokens: list[Token]) -> None:
    for token in tokens:
        if PIPE in token.content:
            token.content = token.content.replace(PIPE, "|")
        if PIPE in token.info:
            token.info = token.info.replace(PIPE, "|")
        _show(token.children or [])


def keep_excess(state: StateCore) -> None:
    """Put the words of cells that a row has too many into its last one: markdown-it drops them."""
    lines: list[str] = []
    count, inside, row, last = 0, False, "", None
    for token in state.tokens:
        if token.type in {"thead_open", "tbody_open"}:
            inside = token.type == "tbody_open"
            count = count if inside else 0
            lines = lines or state.src.split("\n")
        elif token.type == "th_open":
            count += 1
        elif inside and token.type == "tr_open" and token.map:
            row = lines[token.map[0]]
        elif inside and token.type == "inline":
            last = token
        elif inside and token.type == "tr_close" and last and row.count("|") >= count:
            more = [cell.strip() for cell in _cells(row)[count:] if cell.strip()]
            last.content = " | ".join([last.content, *more])
        elif token.type == "tbody_close":
            inside = False


def _cells(row: str) -> list[str]:
    cells = escapedSplit(row.lstrip("> \t").rstrip())
    return cells[1:] if cells and not cells[0] else cells


def line_break(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the library's signature
    found = BREAK.match(state.src, state.pos) if state.src[state.pos] == "<" else None
    if not found:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True


def install(markdown: MarkdownIt) -> None:
    markdown.enable("table")
    markdown.core.ruler.after("normalize", "hide_pipes", hide_pipes)
    markdown.core.ruler.after("block", "excess_cells", keep_excess)
    markdown.core.ruler.push("show_pipes", show_pipes)
    markdown.inline.ruler.before("autolink", "line_break", line_break)
