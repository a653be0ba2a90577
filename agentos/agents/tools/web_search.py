"""Searching the web, by the engine that the operator has set up."""

import re
from collections.abc import Iterable

from agentos.agents.tools import rehearsal, search_engines
from agentos.agents.tools.addresses import normal
from agentos.agents.tools.definition import CallContext, Refused, tool
from agentos.core.security.guarded_http import Forbidden, check_url

MOST = 10  # results
QUERY_LIMIT = 400  # characters
TITLE_LIMIT = 200
URL_LIMIT = 1000
SNIPPET_LIMIT = 500

ADDRESS = re.compile(r"^Address: (\S+)$", re.MULTILINE)


def found_in(_context: CallContext, result: str) -> Iterable[str]:
    """Return the addresses of a result: those of its lines that no page can have written."""
    return {normal(url) for url in ADDRESS.findall(result)}


@tool("Web search", description="Searches the web.", group="Web", needs=search_engines.missing, finds=found_in)
async def web_search(query: str, count: int = 5) -> str:
    """Search the web. Gives titles, addresses and snippets; read a page with the tool that fetches pages.

    Args:
        query: What to look for, in a few words.
        count: How many results, at most 10.
    """
    query = " ".join(query.split())
    if not query or len(query) > QUERY_LIMIT:
        raise Refused(f"A search needs a few words, at most {QUERY_LIMIT} characters.")
    search = search_engines.chosen()
    results = [each for each in await search(query, max(1, min(count, MOST))) if _can_be_opened(each.url)]
    if not results:
        return f"Nothing was found for “{query}”."
    note = [rehearsal.NOTE] if search is search_engines.rehearsed else []
    return "\n\n".join([*note, *(_paragraph(number, each) for number, each in enumerate(results, start=1))])


def _paragraph(number: int, found: search_engines.Found) -> str:
    title = _line(found.title, TITLE_LIMIT) or "Without a title"
    return f"{number}. {title}\nAddress: {found.url}\nSays: {_line(found.snippet, SNIPPET_LIMIT)}"


def _can_be_opened(url: str) -> bool:
    try:
        check_url(url)
    except Forbidden:
        return False
    return len(url) <= URL_LIMIT


def _line(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
