"""Addresses in running text that become links by themselves: http(s)://, www. and mail addresses, and nothing else.

The rules are those of GitHub's markdown ("autolinks" of its specification), and an address ends before full-width punctuation too,
since Chinese and Japanese put no space there. Every pattern is bounded or possessive: the work grows with the text, not with its square.
"""

import re
from collections.abc import Iterator
from contextlib import suppress

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from agentos.core.rendering import deadline

ADDRESS_LIMIT = 2_000  # characters; what is longer stays text
LOCAL_LIMIT = 64  # characters before the @ of a mail address

# What ends an address: space, controls, invisible characters, quotes, and the punctuation of full width with its like.
END = (
    r"\s\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff"
    r"<>\"`\\|\u00ab\u00bb\u2018-\u201f\u2026\u3000-\u3003\u3008-\u301f\u3030\u30fb\ufe10-\ufe19\ufe30-\ufe52"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
TRAILING = "?!.,:;'*_~"  # belongs to the sentence when it stands last
BESIDE = rf"[^{END}()\[\]{{}}*~]"
REST = rf"(?:{BESIDE}++|\*(?!\*)|~(?!~)|\((?:[^{END}()]{{0,200}}+)\)|\[(?:[^{END}\[\]]{{0,200}}+)\]|\{{(?:[^{END}{{}}]{{0,200}}+)\}})*+"
# Letters that stand beside an address without a blank: a name that has begun with others ends before them.
DENSE = r"\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
LETTER = rf"[^\W{DENSE}]"
LABEL = rf"(?:(?=[{DENSE}])[\w-]{{1,63}}+|(?:{LETTER}|-){{1,63}}+)"
PORT = r"(?::\d{1,5}+)?+"

SCHEME = re.compile(r"(?:\A|[^a-z0-9.+-])(https?)\Z", re.IGNORECASE | re.ASCII)
SCHEME_LIMIT = 6  # characters of the longest scheme and the one before it
AUTHORITY = re.compile(rf"://(?:{LABEL}(?:\.{LABEL}){{0,30}}+|\[[0-9a-f:.]{{2,45}}+\])\.?+{PORT}(?!:?(?:{LETTER}|@))", re.IGNORECASE)
WWW = re.compile(rf"www(?:\.{LABEL}){{2,30}}+{PORT}(?!:?(?:{LETTER}|@))", re.IGNORECASE)
TAIL = re.compile(rf"(?=[/?#]){REST}")
MAIL_DOMAIN = re.compile(
    r"[a-z0-9-]{1,63}+(?:\.[a-z0-9-]{1,63}+){0,8}(?:\.[a-z][a-z0-9-]{0,61}[a-z0-9])(?![\w@])", re.IGNORECASE | re.ASCII
)
CANDIDATE = re.compile(r"(?<![a-z0-9_./@:-])www\.|@", re.IGNORECASE)
LOCAL = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_{|}~-"


def install(markdown: MarkdownIt) -> None:
    """Put these rules in the place of markdown-it's own."""
    markdown.inline.ruler.at("linkify", with_scheme)
    markdown.core.ruler.at("linkify", in_text)
    markdown.enable("linkify")
    normalized = markdown.normalizeLink
    # [text](www.example.com) does not mean a page of ours
    markdown.normalizeLink = lambda url: normalized(f"http://{url}" if url[:4].lower() == "www." else url)  # type: ignore[method-assign]


def with_scheme(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the form of every rule
    """http:// and https://: found before emphasis is looked for, since an address may hold its characters."""
    if state.src[state.pos] != ":" or state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = SCHEME.search(state.src[max(0, state.pos - SCHEME_LIMIT) : state.pos])
    authority = AUTHORITY.match(state.src, state.pos, state.posMax) if scheme else None
    if not scheme or not authority:
        return False
    end = _end(state.src, authority.end(), state.posMax)
    start = state.pos - len(scheme[1])
    if end - start > ADDRESS_LIMIT:
        _as_text(state, end, silent=silent)
        return True
    address = state.src[start:end]
    href = state.md.normalizeLink(address)
    if not state.md.validateLink(href):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        opened = state.push("link_open", "a", 1)
        opened.attrs = {"href": href}
        state.push("text", "", 0).content = address
        state.push("link_close", "a", -1)
    state.pos = end
    return True


def _as_text(state: StateInline, end: int, *, silent: bool) -> None:
    if not silent:
        state.append_pending(state.src[state.pos : end])
    state.pos = end


def _end(text: str, host_end: int, limit: int) -> int:
    """Where the address ends whose host ends at ``host_end``."""
    tail = TAIL.match(text, host_end, limit)
    return host_end + len(tail[0].rstrip(TRAILING)) if tail else host_end - (text[host_end - 1] == ".")


def in_text(state: StateCore) -> None:
    """www. and mail addresses, in what is left as text."""
    limit = deadline.of(state.env)
    with suppress(deadline.TooSlow), limit.within(deadline.ONE_PARAGRAPH, deadline.DRAWN):
        for block in state.tokens:
            if block.type == "inline" and block.children and CANDIDATE.search(block.content):
                block.children = list(limit.each(_with_links(block.children, state.md)))


def _with_links(tokens: list[Token], markdown: MarkdownIt) -> Iterator[Token]:
    inside = 0  # links that are open
    for token in tokens:
        inside += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type == "text" and not inside:
            yield from _split(token, markdown)
        else:
            yield token


def _split(token: Token, markdown: MarkdownIt) -> Iterator[Token]:
    text, done = token.content, 0
    for start, end, target in _found(text):
        href = markdown.normalizeLink(target)
        if end - start > ADDRESS_LIMIT or not markdown.validateLink(href):
            continue
        if start > done:
            yield Token("text", "", 0, content=text[done:start], level=token.level)
        yield Token("link_open", "a", 1, attrs={"href": href}, level=token.level)
        yield Token("text", "", 0, content=text[start:end], level=token.level + 1)
        yield Token("link_close", "a", -1, level=token.level)
        done = end
    if not done:
        yield token
    elif done < len(text):
        yield Token("text", "", 0, content=text[done:], level=token.level)


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """Where addresses stand in a text, from left to right, and what they lead to."""
    done = 0
    for candidate in CANDIDATE.finditer(text):
        at = candidate.start()
        if at < done:
            continue
        if candidate[0] == "@":
            found = _mail(text, at, done)
        else:
            host = WWW.match(text, at)
            found = (at, end, f"http://{text[at:end]}") if host and (end := _end(text, host.end(), len(text))) else None
        if found:
            yield found
            done = found[1]


def _mail(text: str, at: int, done: int) -> tuple[int, int, str] | None:
    before = text[max(done, at - LOCAL_LIMIT) : at]
    local = before[len(before.rstrip(LOCAL)) :].lstrip(".!#$%&'*/=?^_{|}~-")
    domain = MAIL_DOMAIN.match(text, at + 1) if local and not local.endswith(".") and ".." not in local else None
    return (at - len(local), domain.end(), f"mailto:{local}@{domain[0]}") if domain else None
