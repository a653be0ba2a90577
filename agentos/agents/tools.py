"""The tools that an agent may be given: an allow-list of slugs. Nothing here runs code, reads files or opens the network.

``runtime/tools.py`` has a factory for each slug (a test holds the two together).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``network``: reaches other machines. ``asks``: a person has to answer before it goes on. ``scripted``: for trials only."""

    slug: str
    label: str
    description: str
    network: bool = False
    asks: bool = False
    scripted: bool = False


TOOLS: dict[str, ToolChoice] = {
    choice.slug: choice
    for choice in (
        ToolChoice("calculator", "Calculator", "Arithmetic with exact whole numbers: sums, powers, roots, factorials, primes."),
        ToolChoice("clock", "Clock", "The date and the time now, in any time zone."),
        ToolChoice("text", "Text statistics", "Counts the characters, words, sentences and lines of a text."),
        ToolChoice("reasoning", "Reasoning", "A scratchpad in which the agent thinks step by step; its steps are shown folded."),
        ToolChoice("ask", "Ask the user", "Stops and shows the user a small form when something is missing.", asks=True),
        ToolChoice(
            "letterbox", "Rehearsal letter", "Asks for approval, then only pretends to send a letter. For trials.", asks=True, scripted=True
        ),
    )
}


def tool_choices() -> list[ToolChoice]:
    """Return what an operator may choose from now."""
    return [choice for choice in TOOLS.values() if settings.SCRIPTED_MODELS or not choice.scripted]


def not_offered(slugs: Iterable[str]) -> list[str]:
    """Return those of ``slugs`` that no agent may be given now, in their order."""
    offered = {choice.slug for choice in tool_choices()}
    return [slug for slug in slugs if slug not in offered]
