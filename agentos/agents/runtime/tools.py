"""The factories of the tools of ``agents/tools.py``. All are plain functions, which Agno runs in threads; none waits for anything."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agno.tools import Toolkit, tool
from agno.tools.function import Function
from agno.tools.reasoning import ReasoningTools
from agno.tools.user_control_flow import UserControlFlowTools

from agentos.agents import tools as choices
from agentos.agents.runtime import calculator
from agentos.core import clock

Tool = Toolkit | Function

TEXT_LIMIT = 100_000  # characters
ZONE_LIMIT = 64  # characters
WORDS_A_MINUTE = 230
SENTENCE_END = re.compile(r"[.!?](?!\S)")  # the last of several marks

# Agno shows these two as reasoning.
REASONING = frozenset({"think", "analyze"})


class NotOffered(LookupError):
    """The agent has tools that it may not have now."""


def current_time(zone: str = "UTC") -> str:
    """Tell the date and the time now.

    Args:
        zone: Name of a time zone, for example Europe/Berlin. UTC without one.
    """
    try:
        if len(zone) > ZONE_LIMIT:
            raise ValueError  # noqa: TRY301 - what is looked for in files must not be endless
        here: datetime = clock.now().astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"There is no time zone {zone[:60]!r}; use a name such as Europe/Berlin.") from None
    return f"{here:%A, %d %B %Y, %H:%M:%S} ({zone}, {here:%z})"


def text_statistics(text: str) -> str:
    """Count the characters, words, sentences and lines of a text.

    Args:
        text: The text, at most 100,000 characters.
    """
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"The text has {len(text):,} characters; {TEXT_LIMIT:,} can be counted.")
    words = len(text.split())
    sentences = len(SENTENCE_END.findall(text)) or min(1, words)
    minutes = max(1, round(words / WORDS_A_MINUTE)) if words else 0
    return f"characters: {len(text)}, words: {words}, sentences: {sentences}, lines: {len(text.splitlines())}, minutes to read: {minutes}"


def post_letter(to: str, text: str) -> str:
    """Rehearse the sending of a letter. Nothing is sent.

    Args:
        to: Who would get it.
        text: What it would say.
    """
    return f"This was a rehearsal: no letter to {to[:80]} was sent ({len(text)} characters)."


FACTORIES: dict[str, Callable[[], Tool]] = {
    "calculator": lambda: Toolkit(name="calculator", tools=list(calculator.FUNCTIONS)),
    "clock": lambda: Toolkit(name="clock", tools=[current_time]),
    "text": lambda: Toolkit(name="text", tools=[text_statistics]),
    "reasoning": lambda: ReasoningTools(add_instructions=True),
    "ask": UserControlFlowTools,
    "letterbox": lambda: tool(requires_confirmation=True)(post_letter),
}


@cache
def _shared(factory: Callable[[], Tool]) -> Tool:
    """Return the tool, made once: Agno copies its functions for every run, and takes milliseconds to look into new ones."""
    return factory()


def build(slugs: Iterable[str]) -> list[Tool]:
    """Return the tools of these slugs. Raises NotOffered: an agent that should have a tool does not go without."""
    wanted = list(dict.fromkeys(slugs))
    refused = choices.not_offered(wanted)
    if refused:
        raise NotOffered(f"These tools are not offered: {', '.join(refused)}.")
    return [_shared(FACTORIES[slug]) for slug in wanted]


def names(tools: Iterable[Tool]) -> set[str]:
    """Return the names by which a model calls these tools."""
    found: set[str] = set()
    for item in tools:
        found.update(item.functions) if isinstance(item, Toolkit) else found.add(item.name)
    return found
