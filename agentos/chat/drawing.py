"""A turn as HTML. One that has ended is drawn once: its HTML is kept, by all that it depends on."""

from collections.abc import Hashable, Sequence

from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from agentos.chat.live.turns import TurnView
from agentos.core.fragments import draw_without_token, with_token
from agentos.core.rendering.kept import kept

TURN = "agentos/session.html#turn"


def render_turn(view: TurnView, csrf_token: str = "") -> SafeString:
    """Return the turn's HTML; without a token for htmx, which sends it in a header."""
    return with_token(_drawn(view), csrf_token)


def render_turns(views: Sequence[TurnView], csrf_token: str = "") -> list[SafeString]:
    return [render_turn(view, csrf_token) for view in views]


def key_of(view: TurnView) -> Hashable:
    """All that the HTML of an ended turn depends on. ``revision`` counts what changes its run; ``said_at`` is another text tomorrow, and
    in another time zone."""
    run, given = view.run, view.feedback
    return (
        *(run.run_id, run.revision, run.status, run.file_count),
        *(view.agent_name, view.missing, view.is_last, view.may_write, view.tests_of, view.said_at),
        view.choices,
        (given.value, given.note) if given else None,
        *(get_language(), get_script_prefix()),
    )


def _drawn(view: TurnView) -> SafeString:
    key = key_of(view) if view.has_ended else None
    html = kept.get(key) if key is not None else None
    if html is None:
        # What takes its time is rendered before, not from within the template: Python gets slow that deep in calls.
        html = draw_without_token(TURN, {"turn": view, "said": view.said, "parts": view.parts})
        if key is not None:
            kept.put(key, html)
    return html
