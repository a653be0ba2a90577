"""The guard in front of Agno's server. What it lets through: a declared route, a known caller, their own objects, known fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.core.handlers.asgi import ASGIRequest

from agentos.agents.cache import cards_for
from agentos.chat import queries
from agentos.chat.models import ChatSession
from agentos.core.http.errors import Problem
from agentos.core.http.strict_json import need_json
from agentos.core.text import clean
from agentos.gateway import bodies, identity, sessions
from agentos.gateway.context import CallContext
from agentos.gateway.interfaces import READERS
from agentos.gateway.routes import Route, is_known, match
from agentos.service import AgentNotFound, RunNotFound, SessionNotFound

KEY_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Admission:
    """What goes on to Agno's server: rebuilt from what was understood, not what came."""

    call: CallContext
    path: str
    query: bytes
    body: bytes
    content_type: bytes
    host: bytes
    scheme: str


def admit(routes: Sequence[Route], scope: dict[str, Any], path: str, body: bytes) -> Admission:
    """Raises Problem."""
    request = ASGIRequest(scope, BytesIO())
    identity.check_address(request)
    call = identity.who(request)
    path = path.rstrip("/")
    found = match(routes, scope["method"], path)
    if found is None:
        raise Problem(405) if is_known(routes, path) else Problem(404)
    route, named = found[0], {name: clean(value) for name, value in found[1].items()}
    identity.check_scope(call, route.scope)
    if len(body) > bodies.body_limit(scope, takes_files=route.takes_files):
        raise Problem(413)
    call.files = bodies.files_of(route, scope, body)
    fields = _fields(call, route, request, scope, body)
    asked = parse_qsl(scope.get("query_string", b"").decode("latin1"))
    query = {name: clean(value) for name, value in asked if name in route.query}
    call.cards = cards_for(call.user)
    call.idempotency_key = request.headers.get("Idempotency-Key", "")[: KEY_LIMIT + 1]
    _own(call, route, named, query, fields)
    content, content_type = bodies.write(route, fields)
    # The MCP server has a guard of its own against made-up hosts, which knows this one.
    host = b"localhost" if route.body == "mcp" else request.get_host().encode("latin1")
    address = route.path.format(**named)
    return Admission(call, address, urlencode(query).encode(), content, content_type, host, request.scheme or "http")


def _fields(call: CallContext, route: Route, request: ASGIRequest, scope: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return what the body says. An interface has a reader of its own, for a body that is JSON like any other. Raises Problem."""
    reader = READERS.get(route.body)
    if reader is None:
        return bodies.read(route, scope, body)
    need_json(request)
    return reader(call, body)


def _own(call: CallContext, route: Route, named: dict[str, str], query: dict[str, str], fields: dict[str, Any]) -> None:
    """Check that what the request names is the caller's, and put our ids in the place of what it says. Raises Problem."""
    call.as_team = "team_id" in named
    agent_id = named.get("team_id") or named.get("agent_id") or named.get("id", "")
    if agent_id and agent_id not in {card.agent_id for card in (call.teams if call.as_team else call.cards)}:
        raise AgentNotFound
    place = next((part for part in (named, query, fields) if part.get("session_id")), {})
    call.agent_id, call.names_session = agent_id, bool(place) or route.body in READERS
    if agent_id and call.run and call.run.session.agent.agent_id != agent_id:
        raise RunNotFound
    if "run_id" in named:
        session = _run(call, named["run_id"], agent_id)
        if "session_id" in named and sessions.find(call.user, named["session_id"]) != session:
            raise RunNotFound
        # Whose session a run is in, we know; a client may say another, or none.
        (fields if "session_id" in route.fields else named if "session_id" in named else query)["session_id"] = session.session_id
        call.names_session = True
        return
    if place and not _opens(route):
        place["session_id"] = _session(call, str(place["session_id"]), agent_id).session_id


def _opens(route: Route) -> bool:
    """Whether the route may name a session that is not there yet."""
    return route.method == "POST" and route.path in {"/agents/{agent_id}/runs", "/teams/{team_id}/runs", "/sessions"}


def _run(call: CallContext, run_id: str, agent_id: str) -> ChatSession:
    run = queries.run_for(call.user, run_id)
    if run is None or (agent_id and run.session.agent.agent_id != agent_id):
        raise RunNotFound
    call.run = run
    return run.session


def _session(call: CallContext, given: str, agent_id: str) -> ChatSession:
    session = sessions.find(call.user, given)
    if session is None or (agent_id and session.agent.agent_id != agent_id):
        raise SessionNotFound
    return session
