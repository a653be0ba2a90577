"""Notices in an open tab: a polite sentence in the corner, which goes by itself or at a click."""

from django.contrib.messages import WARNING
from django.contrib.messages.storage.base import Message
from django.template.loader import render_to_string

from agentos.core.fragments import fragment

RESTART = "The server restarts; this page reconnects by itself."


def notice(sentence: str, level: int = WARNING) -> str:
    """A fragment; ``level`` as Django's messages have it. An error would stay until it is closed, and interrupt a screen reader."""
    html = render_to_string("shared/_notices.html#items", {"messages": [Message(level, sentence)]})
    return fragment(html.strip(), "#notices", "beforeend")


def heard(rung: set[str]) -> str:
    """The notices among what rang (agentos/core/notices.py)."""
    return "".join(notice(topic.partition("#")[2]) for topic in sorted(rung) if topic.startswith("notice:"))
