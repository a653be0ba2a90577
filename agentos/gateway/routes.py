"""Every route of Agno's server, allowed or denied. One that is in neither table is denied, and a check says so at start."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

READ_AGENTS, READ, WRITE, RUN = "agents:read", "sessions:read", "sessions:write", "runs:write"
ANYBODY = ""  # with a credential, whatever its scopes

FORM, JSON = "form", "json"

# Accepted for the clients that always send them, and never passed on: the credential says who calls, and events are always told.
IGNORED = frozenset({"user_id", "stream_events", "table"})


@dataclass(frozen=True, slots=True)
class Route:
    """``fields`` of the body are passed on, those in ``needed`` have to be there, and anything else is refused. Of the query the
    rest is dropped."""

    method: str
    path: str
    scope: str
    query: frozenset[str] = frozenset()
    body: str = ""
    fields: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    takes_files: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]{1,300})", re.escape(self.path))))


def _get(path: str, scope: str, query: str = "") -> Route:
    return Route("GET", path, scope, frozenset(query.split()))


def _form(path: str, scope: str, fields: str, needed: str = "", *, takes_files: bool = False) -> Route:
    known, wanted = frozenset(f"{fields} {needed}".split()), frozenset(needed.split())
    return Route("POST", path, scope, frozenset(), FORM, known, wanted, takes_files)


def _json(method: str, path: str, fields: str, query: str = "type db_id") -> Route:
    return Route(method, path, WRITE, frozenset(query.split()), JSON, frozenset(fields.split()))


_RUNS = "type db_id created_after created_before status"

ALLOWED: tuple[Route, ...] = (
    _get("/health", ANYBODY),
    _get("/info", ANYBODY),
    _get("/config", READ_AGENTS),
    _get("/agents", READ_AGENTS),
    _get("/agents/{agent_id}", READ_AGENTS),
    _get("/teams", READ_AGENTS),
    _get("/teams/{team_id}", READ_AGENTS),
    _get("/workflows", READ_AGENTS),
    _form("/agents/{agent_id}/runs", RUN, "stream session_id background", "message", takes_files=True),
    _form("/agents/{agent_id}/runs/{run_id}/continue", RUN, "stream session_id", "tools"),
    _form("/agents/{agent_id}/runs/{run_id}/cancel", RUN, ""),
    _form("/agents/{agent_id}/runs/{run_id}/resume", READ, "last_event_index session_id"),
    _get("/agents/{agent_id}/runs", READ, "session_id status"),
    _get("/agents/{agent_id}/runs/{run_id}", READ, "session_id"),
    _form("/teams/{team_id}/runs", RUN, "stream session_id background", "message", takes_files=True),
    _form("/teams/{team_id}/runs/{run_id}/continue", RUN, "stream session_id", "requirements"),
    _form("/teams/{team_id}/runs/{run_id}/cancel", RUN, ""),
    _form("/teams/{team_id}/runs/{run_id}/resume", READ, "last_event_index session_id"),
    _get("/teams/{team_id}/runs", READ, "session_id status"),
    _get("/teams/{team_id}/runs/{run_id}", READ, "session_id"),
    _get("/sessions", READ, "type component_id session_name limit page sort_by sort_order db_id"),
    _get("/sessions/{session_id}", READ, "type db_id"),
    _get("/sessions/{session_id}/runs", READ, _RUNS),
    _get("/sessions/{session_id}/run-previews", READ, _RUNS),
    _get("/sessions/{session_id}/runs/{run_id}", READ, "type db_id"),
    _json("POST", "/sessions", "session_id session_name agent_id team_id"),
    _json("PATCH", "/sessions/{session_id}", "session_name"),
    _json("POST", "/sessions/{session_id}/rename", "session_name"),
    Route("DELETE", "/sessions/{session_id}", WRITE, frozenset({"db_id"})),
    _json("DELETE", "/sessions", "session_ids session_types", "db_id"),
)

# Agno's server has them, and nobody reaches them: what they do is done elsewhere here, or not at all.
DENIED: Mapping[str, str] = {
    "/": "GET",
    "/agents/{agent_id}/sessions/{session_id}/fork": "POST",
    "/agents/{agent_id}/sessions/{session_id}/compact": "POST",
    "/agents/{agent_id}/runs/{run_id}/checkpoints": "GET",
    "/agents/{agent_id}/runs/{run_id}/checkpoints/{message_index}": "GET",
    "/teams/{team_id}/runs/{run_id}/checkpoints": "GET",
    "/teams/{team_id}/runs/{run_id}/checkpoints/{message_index}": "GET",
    "/teams/{team_id}/sessions/{session_id}/fork": "POST",
    "/workflows/{workflow_id}": "GET",
    "/workflows/{workflow_id}/runs": "GET POST",
    "/workflows/{workflow_id}/runs/{run_id}": "GET",
    "/workflows/{workflow_id}/runs/{run_id}/continue": "POST",
    "/workflows/{workflow_id}/runs/{run_id}/cancel": "POST",
    "/workflows/{workflow_id}/runs/{run_id}/resume": "POST",
    "/workflows/ws": "WS",
    "/queue": "GET POST PUT PATCH DELETE",
    "/queue/{path:path}": "GET POST PUT PATCH DELETE",
    "/sessions/{session_id}/media/{storage_key:path}": "GET",
    "/memories": "GET POST DELETE",
    "/memories/{memory_id}": "GET PATCH DELETE",
    "/memory_topics": "GET",
    "/user_memory_stats": "GET",
    "/optimize-memories": "POST",
    "/learnings": "GET POST",
    "/learnings/users": "GET",
    "/learnings/users/{user_id}": "DELETE",
    "/learnings/{learning_id}": "GET PATCH DELETE",
    "/eval-runs": "GET POST DELETE",
    "/eval-runs/{eval_run_id}": "GET PATCH",
    "/metrics": "GET",
    "/metrics/refresh": "POST",
    "/metrics/refresh/status": "GET",
    "/knowledge/content": "GET POST DELETE",
    "/knowledge/content/{content_id}": "GET PATCH DELETE",
    "/knowledge/content/{content_id}/refresh": "POST",
    "/knowledge/content/{content_id}/status": "GET",
    "/knowledge/remote-content": "POST",
    "/knowledge/search": "POST",
    "/knowledge/config": "GET",
    "/knowledge/{knowledge_id}/sources": "GET",
    "/knowledge/{knowledge_id}/sources/{source_id}/files": "GET",
    "/traces": "GET",
    "/traces/filter-schema": "GET",
    "/traces/search": "POST",
    "/traces/{trace_id}": "GET",
    "/trace_session_stats": "GET",
    "/databases/all/migrate": "POST",
    "/databases/{db_id}/migrate": "POST",
    "/filesystem/files": "GET",
    "/filesystem/entries": "GET",
    "/filesystem/content": "GET",
    "/filesystem/search": "GET",
    "/components": "GET POST PUT PATCH DELETE",
    "/components/{path:path}": "GET POST PUT PATCH DELETE",
    "/schedules": "GET POST",
    "/schedules/{schedule_id}": "GET PATCH DELETE",
    "/schedules/{schedule_id}/enable": "POST",
    "/schedules/{schedule_id}/disable": "POST",
    "/schedules/{schedule_id}/trigger": "POST",
    "/schedules/{schedule_id}/runs": "GET",
    "/schedules/{schedule_id}/runs/{run_id}": "GET",
    "/approvals": "GET",
    "/approvals/count": "GET",
    "/approvals/{approval_id}": "GET DELETE",
    "/approvals/{approval_id}/status": "GET",
    "/approvals/{approval_id}/resolve": "POST",
    "/service-accounts": "GET POST",
    "/service-accounts/{service_account_id}": "DELETE",
    "/registry": "GET",
}


def denied() -> set[tuple[str, str]]:
    return {(method, path) for path, methods in DENIED.items() for method in methods.split()}


def match(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route and what stands at its places, None when nothing is declared there."""
    for route in routes:
        if route.method == method and (found := route.pattern.fullmatch(path)):
            return route, found.groupdict()
    return None


def is_known(routes: Iterable[Route], path: str) -> bool:
    """Whether the path exists under another method."""
    return any(route.pattern.fullmatch(path) for route in routes)
