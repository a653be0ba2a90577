"""The words that compiled fragments know: those of ``templatetags/house.py``, under the same names."""

import re
from collections.abc import Callable
from typing import Any

from django.urls import reverse
from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from agentos.core.paths import path_to
from agentos.core.templatetags import house

INCLUDE = re.compile(r'{% include "([^"]+)" %}')


class Inlining(FileSystemLoader):
    """Puts a fragment that another one includes into its place before they are compiled: asking for it and making it a context costs
    more than most of them cost to draw."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_fresh = super().get_source(environment, template)
        all_fresh = [is_fresh]

        def included(found: re.Match[str]) -> str:
            text, _, is_fresh = self.get_source(environment, found[1])
            all_fresh.append(is_fresh)
            return text

        whole = INCLUDE.sub(included, source)
        return whole, path, lambda: all(is_fresh() for is_fresh in all_fresh)


def environment(**options: Any) -> Environment:
    """Make Django's Jinja environment (settings: TEMPLATES). What is not there is nothing, as in Django's templates."""
    loader = Inlining(options["loader"].searchpath)
    made = Environment(**options | {"undefined": ChainableUndefined, "loader": loader})  # noqa: S701 - Django switches autoescape on
    made.globals.update(tile=house.tile, clock_time=house.clock_time, csrf_field=house.csrf_field, path_to=path_to, url=reverse)
    made.filters.update(icon=house.icon, in_textarea=house.in_textarea, seconds=house.seconds, thousands=house.thousands)
    return made
