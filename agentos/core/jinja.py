"""The words that compiled fragments know: those of ``templatetags/house.py``, under the same names."""

from typing import Any

from django.urls import reverse
from jinja2 import ChainableUndefined, Environment

from agentos.core.paths import path_to
from agentos.core.templatetags import house


def environment(**options: Any) -> Environment:
    """Make Django's Jinja environment (settings: TEMPLATES). What is not there is nothing, as in Django's templates."""
    made = Environment(**options | {"undefined": ChainableUndefined})  # noqa: S701 - Django switches autoescape on
    made.globals.update(tile=house.tile, clock_time=house.clock_time, csrf_field=house.csrf_field, path_to=path_to, url=reverse)
    made.filters.update(icon=house.icon, in_textarea=house.in_textarea, seconds=house.seconds, thousands=house.thousands)
    return made
