"""Fragments that are drawn at every message, or many times on a page: in Jinja, which compiles them, below ``compiled/``."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.template import engines
from jinja2 import Environment


def draw(name: str, context: Mapping[str, Any]) -> str:
    """Return the HTML of a fragment. A form in it has its token when ``context`` has ``csrf_token``."""
    environment = _environment()
    template = environment.get_template(name)
    # As Template.render, but that it asks a chain of dictionaries for each of the words: half of what a short fragment costs.
    known = template.new_context({**environment.globals, **context}, shared=True)
    try:
        return environment.concat(template.root_render_func(known))
    except Exception:  # noqa: BLE001 - it is raised again, with the line of the fragment
        environment.handle_exception()


@cache
def _environment() -> Environment:
    environment: Environment = engines["jinja2"].env  # type: ignore[attr-defined]
    return environment
