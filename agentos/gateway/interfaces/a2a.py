"""A2A: an agent for other agents, below ``/a2a/agents/<id>``. A context is a session, by the client's own name; a task is a run.

Of a message its text goes through: an agent here is given neither files nor addresses to fetch.
"""

from typing import Any
from uuid import uuid4

from agentos.chat import queries
from agentos.core.http import strict_json
from agentos.core.http.errors import Problem
from agentos.gateway.context import CallContext
from agentos.gateway.routes import READ, READ_AGENTS, RUN, Route
from agentos.service import RunNotFound

AGENT = "/a2a/agents/{id}"
ROUTES = (
    Route("GET", f"{AGENT}/.well-known/agent-card.json", READ_AGENTS),
    Route("POST", f"{AGENT}/v1/message:send", RUN, body="a2a"),
    Route("POST", f"{AGENT}/v1/message:stream", RUN, body="a2a"),
    Route("POST", f"{AGENT}/v1/tasks:get", READ, body="a2a-task"),
    Route("POST", f"{AGENT}/v1/tasks:cancel", RUN, body="a2a-task"),
)
DENIED = frozenset(
    {("GET", f"/a2a/{kind}/{{id}}/.well-known/agent-card.json") for kind in ("teams", "workflows")}
    | {("POST", f"/a2a/{kind}/{{id}}/v1/message:{how}") for kind in ("teams", "workflows") for how in ("send", "stream")}
    | {("POST", f"/a2a/teams/{{id}}/v1/tasks:{what}") for what in ("get", "cancel")}
)
PART = {"kind", "text", "metadata"}
ID_LIMIT = 200  # characters


def read(call: CallContext, body: bytes) -> dict[str, Any]:
    """Return the request that sends a message. Raises Problem."""
    data, params = _request(body)
    message = params.get("message")
    if not isinstance(message, dict) or message.get("role") != "user":
        raise Problem(422, "params.message: send a message of the user's.")
    parts = message.get("parts")
    if not isinstance(parts, list) or not all(_is_text(part) for part in parts):
        raise Problem(422, "params.message.parts: send text.")
    sent: dict[str, Any] = {"messageId": _text(message, "messageId") or str(uuid4()), "role": "user", "kind": "message", "parts": parts}
    if context := _text(message, "contextId"):
        sent["contextId"] = context
    configuration = params.get("configuration")
    blocking = not (isinstance(configuration, dict) and configuration.get("blocking") is False)
    return {**data, "params": {"message": sent, "configuration": {"blocking": blocking}}}


def read_task(call: CallContext, body: bytes) -> dict[str, Any]:
    """Return the request about a task. Which session it is in, we know. Raises Problem."""
    data, params = _request(body)
    run = queries.run_for(call.user, _text(params, "id"))
    if run is None:
        raise RunNotFound
    call.run = run
    return {**data, "params": {"id": run.run_id, "contextId": run.session.session_id}}


def _request(body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    data = strict_json.parse(body)
    params = data.get("params") if isinstance(data, dict) else None
    if not isinstance(params, dict):
        raise Problem(422, "Send a JSON-RPC request with params.")
    number = data.get("id")
    known = {"jsonrpc": "2.0", "id": number if isinstance(number, str | int) else str(uuid4())}
    return ({**known, "method": method} if (method := _text(data, "method")) else known), params


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("kind") == "text" and isinstance(part.get("text"), str) and part.keys() <= PART


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value[:ID_LIMIT] if isinstance(value, str) else ""
