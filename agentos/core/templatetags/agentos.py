"""Tags and filters that every template knows, as builtins."""

import contextlib
import zlib
from datetime import date, datetime, tzinfo
from functools import cache, lru_cache

from django import template
from django.contrib.messages.storage.base import Message
from django.db import models
from django.shortcuts import resolve_url
from django.template import Context
from django.template.base import Parser, Token
from django.templatetags.i18n import TranslateNode, do_translate
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import get_language

from agentos.conf import app_settings
from agentos.core import clock, people
from agentos.core.paths import path_to
from agentos.core.security import invisible
from agentos.core.stylesheets import stylesheet_urls

register = template.Library()

HUES = 12  # .hue-0 to .hue-11 in controls.css
MINUTE = 60
TILES = 1024  # that are kept
TIMES = 4096  # that are kept as they were shown: a turn is shown several times while it is answered
UNDO = "undo:"


class Sentence(TranslateNode):
    """``{% translate "..." %}``, Django's own, which looks a sentence up every time; this one does it once for each language. A page says
    fifty of them."""

    def __init__(self, node: TranslateNode) -> None:
        super().__init__(node.filter_expression, node.noop, node.asvar, node.message_context)
        self.known: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        if language not in self.known:
            self.known[language] = super().render(context)
        return self.known[language]


@register.tag
def translate(parser: Parser, token: Token) -> TranslateNode:
    node = do_translate(parser, token)
    said = node.filter_expression
    is_constant = said.var.literal is not None and not (said.filters or node.asvar or node.message_context)
    return Sentence(node) if is_constant else node


@register.simple_tag(name="path_to")
def path_to_view(name: str, key: str) -> str:
    """Give the path of a view that takes one key, as ``url`` does: ``{% path_to "dashboard:stop" run.run_id as stop_url %}``."""
    return path_to(name, key)


@register.simple_tag
def admin_page(thing: models.Model) -> str:
    """Return the path of the page where operators change this; empty in a project whose admin has none."""
    with contextlib.suppress(NoReverseMatch):
        return reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])  # noqa: SLF001
    return ""


@register.simple_tag
def sign_out_url() -> str:
    """Return where the button "Sign out" posts to; empty in a project that has not said it (AGENTOS_SIGN_OUT_URL)."""
    with contextlib.suppress(NoReverseMatch):
        return resolve_url(app_settings.SIGN_OUT_URL) if app_settings.SIGN_OUT_URL else ""
    return ""


register.filter(people.name_of)
register.filter(people.short_name_of)
register.filter(people.address_of)


@register.simple_tag
def stylesheets() -> SafeString:
    """Link the styles of every page."""
    return format_html_join("\n", '<link rel="stylesheet" href="{}">', ((url,) for url in stylesheet_urls()))


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
    return SafeString() if moment is None else _clock_time(moment, timezone.localdate(clock.now()), timezone.get_current_timezone())


@lru_cache(TIMES)
def _clock_time(moment: datetime, today: date, zone: tzinfo) -> SafeString:
    local = moment.astimezone(zone)
    text = f"{local:%H:%M}" if local.date() == today else f"{local.day} {local:%b, %H:%M}"
    return _time(moment, text, "clock", zone)


@register.simple_tag
def ago(moment: datetime) -> SafeString:
    """Show how long ago it was, in one unit."""
    seconds = (clock.now() - moment).total_seconds()
    text = "just now" if seconds < MINUTE else f"{timesince(moment, clock.now(), depth=1)} ago"
    return _time(moment, text, "ago", timezone.get_current_timezone())


@lru_cache(TIMES)
def _time(moment: datetime, text: str, kind: str, zone: tzinfo) -> SafeString:
    local = moment.astimezone(zone)
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


@register.simple_tag
def undo_url(message: Message) -> str:
    """Return where to post what takes back what this notice tells of."""
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


@register.filter(name="visible")
def shown(text: object) -> str:
    """Return a name, a title or a sentence with what cannot be seen in it made visible. What is not there is nothing."""
    return "" if text is None else invisible.visible(text)


@register.filter(name="exact")
def shown_exactly(text: object) -> str:
    """As ``visible``, for what somebody decides by."""
    return "" if text is None else invisible.exact(text)
