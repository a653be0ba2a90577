"""What a chat is called until somebody names it: at first by the first words of its message, then as the model of its agent says."""

# ruff: noqa: RUF001 - marks of many languages

import re

from agentos.chat.models import AUTO_TITLE_LIMIT, TITLE_LIMIT
from agentos.core.rendering.fences import OPENING
from agentos.core.security.invisible import without
from agentos.core.text import clean, folded, shorten

FORK = " (fork)"

LINES_MOST = 3  # of what a model says when it is asked for a title
LINE_MOST = 100  # characters; what is longer is a paragraph
LABEL = re.compile(
    r"^(?:(?:chat |conversation )?title|titel|titre|título|titolo|tytuł|заголовок|标题|標題|タイトル|제목)\s*[:：]\s*", re.IGNORECASE
)
LEADING = re.compile(r"^(?:#{1,6}|[-*+>•]|\d{1,2}[.)])\s+")  # of a heading, a list, a quotation
EMPHASIS = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*|`([^`]+)`|^[*_]{1,3}(?=\S)([^*_]+)(?<=\S)[*_]{1,3}$")
QUOTES = frozenset(('""', "''", "“”", "„“", "„”", "‘’", "‚‘", "«»", "»«", "‹›", "「」", "『』", "《》"))
FULL_STOP = ".。．｡…"
REFUSAL = re.compile(
    r"(?:(?:i['’]?m |i am |we['’]?re )?(?:so )?(?:sorry|unable|afraid)|i (?:cannot|can['’]?t|can not)|as an? (?:ai|language model)"
    r"|es tut mir leid|(?:leider )?ich kann|désolée?|je (?:suis désolée?|ne peux)|lo siento|no puedo|mi dispiace|desculpe)\b",
    re.IGNORECASE,
)
SAYS_NOTHING = frozenset({"title", "untitled", "new chat", "chat", "conversation", "none", "n/a", "message", "answer", "no title"})


def title_of(message: str) -> str:
    """Return the title that a first message gives: its first words, which are not those of code when there are others."""
    words, code = _apart(message)
    first = words or next((line for line in code if any(map(str.isalnum, line))), "")
    return shorten(first.strip("`"), AUTO_TITLE_LIMIT)


def title_said(said: str, message: str) -> str:
    """Return the title in what a model said when it was asked for one; nothing where there is none: an excuse, a paragraph, the message
    again."""
    lines = [line for line in map(str.strip, clean(said).splitlines()) if line and not OPENING.match(line)]
    if len(lines) > 1 and lines[0].endswith((":", "：")):  # as in "Here is a title:"
        del lines[0]
    if not lines or len(lines) > LINES_MOST or len(lines[0]) > LINE_MOST:
        return ""
    title = _bare(" ".join(without(lines[0]).split()))
    plain = folded(title)
    if not any(map(str.isalnum, title)) or plain in SAYS_NOTHING or REFUSAL.match(title):
        return ""
    return "" if plain in {folded(message), folded(title_of(message))} else shorten(title, AUTO_TITLE_LIMIT)


def _bare(title: str) -> str:
    """Return a title without what belongs to none: a label, markdown, quotation marks, a full stop."""
    before = ""
    while title != before:
        before = title
        title = LABEL.sub("", LEADING.sub("", title))
        title = EMPHASIS.sub(lambda found: found[1] or found[2] or found[3], title).strip()
        if title[:1] + title[-1:] in QUOTES and not {title[0], title[-1]} & set(title[1:-1]):
            title = title[1:-1].strip()
        title = title.rstrip(FULL_STOP).rstrip()
    return title


def title_of_fork(title: str) -> str:
    """Return the title of a copy; that of a copy of a copy is no longer."""
    while title.endswith(FORK):
        title = title.removesuffix(FORK)
    return f"{shorten(title, TITLE_LIMIT - len(FORK))}{FORK}" if title else ""


def _apart(message: str) -> tuple[str, list[str]]:
    """Return the first line that is no code, and the lines of code before it. Code whose fence never ends is code to the end."""
    code: list[str] = []
    fence = ""
    for line in message.splitlines():
        bare = line.strip()
        if fence:
            if bare.startswith(fence) and not bare.strip(fence[0]):
                fence = ""
            else:
                code.append(line)
        elif opened := OPENING.match(line):
            fence = opened[2]
        elif bare:
            return bare, code
    return "", code
