"""Tags and filters of the house: loaded in every template as a builtin."""

import zlib
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.template import Context, Node
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from agentos.core import clock
from agentos.core.compiled import draw
from agentos.core.paths import path_to

register = template.Library()

HUES = 12  # .hue-0 to .hue-11 in house.css
MINUTE = 60
TILES = 1024  # that are kept
TIMES = 4096  # that are kept as they were shown: a turn is shown several times while it is answered
UNDO = "undo:"


class Draw(Node):
    """``{% draw "chat/_turn.html" turn=turn %}``: as ``include``, for what is compiled."""

    def __init__(self, name: str, more: dict[str, FilterExpression]) -> None:
        self.name = name
        self.more = more

    def render(self, context: Context) -> Any:
        values: Any = context.flatten()
        return draw(self.name, values | {name: value.resolve(context) for name, value in self.more.items()})


@register.tag(name="draw")
def _draw(parser: Parser, token: Token) -> Draw:
    _, name, *more = token.split_contents()
    return Draw(name.strip('"'), token_kwargs(more, parser))


@register.simple_tag(name="path_to")
def path_to_view(name: str, key: str) -> str:
    """Give the path of a view that takes one key, as ``url`` does: ``{% path_to "dashboard:stop" run.run_id as stop_url %}``."""
    return path_to(name, key)


def csrf_field(token: str | None) -> SafeString:
    """Draw the field of a compiled form for browsers without JavaScript; with it, every request carries the token in a header."""
    return format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', token) if token else SafeString()


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Draw a symbol of ``shared/_icons.html``. It says nothing to a screen reader: the words stand beside it."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#icon-{}"></use></svg>', name)


@register.simple_tag
@lru_cache(TILES)
def tile(name: str, key: str, size: str = "") -> SafeString:
    """Draw the monogram of ``name`` in the colour that ``key`` (an id, which never changes) was born with."""
    hue = zlib.crc32(key.encode()) % HUES
    return format_html('<span class="tile hue-{} {}" aria-hidden="true">{}</span>', hue, size, monogram(name))


@register.filter
def monogram(name: str) -> str:
    """Return the first letters of the first two words."""
    words = ("".join(char for char in word if char.isalnum()) for word in name.split())
    return "".join(word[0].upper() for word in words if word)[:2] or "?"


@register.simple_tag
def clock_time(moment: datetime | None) -> SafeString:
    """Show the time of day, and the date when it is not today. The browser puts it into its own time zone."""
    return SafeString() if moment is None else _clock_time(moment, timezone.localdate(clock.now()))


@lru_cache(TIMES)
def _clock_time(moment: datetime, today: date) -> SafeString:
    local = timezone.localtime(moment)
    text = f"{local:%H:%M}" if local.date() == today else f"{local.day} {local:%b, %H:%M}"
    return _time(moment, text, "clock")


@register.simple_tag
def ago(moment: datetime) -> SafeString:
    """Show how long ago it was, in one unit."""
    seconds = (clock.now() - moment).total_seconds()
    text = "just now" if seconds < MINUTE else f"{timesince(moment, clock.now(), depth=1)} ago"
    return _time(moment, text, "ago")


@lru_cache(TIMES)
def _time(moment: datetime, text: str, kind: str) -> SafeString:
    local = timezone.localtime(moment)
    exact = f"{local.day} {local:%B %Y, %H:%M}"  # as Django's date_format, which takes ten times as long
    return format_html('<time class="{}" datetime="{}" title="{}">{}</time>', kind, moment.isoformat(timespec="seconds"), exact, text)


@register.filter
def seconds(value: float | None) -> str:
    """Return a length of time for people: ``0.4 s``, ``42 s``, ``2 min 05 s``."""
    if value is None:
        return ""
    if value < 0.05:  # noqa: PLR2004 - would read as nothing
        return "under 0.1 s"
    if value < 9.95:  # noqa: PLR2004 - below ten, the tenths matter
        return f"{value:.1f} s"
    if value < MINUTE - 0.5:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), MINUTE)
    return f"{minutes} min {rest:02d} s"


@register.filter
def thousands(number: int) -> str:
    return f"{number:,}"


@register.filter
def undo_id(message: Message) -> str:
    """Return the id of the chat that this notice offers to bring back."""
    tags = (message.extra_tags or "").split()
    return next((tag.removeprefix(UNDO) for tag in tags if tag.startswith(UNDO)), "")


@register.filter
def words(slug: str) -> str:
    """Return a slug as it is read: ``web_search`` is ``web search``."""
    return slug.replace("_", " ").replace("-", " ")


@register.filter
def in_textarea(text: str) -> str:
    """Return a text for a textarea, which takes the first line break for its own."""
    return f"\n{text}"
