"""Where an address comes from. What a model makes up may carry out what it has read: in a path, a query, or the name of a host."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from agentos.agents.tools.definition import CallContext

WRITTEN = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
BARE = re.compile(r"(?<![\w@./:-])(?:[\w-]+\.)+[a-z]{2,24}(?:[/?][^\s<>\"'`]*)?(?![\w@])", re.IGNORECASE)
LINKED = re.compile(r"\]\(<?(https?://[^\s<>)]+)")
AROUND = ".,;:!?)]}*_~|"  # what stands behind an address in a text, and is mostly not part of it
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
    if wanted in context.found:
        return True
    if "written" not in context.kept:
        context.kept["written"] = frozenset(address for said in context.said for address in in_text(said))
    return wanted in context.kept["written"]


def _without_what_follows(written: str) -> Iterable[str]:
    """Give it as it is, and without each of the marks at its end."""
    yield written
    while written and written[-1] in AROUND:
        written = written[:-1]
        yield written
