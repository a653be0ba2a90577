"""Where an address comes from. What a model makes up may carry out what it has read: in a path, a query, or the name of a host."""

import re
from collections.abc import Iterable
from itertools import islice
from urllib.parse import urlsplit, urlunsplit

from agentos.agents.tools.definition import CallContext
from agentos.core.security.guarded_http.addresses import URL_LIMIT

WRITTEN = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
BARE = re.compile(r"(?<![\w@./:-])(?:[\w-]+\.)+[a-z]{2,24}(?:[/?][^\s<>\"'`]*)?(?![\w@])", re.IGNORECASE)
LINKED = re.compile(r"\]\(<?(https?://[^\s<>)]+)")
AROUND = ".,;:!?)]}*_~|"  # what stands behind an address in a text, and is mostly not part of it
MARKS = 6  # that are taken for what stands behind it
BEFORE = len("https://") + 1  # characters before a host
LOOKED_AT = 50  # places in a text where a host is named
PORTS = {"http": ":80", "https": ":443"}


def normal(url: str) -> str:
    """Return the address in the form in which addresses are compared, without what no server is told; empty for what is none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    scheme, host = parts.scheme.lower(), parts.netloc.lower()
    if scheme not in PORTS or not host:
        return ""
    return urlunsplit((scheme, host.removesuffix(PORTS[scheme]), parts.path or "/", parts.query, ""))


def in_text(text: str) -> set[str]:
    """Return the addresses that somebody wrote, also those without their https://."""
    found = {match for written in WRITTEN.findall(text) for match in _without_what_follows(written)}
    for bare in BARE.findall(text):
        found |= {f"{scheme}://{match}" for match in _without_what_follows(bare) for scheme in PORTS}
    return {address for each in found if (address := normal(each))}


def linked(text: str) -> set[str]:
    """Return the addresses that a text in Markdown links to."""
    return {address for each in LINKED.findall(text) if (address := normal(each))}


def is_known(context: CallContext, url: str) -> bool:
    """Whether exactly this address, with its query, was written by the user or came from a tool of this chat."""
    wanted = normal(url)
    return bool(wanted) and (wanted in context.found or any(_is_written(wanted, said) for said in context.said))


def _is_written(wanted: str, text: str) -> bool:
    """Whether the address stands in the text, which may be long: only where its host is named is it read."""
    named = re.finditer(re.escape(urlsplit(wanted).netloc), text, re.IGNORECASE)
    windows = (text[max(0, each.start() - BEFORE) : each.start() + URL_LIMIT] for each in islice(named, LOOKED_AT))
    return any(wanted in in_text(window) for window in windows)


def _without_what_follows(written: str) -> Iterable[str]:
    """Give it as it is, and without each of the marks at its end."""
    yield written
    for _ in range(MARKS):
        if not written or written[-1] not in AROUND:
            return
        written = written[:-1]
        yield written
