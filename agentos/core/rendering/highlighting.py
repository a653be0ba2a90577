"""Code in its colours, by Pygments. What it makes is cleaned with the rest of the text.

Many of Pygments' lexers have expressions that grow with the square of a text or worse, and a single match cannot be interrupted: it
stops every thread of the server. So only those are used that hold out against hostile code of the length that is highlighted
(tests/core/rendering/test_highlighting.py), and between two of its words each is asked whether there is time left.
"""

import re
from functools import cache
from io import StringIO

from django.utils.html import escape
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import LEXERS, get_lexer_by_name

from agentos.core.rendering.deadline import DRAWN, ONE_CODE, Deadline, TooSlow

HIGHLIGHT_LIMIT = 4_000  # characters of one code block
NAME = re.compile(r"\{?\.?([\w+#.-]+)")
LANGUAGE_LIMIT = 20  # characters

TESTED = {
    "bash", "c", "cpp", "csharp", "css", "go", "html", "java", "javascript", "json", "jsx", "kotlin", "php", "powershell", "python", "ruby",
    "rust", "sql", "swift", "toml", "tsx", "typescript", "xml", "yaml",
}  # fmt: skip
OPTIONS = {"markdown": {"handlecodeblocks": False}}  # which would take any lexer for the code inside
FORMATTER = HtmlFormatter(nowrap=True)
ALIASES: dict[str, str] = {
    alias: aliases[0] for _, _, aliases, _, _ in LEXERS.values() if aliases and aliases[0] in TESTED for alias in aliases
}


def code_block(code: str, info: str, deadline: Deadline | None = None) -> str:
    """Return highlighted code in the frame that the copy button is put into. ``info``: what stands behind its fence."""
    body = _coloured(code, info, deadline or Deadline()) if len(code) <= HIGHLIGHT_LIMIT else ""
    return f'<div class="code" data-language="{escape(language(info))}"><pre tabindex="0"><code>{body or escape(code)}</code></pre></div>\n'


def language(info: str) -> str:
    """Return the name of a language as a block of code shows it."""
    word = _word(info)
    return ALIASES.get(word, word)[:LANGUAGE_LIMIT]


def _coloured(code: str, info: str, deadline: Deadline) -> str:
    """Return the HTML of the code; "" when its language is not known, or when it takes too long."""
    name = ALIASES.get(_word(info))
    if name is None:
        return ""
    with deadline.stopped():
        lexer = _lexer(name)
    coloured = StringIO()
    try:
        with deadline.within(ONE_CODE, DRAWN):
            FORMATTER.format(deadline.each(lexer.get_tokens(code)), coloured)
    except TooSlow:
        return ""
    return coloured.getvalue()


@cache
def _lexer(name: str) -> Lexer:
    """Making one takes as long as a few lines of code. It keeps nothing of what it has read."""
    return get_lexer_by_name(name, stripnl=False, **OPTIONS.get(name, {}))


def _word(info: str) -> str:
    """Return what names the language: it may stand in braces, or have a file or lines behind it (``python:main.py``, ``js{1,3}``)."""
    found = NAME.match(info.strip())
    return (found[1] if found else info.strip().partition(" ")[0]).lower()
