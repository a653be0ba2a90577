"""Agno's own server, made for being mounted: no way in but through the guard, no tables, no telemetry, no documents."""

from collections.abc import Iterator
from typing import Any

from agno.os import AgentOS
from agno.os.config import CORSConfig
from agno.os.settings import AgnoAPISettings
from fastapi import FastAPI
from starlette.routing import Mount

from agentos.access.tokens import SCOPES
from agentos.gateway.agents import CallersAgents
from agentos.gateway.interfaces import all_denied, enabled, routes, serving
from agentos.gateway.resuming import JournalStream
from agentos.gateway.store import Store
from agentos.gateway.teams import CallersTeams

ID = "agentos-django"
FOR_ANYBODY = frozenset({"/health", "/info", "/mcp"})


def build() -> FastAPI:
    """Take half a second to make the application. Its settings are said here, since it would read them from the environment."""
    store = Store()  # type: ignore[abstract]  # it fills in at run time what it refuses
    agent_os = AgentOS(
        id=ID,
        name="AgentOS",
        description="The agents that you may use.",
        db=store,
        **serving.arguments(enabled(), store),
        agents=CallersAgents(store),  # type: ignore[arg-type]  # a sequence, asked anew at every request
        teams=CallersTeams(store),  # type: ignore[arg-type]
        settings=AgnoAPISettings(env="prd", docs_enabled=False, authorization_enabled=False, os_security_key=None, cors_origin_list=[]),
        cors=CORSConfig(origins=[]),
        event_stream=JournalStream(),
        auto_provision_dbs=False,
        telemetry=False,
        tracing=False,
    )
    return agent_os.get_app()


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    """Return every method and path that the application answers to."""
    return set(_routes(app.routes, ""))


def _routes(served: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for route in served:
        if (inner := getattr(route, "original_router", None)) is not None:
            yield from _routes(inner.routes, prefix + route.include_context.prefix)
        elif isinstance(route, Mount):
            yield from _routes(route.routes, prefix + route.path)
        else:
            for method in getattr(route, "methods", None) or ("WS",):
                yield method, prefix + route.path


def objections(app: FastAPI | None = None) -> list[str]:
    """Return what would make the gateway an open one: routes that nobody has declared, scopes that nobody can hold, Agno's own CORS."""
    app = app or build()
    served, allowed = routes_of(app), {(route.method, route.path) for route in routes()}
    found = [f"{method} {path} of Agno's server is not declared." for method, path in sorted(served - allowed - all_denied())]
    found += [f"{method} {path} is both allowed and denied." for method, path in sorted(allowed & all_denied())]
    found += [f"{route.path} is open to any token." for route in routes() if route.scope not in SCOPES and route.path not in FOR_ANYBODY]
    if any(getattr(each, "kwargs", {}).get("allow_origins") for each in app.user_middleware):
        found.append("Agno's server answers to other sites (CORS).")
    return found
