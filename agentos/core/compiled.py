"""Fragments that are drawn at every message, or many times on a page: in Jinja, which compiles them, below ``compiled/``."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.template import engines
from jinja2 import Environment


def draw(name: str, context: Mapping[str, Any]) -> str:
    """Return the HTML of a fragment. A form in it has its token when ``context`` has ``csrf_token``."""
    return _environment().get_template(name).render(context)


@cache
def _environment() -> Environment:
    environment: Environment = engines["jinja2"].env  # type: ignore[attr-defined]
    return environment
