"""The ids of the elements of a turn."""

from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentos.chat.models import Run

NAMES = 1024  # that are kept


@lru_cache(NAMES)
def named(pattern: str, *of: int | str) -> SafeString:
    """What a template writes a dozen times, and would make safe and spell out each time."""
    return format_html(pattern, *of)


def turn_id(run: Run) -> SafeString:
    """The id of the turn's element: by turn, so that a retry takes the place of what it replaces."""
    return named("turn-{}", run.turn)


def part_id(of: str, index: int) -> SafeString:
    """``of``: the turn, or the delegation, whose part it is."""
    return named("{}-part-{}", of, index)


def calls_id(of: str, first: int) -> SafeString:
    return named("{}-calls-{}", of, first)
