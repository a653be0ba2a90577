"""Chats: find, open, rename, pin, archive, delete, fork."""

from functools import partial
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Body, Query

from agentos.api import resources, schemas
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ
from agentos.api.parameters import Cursor, IdempotencyKey, Limit, SessionId
from agentos.api.scopes import ScopedRouter
from agentos.api.serializers import full_session, listed_session, session_json
from agentos.chat.exporting import download
from agentos.chat.models import ChatSession
from agentos.chat.searching import excerpts_of
from agentos.core.http.deferred import deferred
from agentos.service import AgentOSService

# Any of these asks for a page by cursor; without them the spec's numbered page is given.
OF_CURSOR_PAGES = frozenset({"cursor", "limit", "search", "archived", "agent"})
ARCHIVED = {"true": True, "false": False, "any": None}

A_TEXT = {"schema": {"type": "string"}}
EXPORTS: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The file.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                **dict.fromkeys(("text/markdown; charset=utf-8", "text/html; charset=utf-8", "application/pdf"), A_TEXT),
            },
        }
    }
}

router = ScopedRouter(tags=["Sessions"])


@router.get(
    "/sessions/",
    url_name="agentos_sessions_api",
    operation_id="sessions",
    response={200: schemas.SessionPage | resources.SessionList, **READ},
    summary="My sessions",
)
def agentos_sessions_api(
    request: ApiRequest,
    page: Annotated[int, Query(1, ge=1, le=schemas.PAGE_LIMIT, description="Past the end a page is empty.")] = 1,
    cursor: Cursor = "",
    limit: Limit = 50,
    search: Annotated[
        str,
        Query(
            "", max_length=200, description="All of these words, in title, agent's name, messages and answers; those in quotes together."
        ),
    ] = "",
    archived: Annotated[Literal["any", "true", "false"], Query("any", description="Only archived chats, or only the others.")] = "any",
    agent: Annotated[str, Query("", max_length=100, description="Only chats with the agent of this id.")] = "",
) -> schemas.SessionPage | resources.SessionList:
    """By number, newest activity first, 20 a page. With any of `cursor`, `limit`, `search`, `archived` or `agent`: by cursor, newest
    opened first, an order that nothing changes, so walking from page to page neither repeats nor misses a session.
    """
    service = AgentOSService(request.auth)
    if not OF_CURSOR_PAGES & request.GET.keys():
        return schemas.SessionPage(**numbered_page(service, page))
    found = service.find_sessions(cursor=cursor, limit=limit, search=search, archived=ARCHIVED[archived], agent_id=agent)
    excerpts = excerpts_of(found.sessions, search) if search else {}
    rows = [listed_session(session, excerpts.get(session.pk, ())) for session in found.sessions]
    return resources.SessionList(sessions=rows, next=found.next or None)


@router.post(
    "/sessions/",
    url_name="agentos_sessions_api",
    operation_id="open_session",
    response={201: resources.FullSession, **CHANGE},
    summary="Open an empty session",
)
def open_session(request: ApiRequest, payload: schemas.SessionIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    service = AgentOSService(request.auth)
    opened = service.create_session(payload.agent_id, payload.title, idempotency_key=idempotency_key)
    return created(request, service, opened)


@router.get(
    "/sessions/{session_id}/",
    url_name="session",
    operation_id="session",
    response={200: resources.FullSession, **FIND},
    summary="One session",
)
def session(request: ApiRequest, session_id: SessionId) -> resources.FullSession:
    return full_session(AgentOSService(request.auth).find_session(session_id))


@router.patch(
    "/sessions/{session_id}/",
    url_name="session",
    operation_id="update_session",
    response={200: resources.FullSession, **CHANGE},
    summary="Rename, pin or archive a session",
)
def update_session(request: ApiRequest, session_id: SessionId, payload: resources.SessionChange) -> resources.FullSession:
    """All that is named is changed, or nothing."""
    return full_session(AgentOSService(request.auth).update_session(session_id, **payload.model_dump(exclude_unset=True)))


@router.delete(
    "/sessions/{session_id}/", url_name="session", operation_id="delete_session", response={204: None, **FIND}, summary="Delete a session"
)
def delete_session(request: ApiRequest, session_id: SessionId) -> HttpResponse:
    """Its open runs are stopped. It can be brought back for an hour; then its text is erased."""
    AgentOSService(request.auth).delete_session(session_id)
    return HttpResponse(status=204, content_type="application/json")


@router.get(
    "/sessions/{session_id}/export/",
    url_name="export_session",
    operation_id="export_session",
    response={**FIND, 409: CHANGE[409]},
    summary="Download a session",
    openapi_extra=EXPORTS,
)
def export_session(
    request: ApiRequest,
    session_id: SessionId,
    form: Annotated[Literal["json", "md", "html", "pdf"], Query("json", description="PDF needs the extra `pdf` on the server.")] = "json",
) -> HttpResponseBase:
    """What is shown of it, with sources; the JSON can be brought again (`/imports/`)."""
    return deferred(request, partial(download, AgentOSService(request.auth).find_session(session_id), form))


@router.post(
    "/sessions/{session_id}/restore/",
    url_name="restore_session",
    operation_id="restore_session",
    response={200: resources.FullSession, **FIND},
    summary="Bring a deleted session back",
)
def restore_session(request: ApiRequest, session_id: SessionId) -> resources.FullSession:
    """Within the hour. A session that was not deleted stays as it is."""
    return full_session(AgentOSService(request.auth).restore_session(session_id))


@router.post(
    "/sessions/{session_id}/fork/",
    url_name="fork_session",
    operation_id="fork_session",
    response={201: resources.FullSession, **CHANGE},
    summary="Fork a session",
)
def fork_session(
    request: ApiRequest, session_id: SessionId, payload: Annotated[resources.ForkIn, Body()], idempotency_key: IdempotencyKey = ""
) -> HttpResponse:
    """Open a copy with the turns up to one. The original stays as it is."""
    service = AgentOSService(request.auth)
    return created(request, service, service.fork_session(session_id, payload.through_turn, idempotency_key=idempotency_key))


def created(request: HttpRequest, service: AgentOSService, session: ChatSession) -> HttpResponse:
    body = full_session(service.find_session(session.session_id))
    return HttpResponse(body.model_dump_json(), status=201, content_type="application/json; charset=utf-8", headers={"Location": body.url})


def numbered_page(service: AgentOSService, number: int) -> dict[str, Any]:
    """A page as the spec has it."""
    page = service.list_sessions(number)
    rows = [session_json(session) for session in page.rows]
    return {"sessions": rows, "page": page.number, "total_pages": page.pages, "total_sessions": page.total}
