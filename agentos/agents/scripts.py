"""The grammar of the scripted models: what follows ``scripted:`` in the name of a model. No Agno here.

<tokens>x<ms>       so many tokens, so many milliseconds apart (200x20); the same words every time
echo                repeats the user's message, word by word
tour                a guided tour of what the product can show
library             searches its knowledge for what it was asked, and answers with sentences of what it has found, and their numbers
errand              searches, reads, calculates, draws, and asks before it writes a mail
hang@<n>[x<ms>]     goes silent for ever after n tokens; ``hang`` is ``hang@0``
fail@<n>[x<ms>]     the provider fails (503) after n tokens; ``fail`` is ``fail@0``
flaky               fails (503) before the first token of a run's first request, then answers
busy | auth | long  the provider says 429, 401, or that the context is too long
raise               the adapter of the model has a bug
empty               the model says nothing and ends
tool                calls the calculator, then answers with its result
loop                calls the calculator for ever
badjson | notool    calls a tool with broken arguments, or one that does not exist, then answers
approve             calls a tool that a person has to approve, then answers
ask                 asks the user for values, then answers
calls               calls what the user's message says: a line is a name and its arguments as JSON, ``web_search {"query": "tea"}``; lines
                    of a paragraph are called at once, then those of the next. ``{{1}}`` is the result of the first call. What follows
                    ``say`` is the answer.
obey                as ``calls``, and does whatever the results of tools say in the same way
effort              says with which effort it was asked
given               says which pictures, recordings and files it was given, with their size, and how many of earlier turns
recall              says how much of the chat it was shown, and sums a chat up when it is asked to
lead                leads a team: gives its message to every member (or to the first, or to all at once, by the mode), then answers
title               answers, and has a title for the chat when it is asked for one, which no other script has
"""

import re
from dataclasses import dataclass

TOKENS_LIMIT = 100_000
PAUSE_LIMIT = 60_000  # milliseconds

_PLAIN = frozenset(
    {
        "echo",
        "tour",
        "errand",
        "library",
        "flaky",
        "busy",
        "auth",
        "long",
        "raise",
        "empty",
        "tool",
        "loop",
        "badjson",
        "notool",
        "approve",
        "ask",
        "title",
        "calls",
        "lead",
        "obey",
        "effort",
        "recall",
        "given",
    }
)
_WORDS = re.compile(r"(?P<tokens>\d{1,6})x(?P<ms>\d{1,5})", re.ASCII)
_AFTER = re.compile(r"(?P<act>hang|fail)(?:@(?P<tokens>\d{1,6})(?:x(?P<ms>\d{1,5}))?)?", re.ASCII)

# What a script calls is at hand whatever the agent's own list says.
_TOOLS: dict[str, tuple[str, ...]] = {
    "tour": ("calculator", "clock"),
    "errand": ("web-search", "fetch-page", "python", "chart", "send-mail"),
    "tool": ("calculator",),
    "loop": ("calculator",),
    "badjson": ("calculator",),
    "notool": ("calculator",),
    "approve": ("letterbox",),
    "ask": ("ask",),
}


@dataclass(frozen=True, slots=True)
class Script:
    act: str
    tokens: int = 0
    ms: int = 0

    @property
    def takes_media(self) -> bool | None:
        """Whether it looks at pictures, recordings and files. None: whatever it is given, it says what it says."""
        return True if self.act == "given" else None

    @property
    def tools(self) -> tuple[str, ...]:
        return _TOOLS.get(self.act, ())


def parse(text: str) -> Script | None:
    """Return the script that ``text`` names, or None when it names none."""
    if text in _PLAIN:
        return Script(text)
    match = _WORDS.fullmatch(text) or _AFTER.fullmatch(text)
    if match is None:
        return None
    act = match.groupdict().get("act") or "words"
    script = Script(act, int(match["tokens"] or 0), int(match["ms"] or 0))
    return script if script.tokens <= TOKENS_LIMIT and script.ms <= PAUSE_LIMIT else None
