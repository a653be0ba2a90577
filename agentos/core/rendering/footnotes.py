"""Footnotes, with links there and back. The rule for definitions is mdit-py-plugins'; references and the list at the end are ours.

A growing text is rendered block by block, and a footnote may be defined after its use: so while it grows, a reference is a raised label and
a definition stands where it is written. The whole text gets numbers, links, and the list at its end. No note is lost: one that nothing
refers to stands in the list too.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.footnote.index import footnote_def

REFERENCE = re.compile(r"\[\^([^\s\[\]^]{1,80})\]")


def _reference(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the library's signature
    found = REFERENCE.match(state.src, state.pos) if state.src.startswith("[^", state.pos) else None
    if not found:
        return False
    notes = state.env.setdefault("notes", {})
    if not state.md.options.get("growing") and f":{found[1]}" not in state.env.get("footnotes", {}).get("refs", {}):
        return False
    if not silent:
        uses = notes.setdefault(found[1], [len(notes) + 1, 0])
        uses[1] += 1
        state.push("footnote_ref", "sup", 0).meta = {"label": found[1], "number": uses[0], "use": uses[1]}
    state.pos = found.end()
    return True


def _gather(state: StateCore) -> None:
    """Put the definitions, as the block rule has left them, into a list at the end."""
    if state.md.options.get("growing") or "footnotes" not in state.env:
        return
    text: list[Token] = []
    found: list[tuple[str, list[Token]]] = []
    places = [text]
    for token in state.tokens:
        if token.type == "footnote_reference_open":
            places.append([])
            found.append((token.meta["label"], places[-1]))
        elif token.type == "footnote_reference_close":
            places.pop()
        else:
            places[-1].append(token)
    state.tokens = text + _listed(found, state.env.get("notes", {}))


def _listed(found: list[tuple[str, list[Token]]], notes: dict[str, list[int]]) -> list[Token]:
    entries: list[tuple[int, int, list[Token]]] = []  # number, uses, tokens
    unused = len(notes)
    seen: set[str] = set()
    for label, tokens in found:
        if label in notes and label not in seen:
            seen.add(label)
            entries.append((notes[label][0], notes[label][1], tokens))
        elif tokens:
            unused += 1
            entries.append((unused, 0, tokens))
    tokens = [Token("footnotes_open", "section", 1)]
    for number, uses, words in sorted(entries, key=lambda entry: entry[0]):
        back = Token("footnote_back", "a", 0, meta={"number": number, "uses": uses})
        place = len(words) - (bool(words) and words[-1].type == "paragraph_close")
        opened = Token("footnote_open", "li", 1, meta={"number": number})
        tokens += [opened, *words[:place], back, *words[place:], Token("footnote_close", "li", -1)]
    return [*tokens, Token("footnotes_close", "section", -1)] if entries else []


def _id(env: EnvType, kind: str, number: int, use: int = 1) -> str:
    return str(escape(f"{env.get('name', '')}{kind}-{number}" + (f"-{use}" if use > 1 else "")))


Tokens = Sequence[Token]


def _draw_reference(self: RendererProtocol, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
    meta: dict[str, Any] = tokens[idx].meta
    if options.get("growing"):
        return f'<sup class="footnote-ref">{escape(meta["label"])}</sup>'
    number, use = meta["number"], meta["use"]
    link = f'<a id="{_id(env, "note-use", number, use)}" href="#{_id(env, "note", number)}" aria-label="Footnote {number}">{number}</a>'
    return f'<sup class="footnote-ref">{link}</sup>'


def _draw_back(self: RendererProtocol, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
    number, uses = tokens[idx].meta["number"], tokens[idx].meta["uses"]
    return "".join(
        f' <a class="footnote-back" href="#{_id(env, "note-use", number, use)}">'
        f'<span class="sr-only">Back to the text, footnote {number}{f", place {use}" if use > 1 else ""}</span></a>'
        for use in range(1, min(uses, 20) + 1)
    )


def _draw_open(self: RendererProtocol, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
    return f'<li id="{_id(env, "note", tokens[idx].meta["number"])}">'


def _draw_growing(self: RendererProtocol, tokens: Tokens, idx: int, options: OptionsDict, env: EnvType) -> str:
    return f'<div class="footnote"><sup class="footnote-ref">{escape(tokens[idx].meta["label"])}</sup>\n'


def install(markdown: MarkdownIt) -> None:
    markdown.block.ruler.before("reference", "footnote_def", footnote_def, {"alt": ["paragraph", "reference"]})
    markdown.inline.ruler.before("link", "footnote_ref", _reference)
    markdown.core.ruler.after("inline", "footnotes", _gather)
    for name, rule in (
        ("footnote_ref", _draw_reference),
        ("footnote_back", _draw_back),
        ("footnote_open", _draw_open),
        ("footnote_close", lambda *_: "</li>\n"),
        ("footnotes_open", lambda *_: '<section class="footnotes" aria-label="Footnotes"><ol>\n'),
        ("footnotes_close", lambda *_: "</ol></section>\n"),
        ("footnote_reference_open", _draw_growing),
        ("footnote_reference_close", lambda *_: "</div>\n"),
    ):
        markdown.add_render_rule(name, rule)
