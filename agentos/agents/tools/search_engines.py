"""Search engines behind one port: ``search(query, count)`` gives up to so many results, each with a title, an address and a snippet."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from agentos.agents.tools import outgoing, rehearsal
from agentos.agents.tools.definition import Refused
from agentos.conf import app_settings
from agentos.core.security.guarded_http import Policy

TOOL = "web-search"
REFUSALS = {401, 402, 403}
BUSY = 429
GOOD = 200


class Found(NamedTuple):
    title: str
    url: str
    snippet: str


Search = Callable[[str, int], Awaitable[list[Found]]]


async def searxng(query: str, count: int) -> list[Found]:
    """An instance of the operator's, which may be private. Its JSON format must be switched on."""
    url = app_settings.SEARCH_URL.rstrip("/") + "/search"
    data = await _asked("GET", url, params={"q": query, "format": "json"})
    return _found(data, ("results",), "content", count)


async def brave(query: str, count: int) -> list[Found]:
    headers = {"x-subscription-token": app_settings.SEARCH_KEY, "accept": "application/json"}
    data = await _asked(
        "GET", _place("https://api.search.brave.com/res/v1/web/search"), params={"q": query, "count": count}, headers=headers
    )
    return _found(data, ("web", "results"), "description", count)


async def tavily(query: str, count: int) -> list[Found]:
    headers = {"authorization": f"Bearer {app_settings.SEARCH_KEY}"}
    data = await _asked("POST", _place("https://api.tavily.com/search"), json={"query": query, "max_results": count}, headers=headers)
    return _found(data, ("results",), "content", count)


async def exa(query: str, count: int) -> list[Found]:
    wanted = {"query": query, "numResults": count, "contents": {"text": {"maxCharacters": 500}}}
    data = await _asked("POST", _place("https://api.exa.ai/search"), json=wanted, headers={"x-api-key": app_settings.SEARCH_KEY})
    return _found(data, ("results",), "text", count)


async def rehearsed(query: str, count: int) -> list[Found]:
    """No search engine: the same few results for every query, which say so."""
    return [Found(*page) for page in rehearsal.results(query)[:count]]


ENGINES: Mapping[str, Search] = {"searxng": searxng, "brave": brave, "tavily": tavily, "exa": exa}


def chosen() -> Search:
    """Return the search of the engine that the operator has set up; in trials, without one, the rehearsed one."""
    return rehearsed if _is_rehearsal() else ENGINES[app_settings.SEARCH_ENGINE]


def missing() -> str:
    """Return what the operator has to set before anybody can search, as a sentence. Empty when nothing is missing."""
    if _is_rehearsal() or _is_set_up():
        return ""
    if app_settings.SEARCH_ENGINE == "searxng":
        return "To search the web, set AGENTOS_SEARCH_URL to a SearXNG server, or AGENTOS_SEARCH_ENGINE and AGENTOS_SEARCH_KEY."
    return f"To search the web with {app_settings.SEARCH_ENGINE}, set AGENTOS_SEARCH_KEY."


def _is_set_up() -> bool:
    return bool(app_settings.SEARCH_URL if app_settings.SEARCH_ENGINE == "searxng" else app_settings.SEARCH_KEY)


def _is_rehearsal() -> bool:
    return app_settings.SCRIPTED_MODELS and not _is_set_up()


def _place(usual: str) -> str:
    return app_settings.SEARCH_URL or usual


async def _asked(method: str, url: str, **more: Any) -> Any:
    host = urlsplit(app_settings.SEARCH_URL).hostname
    policy = Policy(total=outgoing.SECONDS, trusted=(host,) if host else ())
    reply = await outgoing.send(TOOL, method, url, policy=policy, **more)
    if reply.status in REFUSALS:
        is_searxng = app_settings.SEARCH_ENGINE == "searxng"
        hint = "SearXNG answers only when json is among its search.formats." if is_searxng else "The key may be wrong or used up."
        raise Refused(f"The search engine refused to answer ({reply.status}). {hint}")
    if reply.status == BUSY:
        raise Refused("The search engine was asked too often. Try again in a minute.")
    if reply.status != GOOD:
        raise Refused(f"The search engine does not work now: it answered with {reply.status}.")
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        raise Refused("What the search engine answered cannot be read.") from None


def _found(data: Any, way: tuple[str, ...], snippet: str, count: int) -> list[Found]:
    for name in way:
        data = data.get(name) if isinstance(data, dict) else None
    if data is None:
        data = []
    if not isinstance(data, list):
        raise Refused("What the search engine answered cannot be read.")
    items = [item for item in data if isinstance(item, dict) and isinstance(item.get("url"), str)]
    return [Found(str(item.get("title") or ""), item["url"], str(item.get(snippet) or "")) for item in items[:count]]
