"""What a file is called. A name is data that somebody typed: it is shown and sent, and never a path."""

import re
from pathlib import PurePosixPath

from agentos.core.security.invisible import without
from agentos.core.text import clean, cut_before
from agentos.files.models import NAME_LIMIT

ODD = re.compile(r'[\x00-\x1f\x7f-\x9f:*?"<>|\ufffd]')
LONGEST_ENDING = 10  # characters


def checked_name(name: str) -> str:
    """Return what is left of a name when its folders are gone, and what makes it another thing than it looks like."""
    last = re.split(r"[/\\]", clean(name))[-1]
    plain = " ".join(ODD.sub("_", without(last)).split()).strip(" .")
    if not plain:
        return "file"
    if len(plain) > NAME_LIMIT:
        ending = ending_of(plain)
        stem = plain[: len(plain) - len(ending)]
        plain = stem[: cut_before(stem, NAME_LIMIT - len(ending))] + ending
    return plain


def ending_of(name: str) -> str:
    """Return the ending with its dot, in small letters; empty where there is none."""
    ending = PurePosixPath(name).suffix
    return ending.lower() if 1 < len(ending) <= LONGEST_ENDING else ""


def with_ending(name: str, ending: str) -> str:
    """Return a name whose bytes have become of another type."""
    old = ending_of(name)
    return f"{name[: len(name) - len(old)] if old else name}{ending}"
