"""Agno's other interfaces, switched on by AGENTOS_INTERFACES: each with its routes, and with what of its bodies goes through."""

from collections.abc import Callable, Mapping
from typing import Any

from agentos.conf import app_settings
from agentos.gateway.context import CallContext
from agentos.gateway.interfaces import a2a, agui, mcp
from agentos.gateway.routes import ALLOWED, Route, denied

Read = Callable[[CallContext, bytes], dict[str, Any]]

ROUTES: Mapping[str, tuple[Route, ...]] = {"agui": agui.ROUTES, "mcp": mcp.ROUTES, "a2a": a2a.ROUTES}
DENIED: Mapping[str, frozenset[tuple[str, str]]] = {"mcp": mcp.DENIED, "a2a": a2a.DENIED}
READERS: Mapping[str, Read] = {"agui": agui.read, "mcp": mcp.read, "a2a": a2a.read, "a2a-task": a2a.read_task}


def enabled() -> tuple[str, ...]:
    return tuple(name for name in ROUTES if name in app_settings.INTERFACES)


def routes() -> tuple[Route, ...]:
    """Return what is open: Agno's own API, and the interfaces that are switched on."""
    return (*ALLOWED, *(route for name in enabled() for route in ROUTES[name]))


def all_denied() -> set[tuple[str, str]]:
    """Return the routes that are declared as closed."""
    return denied().union(*(DENIED.get(name, frozenset()) for name in enabled()))
