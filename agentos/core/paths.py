"""Paths that are asked for again and again: those with one key, and those that all of a face is below."""

import contextlib
import re
from functools import cache
from urllib.parse import quote

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.http import RFC3986_SUBDELIMS

STAND_IN = "stand-in"
PLAIN = re.compile(r"[\w.-]+", re.ASCII)  # is written as it is
SAFE = f"{RFC3986_SUBDELIMS}/~:@"  # as Django has it


def path_to(name: str, key: str) -> str:
    """Return what ``reverse`` returns for a view that takes one key."""
    before, after = _around(name, settings.ROOT_URLCONF, get_script_prefix())
    return f"{before}{key if PLAIN.fullmatch(key) else quote(key, safe=SAFE)}{after}"


def is_one_of(path: str, name: str) -> bool:
    """Whether a path is that of a view that takes one key."""
    before, after = _around(name, settings.ROOT_URLCONF, get_script_prefix())
    key = path.removeprefix(before).removesuffix(after)
    return path == f"{before}{key}{after}" and bool(key) and "/" not in key


@cache
def _around(name: str, urlconf: str, prefix: str) -> tuple[str, str]:
    """``urlconf`` and ``prefix``: what the path depends on."""
    before, _, after = reverse(name, args=[STAND_IN]).partition(STAND_IN)
    return before, after


def is_below(path: str, *names: str) -> bool:
    """Whether a path (``path_info``) is one of these views' own, or below it. A view that this project has nowhere has nothing below it."""
    return path.startswith(_mounts(names, settings.ROOT_URLCONF, get_script_prefix()))


@cache
def _mounts(names: tuple[str, ...], urlconf: str, prefix: str) -> tuple[str, ...]:
    found = []
    for name in names:
        with contextlib.suppress(NoReverseMatch):
            found.append(f"/{reverse(name).removeprefix(prefix)}")
    return tuple(found)
