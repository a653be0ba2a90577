"""Untrusted markdown to safe HTML: the only place that marks anything safe.

markdown-it with raw HTML off, Pygments for code, then nh3 over the final HTML. Images become links that name their host:
an image would be fetched by the reader's browser, and its address can carry out what the model was told.
"""

import hashlib
import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import nh3
from django.core.cache import cache as shared_cache
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from linkify_it import LinkifyIt  # type: ignore[import-untyped]
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

RENDERED_LIMIT = 200_000  # characters; a longer text is shown as it is
HIGHLIGHT_LIMIT = 50_000  # characters of one code block
LANGUAGE_LIMIT = 20  # characters
CACHE_SECONDS = 24 * 3600
CACHE_VERSION = 1  # count up when the HTML of the same text changes

TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "span", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title", "class"},
    "code": {"class"},
    "div": {"class", "tabindex", "role", "aria-label", "data-language"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
SCHEMES = {"http", "https", "mailto"}
# Made once: taking in what it allows costs more than cleaning a paragraph.
CLEANER = nh3.Cleaner(tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow ugc")
CLOSING = re.compile(r"(?:</(?:p|li|ul|ol)>\s*)+\Z")
LINK = re.compile(r"[.:@/]\S")  # is in everything that is taken for a link


class Renderer(RendererHTML):
    """HTML that fits inside a page of ours: headings one level lower, tables and code that scroll inside themselves."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f"<h{min(int(tokens[idx].tag[1]) + 1, 6)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f"</h{min(int(tokens[idx].tag[1]) + 1, 6)}>\n"

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return '<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table>\n'

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

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        source = str(tokens[idx].attrGet("src") or "")
        label = tokens[idx].content or "Image"
        host = urlsplit(source).netloc
        return f'<a href="{escape(source)}">{escape(label)} (image{f" at {escape(host)}" if host else ""})</a>'

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return code_block(tokens[idx].content, tokens[idx].info)

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return code_block(tokens[idx].content, "")


def code_block(code: str, info: str) -> str:
    """Return highlighted code in the frame that the copy button is put into. ``info``: what stands behind its fence."""
    lexer, body = _lexer(info), str(escape(code))
    if lexer and len(code) <= HIGHLIGHT_LIMIT:
        body = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return f'<div class="code" data-language="{escape(language(info))}"><pre tabindex="0"><code>{body}</code></pre></div>\n'


def language(info: str) -> str:
    """Return the name of a language as a block of code shows it."""
    lexer = _lexer(info)
    return (lexer.aliases[0] if lexer else _word(info))[:LANGUAGE_LIMIT]


def _lexer(info: str) -> Lexer | None:
    try:
        return get_lexer_by_name(_word(info), stripnl=False) if _word(info) else None
    except ClassNotFound:
        return None


def _word(info: str) -> str:
    return info.strip().partition(" ")[0].lower()


class Links(LinkifyIt):  # type: ignore[misc]  # it has no types
    """Looks for links where there can be any: its own first look costs more than all other rendering of a paragraph."""

    def pretest(self, text: str) -> bool:
        return LINK.search(text) is not None and super().pretest(text)


@cache
def parser() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "linkify": True}, renderer_cls=Renderer)
    markdown.linkify = Links()
    markdown.enable(["table", "strikethrough", "linkify"])
    return markdown


def render(text: str) -> SafeString:
    """Return the HTML of a markdown text that nobody has vetted."""
    if len(text) > RENDERED_LIMIT:
        return mark_safe(f'<p class="as-written">{escape(text)}</p>')
    html = parser().render(text)
    return mark_safe(CLEANER.clean(html))


def ending_with(html: SafeString, more: SafeString) -> SafeString:
    """Put ``more`` behind the last word of the last paragraph or item of rendered text; behind everything when it ends otherwise."""
    closing = CLOSING.search(html)
    end = closing.start() if closing else len(html)
    return mark_safe(f"{html[:end]}{more}{html[end:]}")


def render_cached(text: str) -> SafeString:
    """Return ``render(text)``, remembered by content. A cache that is down costs time only."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    key = f"markdown:{CACHE_VERSION}:{digest}"
    try:
        found = shared_cache.get(key)
        if found is None:
            found = str(render(text))
            shared_cache.set(key, found, CACHE_SECONDS)
    except Exception:  # noqa: BLE001 - whatever a cache server can raise: the text is rendered all the same
        return render(text)
    return mark_safe(str(found))
