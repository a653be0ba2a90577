"""Callouts with a title of their own, and of the kinds that Obsidian has: ``> [!WARNING] Hot`` and ``> [!info]- More``.

markdown-it reads GitHub's: five kinds, whose first line says nothing else. The others have reached here as quotes.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

# Kind: which of GitHub's five it looks like.
KINDS = {kind: kind for kind in ("note", "tip", "important", "warning", "caution")} | {
    "abstract": "note", "summary": "note", "tldr": "note", "info": "note", "todo": "note", "example": "note", "hint": "tip",
    "success": "tip", "check": "tip", "done": "tip", "question": "important", "help": "important", "faq": "important",
    "attention": "warning", "failure": "caution", "fail": "caution", "missing": "caution", "danger": "caution", "error": "caution",
    "bug": "caution",
}  # fmt: skip
FIRST_LINE = re.compile(rf"\[!({'|'.join(KINDS)})\][+-]?(?:[ \t]+([^\n]*))?(?:\n|\Z)", re.IGNORECASE | re.ASCII)


def _quotes(state: StateCore) -> None:
    """Make callouts of the quotes that begin like one."""
    put: dict[int, list[Token]] = {}  # in the place of a token
    opened: list[int] = []
    for place, token in enumerate(state.tokens):
        if token.type == "blockquote_open":
            opened.append(place)
        elif token.type == "blockquote_close" and opened:
            _quote(state.tokens, opened.pop(), token, put)
    if put:
        state.tokens = [kept for place, token in enumerate(state.tokens) for kept in put.get(place, [token])]


def _quote(tokens: list[Token], start: int, close: Token, put: dict[int, list[Token]]) -> None:
    words = tokens[start + 2] if tokens[start + 1].type == "paragraph_open" else None
    found = FIRST_LINE.match(words.content) if words else None
    if not words or not found:
        return
    opening = tokens[start]
    opening.type, opening.tag, opening.info, close.type, close.tag = "alert_open", "div", KINDS[found[1].lower()], "alert_close", "div"
    title = Token("inline", "", 0, content=(found[2] or "").strip() or found[1].capitalize(), children=[], map=words.map, level=words.level)
    put[start] = [opening, Token("alert_title_open", "p", 1, block=True), title, Token("alert_title_close", "p", -1, block=True)]
    words.content = words.content[found.end() :]
    if not words.content:
        put.update({start + 1: [], start + 2: [], start + 3: []})


def install(markdown: MarkdownIt) -> None:
    markdown.options["alerts"] = True
    markdown.core.ruler.after("block", "callouts", _quotes)
