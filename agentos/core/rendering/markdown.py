"""Untrusted markdown to safe HTML: the only place that marks anything safe.

markdown-it with raw HTML off, Pygments for code (``highlighting``), then nh3 over the final HTML. Images become links that name their host:
an image would be fetched by the reader's browser, and its address can carry out what the model was told.
"""

import hashlib
import re
from collections.abc import Mapping, MutableMapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import nh3
from django.core.cache import cache as shared_cache
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from agentos.core.rendering import callouts, deadline, emphasis, fences, footnotes, formulas, links, lists, mathml, nesting, tables
from agentos.core.rendering.highlighting import code_block

RENDERED_LIMIT = 100_000  # characters; a longer text is shown as it is
SHORT = 1_000  # characters that are too few to take long: what took the time was Python, clearing its memory
CACHE_SECONDS = 24 * 3600
CACHE_VERSION = 7  # count up when the HTML of the same text changes

TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h2", "h3", "h4", "h5", "h6", "hr", "input", "li", "ol", "p", "pre", "s",
    "section", "span", "strong", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title", "class", "id", "aria-label", "target"},
    "code": {"class"},
    "div": {"class", "tabindex", "role", "aria-label", "data-language"},
    "input": {"type", "checked", "disabled", "aria-label"},
    "li": {"class", "id", "value"},
    "ol": {"start", "class"},
    "p": {"class"},
    "pre": {"tabindex"},
    "section": {"class", "aria-label"},
    "span": {"class", "tabindex", "role", "aria-label"},
    "sup": {"class"},
    "td": {"class"},
    "th": {"class"},
    "ul": {"class"},
}
SCHEMES = {"http", "https", "mailto"}
# Made once: taking in what it allows costs more than cleaning a paragraph.
CLEANER = nh3.Cleaner(
    tags=TAGS | mathml.TAGS,
    attributes=ATTRIBUTES | {tag: {*mathml.ATTRIBUTES, "class"} for tag in mathml.TAGS} | {"math": {"display", "alttext"}},
    url_schemes=SCHEMES,
    link_rel="noopener noreferrer nofollow ugc",
)
PIECE = re.compile(r"(<[^>]*>)")
TAG = re.compile(r"<(/?)([a-z0-9]+)")
NOT_LINKED = {"a", "code", "pre", "math"}
NAMED = re.compile(r"\[(\d{1,3}(?:, ?\d{1,3})*)\]")  # a source, or several
CLOSING = re.compile(r"(?:</p>\s*</(?:div|blockquote)>\s*|</(?:p|li|ul|ol)>\s*)+\Z")


