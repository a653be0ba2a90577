"""Fragments: the HTML of a part of a page, and its address, by which htmx puts what a stream or an answer sends in its place."""

from collections.abc import Mapping
from typing import Any

from django.template import Context
from django.template.defaulttags import CsrfTokenNode
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from agentos.core.rendering.markdown import put_for


def draw(template: str, context: Mapping[str, Any]) -> SafeString:
    """Return the HTML of a template, or of a part of one (``page.html#part``), for htmx, which sends the token of forms in a header."""
    return with_token(draw_without_token(template, context), "")


def draw_without_token(template: str, context: Mapping[str, Any]) -> SafeString:
    """As ``draw``, to be kept: ``with_token`` makes of it what a request is answered."""
    return render_to_string(template, {"csrf_token": STAND_IN, **context})


def with_token(html: SafeString, token: str) -> SafeString:
    """Put a field for the token into every form that posts; none when there is no token."""
    return put_for(STAND_IN_FIELD, _field(token), html)


def fragment(html: str, target: str, swap: str) -> str:
    """Return ``html``, already safe, for the element that the selector ``target`` finds."""
    return f'<hx-partial hx-target="{target}" hx-swap="{swap}">{html}</hx-partial>'


def _field(token: str) -> SafeString:
    """What ``{% csrf_token %}`` draws."""
    return conditional_escape(CsrfTokenNode().render(Context({"csrf_token": token}))) if token else SafeString()


STAND_IN = "stand-in"
STAND_IN_FIELD = _field(STAND_IN)
