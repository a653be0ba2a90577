"""AG-UI: an agent for the protocol's chat clients, ``POST /agents/<id>/agui``. The thread is a session, by the client's own name.

Of a run's input the last message goes through. State, tools and context of the client would change what an agent knows and may do:
a client that sends them is told that it cannot, since it would count on them.
"""

from typing import Any
from uuid import uuid4

from agentos.chat.errors import WaitingForApproval
from agentos.chat.runs.waiting import approval_is_due
from agentos.core.http import strict_json
from agentos.core.http.errors import Problem
from agentos.gateway import sessions
from agentos.gateway.context import CallContext
from agentos.gateway.errors import problem_of
from agentos.gateway.routes import READ_AGENTS, RUN, Route
from agentos.service import SessionNotFound

ROUTES = (
    Route("POST", "/agents/{agent_id}/agui", RUN, body="agui"),
    Route("GET", "/agents/{agent_id}/status", READ_AGENTS),
)
TAKEN = frozenset({"threadId", "runId", "messages", "protocolVersion", "parentRunId", "forwardedProps"})
NOT_TAKEN = ("state", "tools", "context", "resume")


def read(call: CallContext, body: bytes) -> dict[str, Any]:
    """Return the input of the run, as far as it is the caller's to give. Raises Problem."""
    data = strict_json.parse(body)
    if not isinstance(data, dict):
        raise Problem(422, "The body must be a JSON object.")
    unknown = [name for name in NOT_TAKEN if data.get(name)] + sorted(set(data) - TAKEN - set(NOT_TAKEN))
    if unknown:
        raise Problem(422, f"This server does not take {', '.join(unknown)} from a client.", code="unknown_field")
    thread = data.get("threadId")
    if not isinstance(thread, str) or not thread:
        raise Problem(422, "threadId: name the conversation.")
    session = sessions.find(call.user, thread)
    if session is None and sessions.OURS.fullmatch(thread):
        raise SessionNotFound
    if session is not None and approval_is_due.rows(session.pk):  # asked here too: Agno begins its stream before it asks
        raise problem_of(WaitingForApproval(session.session_id))
    message = {"id": str(uuid4()), "role": "user", "content": _last_message(data.get("messages"))}
    run_id = data.get("runId")
    return {"threadId": thread, "runId": run_id if isinstance(run_id, str) else str(uuid4()), "messages": [message]}


def _last_message(messages: Any) -> str:
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or last.get("role") != "user":
        raise Problem(422, "messages: the last one must be the user's.")
    content = last.get("content")
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        content = "\n".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str):
        raise Problem(422, "messages: the last one must be text.")
    return content