class Renderer(RendererHTML):
    """HTML that fits inside a page of ours: headings one level lower, tables and code that scroll inside themselves."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f"<h{min(int(tokens[idx].tag[1]) + 1, 6)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f"</h{min(int(tokens[idx].tag[1]) + 1, 6)}>\n"

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return '<div class="table-scroll" tabindex="0" role="group" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f"<th{self._alignment(tokens[idx])}>"

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f"<td{self._alignment(tokens[idx])}>"

    @staticmethod
    def _alignment(token: Token) -> str:
        """markdown-it aligns by an inline style, which the CSP forbids: a class says the same."""
        style = str(token.attrGet("style") or "")
        side = style.removeprefix("text-align:")
        return f' class="{side}"' if side in {"left", "center", "right"} else ""

    def alert_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f'<div class="callout {escape(tokens[idx].info.lower())}" role="note">\n'

    def alert_title_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return '<p class="callout-title">'

    def formula(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return formulas.draw(tokens[idx].content, tokens[idx].markup, env)

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        source = str(tokens[idx].attrGet("src") or "")
        label = tokens[idx].content or "Image"
        host = _host(source)
        return f'<a href="{escape(source)}" target="_blank">{escape(label)} (image{f" at {escape(host)}" if host else ""})</a>'

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        """A link leads into a tab of its own: the chat stays where it is."""
        if not str(tokens[idx].attrGet("href") or "").startswith(("#", "mailto:")):
            tokens[idx].attrSet("target", "_blank")
        return self.renderToken(tokens, idx, options, env)

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return code_block(tokens[idx].content, tokens[idx].info, deadline.of(env))

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return code_block(tokens[idx].content, "")

    def as_written(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return as_written(tokens[idx].content)

    def words_as_written(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f'<span class="as-written">{escape(tokens[idx].content)}</span>'


def as_written(text: str) -> str:
    """Return the HTML of a text that is shown as it is."""
    lines = text.strip("\n")
    return f'<p class="as-written">{escape(lines)}</p>'


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:  # brackets that hold no address
        return ""


@cache
def parser(*, growing: bool = False, wrapped: bool = False) -> MarkdownIt:
    options = {"html": False, "breaks": not wrapped, "growing": growing}
    markdown = MarkdownIt("commonmark", options, renderer_cls=Renderer)
    for feature in (nesting, emphasis, fences, lists, callouts, tables, formulas, footnotes, links, deadline):
        feature.install(markdown)
    markdown.enable("strikethrough")
    if growing:
        markdown.disable("reference")  # an address that is defined later, or earlier: each block is rendered alone
    return markdown


def render(text: str, *, name: str = "", growing: bool = False, wrapped: bool = False) -> SafeString:
    """Return the HTML of a markdown text that nobody has vetted, within the time that one text may take (``deadline``).

    ``name`` begins the ids of its footnotes, and is to be the only one on its page. ``growing``: more may come, and each block is rendered
    by itself. ``wrapped``: its lines were broken to be short, so the end of a line is a space; otherwise it is a line break.
    """
    if len(text) > RENDERED_LIMIT:
        return mark_safe(as_written(text))
    env: dict[str, Any] = {"name": name}
    html = parser(growing=growing, wrapped=wrapped).render(text, env)
    if deadline.of(env).gave_up and len(text) <= SHORT:
        html = parser(growing=growing, wrapped=wrapped).render(text, {"name": name})
    return mark_safe(CLEANER.clean(html))


def code(text: str, info: str, until: deadline.Deadline | None = None) -> SafeString:
    """Return code in its frame. ``info``: what stands behind its fence."""
    return mark_safe(CLEANER.clean(code_block(text, info, until)).rstrip())


def ending_with(html: SafeString, more: SafeString) -> SafeString:
    """Put ``more`` behind the last word of the last paragraph or item of rendered text; behind everything when it ends otherwise."""
    closing = CLOSING.search(html)
    end = closing.start() if closing else len(html)
    return mark_safe(f"{html[:end]}{more}{html[end:]}")


def put_for(mark: SafeString, more: SafeString, html: SafeString) -> SafeString:
    """Put ``more`` wherever ``mark`` stands in HTML. It is a tag, so that no text can be taken for it."""
    return mark_safe(html.replace(mark, more))


def render_cached(text: str, *, name: str = "", wrapped: bool = False) -> SafeString:
    """Return ``render(text)``, remembered by content. A cache that is down costs time only."""
    name = name if footnotes.REFERENCE.search(text) else ""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    key = f"markdown:{CACHE_VERSION}:{name}:{'wrapped:' if wrapped else ''}{digest}"
    try:
        found = shared_cache.get(key)
        if found is None:
            found = str(render(text, name=name, wrapped=wrapped))
            shared_cache.set(key, found, CACHE_SECONDS)
    except Exception:  # noqa: BLE001 - whatever a cache server can raise: the text is rendered all the same
        return render(text, name=name, wrapped=wrapped)
    return mark_safe(str(found))


def with_sources(html: SafeString, links: Mapping[int, str]) -> SafeString:
    """Return the HTML with its [1] as links to sources, by their numbers; not within code, links and formulas."""
    pieces: list[str] = []
    inside = 0
    for piece in PIECE.split(html):
        if piece.startswith("<"):
            name = TAG.match(piece)
            if name and name[2] in NOT_LINKED:
                inside += -1 if name[1] else 1
        elif not inside and "[" in piece:
            piece = NAMED.sub(lambda found: _linked(found, links), piece)  # noqa: PLW2901 - the same piece, with links in it
        pieces.append(piece)
    return mark_safe("".join(pieces))


def _linked(found: re.Match[str], links: Mapping[int, str]) -> str:
    numbers = [int(number) for number in found[1].split(",")]
    if not all(number in links for number in numbers):
        return found[0]
    return "".join(f'<a class="cite" href="{escape(links[number])}">[{number}]</a>' for number in numbers)
