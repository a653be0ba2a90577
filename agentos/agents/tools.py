"""The tools that an agent may be given: an allow-list of slugs. Nothing here runs code, reads files or opens the network.

``runtime/tools.py`` has a factory for each slug (a test holds the two together).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agentos.conf import app_settings

SPLIT = re.compile(r"[_\-./\s]+|(?<=[a-z0-9])(?=[A-Z])")  # between the words of a name


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``calls``: the names by which a model calls it. ``network``: reaches other machines. ``asks``: a person has to answer before it
    goes on. ``scripted``: for trials only."""

    slug: str
    label: str
    description: str
    calls: tuple[str, ...] = ()
    network: bool = False
    asks: bool = False
    scripted: bool = False


TOOLS: dict[str, ToolChoice] = {
    choice.slug: choice
    for choice in (
        ToolChoice(
            "calculator",
            "Calculator",
            "Arithmetic with exact whole numbers: sums, powers, roots, factorials, primes.",
            calls=("add", "subtract", "multiply", "divide", "exponentiate", "factorial", "is_prime", "square_root"),
        ),
        ToolChoice("clock", "Clock", "The date and the time now, in any time zone.", calls=("current_time",)),
        ToolChoice("text", "Text statistics", "Counts the characters, words, sentences and lines of a text.", calls=("text_statistics",)),
        ToolChoice(
            "reasoning",
            "Reasoning",
            "A scratchpad in which the agent thinks step by step; its steps are shown folded.",
            calls=("think", "analyze"),
        ),
        ToolChoice(
            "ask",
            "Ask the user",
            "Stops and shows the user a small form when something is missing.",
            calls=("get_user_input",),
            asks=True,
        ),
        ToolChoice(
            "letterbox",
            "Rehearsal letter",
            "Asks for approval, then only pretends to send a letter. For trials.",
            calls=("post_letter",),
            asks=True,
            scripted=True,
        ),
    )
}


LABELS = {name: choice.label for choice in TOOLS.values() for name in choice.calls}


def described(slugs: Iterable[str]) -> list[ToolChoice]:
    """Return the tools of these slugs, without those that there are no more."""
    return [TOOLS[slug] for slug in slugs if slug in TOOLS]


def label_of(name: str) -> str:
    """Return the name of a tool for people. ``name`` is the one by which a model calls it, which may be a tool's that is not ours."""
    if name in LABELS:
        return LABELS[name]
    words = SPLIT.sub(" ", name).strip()
    return words[:1].upper() + words[1:] if words else name


def tool_choices() -> list[ToolChoice]:
    """Return what an operator may choose from now."""
    return [choice for choice in TOOLS.values() if app_settings.SCRIPTED_MODELS or not choice.scripted]


def not_offered(slugs: Iterable[str]) -> list[str]:
    """Return those of ``slugs`` that no agent may be given now, in their order."""
    offered = {choice.slug for choice in tool_choices()}
    return [slug for slug in slugs if slug not in offered]
