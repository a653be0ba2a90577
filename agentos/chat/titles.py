"""What a chat is called until somebody names it."""

from agentos.chat.models import AUTO_TITLE_LIMIT, TITLE_LIMIT
from agentos.core.rendering.fences import OPENING
from agentos.core.text import shorten

FORK = " (fork)"


def title_of(message: str) -> str:
    """Return the title that a first message gives: its first words, which are not those of code when there are others."""
    words, code = _apart(message)
    first = words or next((line for line in code if any(map(str.isalnum, line))), "")
    return shorten(first.strip("`"), AUTO_TITLE_LIMIT)


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
