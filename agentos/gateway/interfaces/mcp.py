"""MCP: the agents as tools of another model, ``POST /mcp``. Each request stands for itself: there is no session to be taken over."""

from collections.abc import Mapping
from typing import Any

from agentos.core.http import strict_json
from agentos.core.http.errors import Problem
from agentos.gateway import identity
from agentos.gateway.context import CallContext
from agentos.gateway.routes import ANYBODY, READ, READ_AGENTS, RUN, Route

ROUTES = (Route("POST", "/mcp", ANYBODY, body="mcp"),)

DENIED = frozenset({("DELETE", "/mcp")})  # ends a session, and there is none

# What a tool needs, and which of its arguments go through. What is not here is not called.
TOOLS: Mapping[str, tuple[str, frozenset[str]]] = {
    "get_agentos_config": (READ_AGENTS, frozenset()),
    "run_agent": (RUN, frozenset({"agent_id", "message", "session_id"})),
    "continue_run": (RUN, frozenset({"agent_id", "run_id", "session_id", "requirements"})),
    "cancel_run": (RUN, frozenset({"agent_id", "run_id", "session_id"})),
    "get_sessions": (READ, frozenset({"session_type", "component_id", "session_name", "limit", "page", "sort_by", "sort_order", "db_id"})),
    "get_session_runs": (READ, frozenset({"session_id", "run_id", "session_type", "db_id"})),
}
METHODS = frozenset({"initialize", "ping", "tools/list", "tools/call", "server/discover"})
IGNORED = frozenset({"user_id"})


def read(call: CallContext, body: bytes) -> dict[str, Any]:
    """Return the message. Raises Problem."""
    message = strict_json.parse(body)
    if not isinstance(message, dict) or not isinstance(message.get("method", ""), str):
        raise Problem(422, "Send one JSON-RPC message.")
    method = message.get("method", "")
    if method not in METHODS and not method.startswith("notifications/"):
        raise Problem(404, "This server does not know that method.", code="method_not_found")
    call.speaks_protocol = True
    return {**message, "params": _tool_call(call, message.get("params"))} if method == "tools/call" else message


def _tool_call(call: CallContext, params: Any) -> dict[str, Any]:
    name = params.get("name") if isinstance(params, dict) else None
    if not isinstance(name, str) or name not in TOOLS:
        raise Problem(404, "There is no such tool.", code="tool_not_found")
    scope, arguments = TOOLS[name]
    identity.check_scope(call, scope)
    given = params.get("arguments") or {}
    if not isinstance(given, dict):
        raise Problem(422, "arguments: send an object.")
    unknown = sorted(set(given) - arguments - IGNORED)
    if unknown:
        raise Problem(422, f"{name} does not take {', '.join(unknown)}.", code="unknown_field")
    return {**params, "arguments": {key: value for key, value in given.items() if key in arguments}}
