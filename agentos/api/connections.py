"""Connections to MCP servers: find, make, change, delete, refresh, and what is accepted of their tools."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from pydantic import BaseModel

from agentos.access.models import Team
from agentos.access.users import User
from agentos.api import connection_resources as nouns
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ, missing
from agentos.api.parameters import ConnectionSlug, IdempotencyKey
from agentos.api.scopes import ScopedRouter
from agentos.api.webhook_rendering import team_json
from agentos.chat.idempotency import once
from agentos.connections import actions, looking, queries
from agentos.connections.models import RemoteTool, Server
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.people import is_operator

NOT_YOURS = "Owners and admins of the team manage its connections, operators all."

router = ScopedRouter(tags=["Connections"])


@router.get(
    "/connections/",
    url_name="connections",
    operation_id="connections",
    response={200: nouns.ConnectionList, **READ},
    summary="Connections that I manage",
)
def connections(request: ApiRequest) -> nouns.ConnectionList:
    """Of the teams that you own or administer; to operators, all."""
    return nouns.ConnectionList(connections=[nouns.Connection(**_fields(server)) for server in queries.servers_for(request.auth)])


@router.post(
    "/connections/",
    url_name="connections",
    operation_id="create_connection",
    response={201: nouns.FullConnection, **CHANGE},
    summary="Make a connection",
)
def create_connection(request: ApiRequest, payload: nouns.ConnectionIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """To an MCP server over streamable HTTP. Refresh it to see its tools. The key is stored sealed, and shown to nobody."""
    team = _team_of(request.auth, payload.team)
    fields = payload.model_dump(exclude={"team"}, exclude_none=True)

    def create() -> str:
        return actions.create_server(team=team, by=request.auth, **fields).slug

    what = ["connections", "create", team.pk if team else None, {**fields, "key": bool(fields.get("key"))}]
    server = _managed(request.auth, once(create, kind=str, by=request.auth, key=idempotency_key, what=what))
    return _answer(_full(server), status=201, Location=reverse("api:connection", args=[server.slug]))


@router.get(
    "/connections/{slug}/",
    url_name="connection",
    operation_id="connection",
    response={200: nouns.FullConnection, **FIND},
    summary="One connection with its tools",
)
def connection(request: ApiRequest, slug: ConnectionSlug) -> HttpResponse:
    return _answer(_full(_managed(request.auth, slug)))


@router.patch(
    "/connections/{slug}/",
    url_name="connection",
    operation_id="update_connection",
    response={200: nouns.FullConnection, **CHANGE},
    summary="Change a connection, switch it on or off",
)
def update_connection(request: ApiRequest, slug: ConnectionSlug, payload: nouns.ConnectionChange) -> HttpResponse:
    """All that is named is changed, or nothing."""
    actions.update_server(server=_managed(request.auth, slug), by=request.auth, **payload.model_dump(exclude_unset=True))
    return _answer(_full(_managed(request.auth, slug)))


@router.delete(
    "/connections/{slug}/",
    url_name="connection",
    operation_id="delete_connection",
    response={204: None, **FIND},
    summary="Delete a connection",
)
def delete_connection(request: ApiRequest, slug: ConnectionSlug) -> HttpResponse:
    """With its tools and all keys. Agents that have its tools are told so when they call one."""
    actions.delete_server(server=_managed(request.auth, slug), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


@router.post(
    "/connections/{slug}/refresh/",
    url_name="refresh_connection",
    operation_id="refresh_connection",
    response={200: nouns.FullConnection, **CHANGE},
    summary="Ask a server what it has",
)
def refresh_connection(request: ApiRequest, slug: ConnectionSlug) -> HttpResponseBase:
    """Takes up to 20 seconds. Where the server could not be asked, ``state`` and ``state_reason`` say so. What is new or has changed is
    offered, and off until it is accepted."""
    user, server = request.auth, _managed(request.auth, slug)

    async def finish() -> HttpResponse:
        await looking.look(server, by=user)
        return _answer(await db.read(_full, server))

    return deferred(request, finish)


@router.patch(
    "/connections/{slug}/tools/",
    url_name="connection_tools",
    operation_id="update_connection_tools",
    response={200: nouns.FullConnection, **CHANGE},
    summary="Accept tools, and set their policies",
)
def update_connection_tools(request: ApiRequest, slug: ConnectionSlug, payload: nouns.ToolsIn) -> HttpResponse:
    """An accepted tool asks first. All policies are set, or nothing is done."""
    server = _managed(request.auth, slug)
    actions.update_tools(server=server, accept=payload.accept, policies=payload.policies, by=request.auth)
    return _answer(_full(server))


def _managed(user: User, slug: str) -> Server:
    """Raises ``Problem``: 404 for what is of others, 403 for a member without the role."""
    found = queries.server_for(user, slug)
    if found is None:
        raise Problem(404, "There is no such connection.", code="connection_not_found")
    if not queries.may_manage(user, found):
        raise Problem(403, NOT_YOURS)
    return found


def _team_of(user: User, team_pk: int | None) -> Team | None:
    """The team that is named, or the only one that this user manages; None for an operator who names none. Raises ``Problem``."""
    teams = list(queries.managed_teams(user))
    if team_pk is None and is_operator(user):
        return None
    if team_pk is None and len(teams) > 1:
        raise missing(["team"])
    chosen = [team for team in teams if team_pk in {None, team.pk}]
    if chosen:
        return chosen[0]
    if team_pk is not None and not queries.is_in_team(user, team_pk):
        raise Problem(404, "There is no such team.", code="team_not_found")
    raise Problem(403, NOT_YOURS)


def _full(server: Server) -> nouns.FullConnection:
    return nouns.FullConnection(**_fields(server), tools=[_tool(tool) for tool in queries.tools_of(server)])


def _fields(server: Server) -> dict[str, Any]:
    return {
        "slug": server.slug,
        "team": team_json(server.team) if server.team else None,
        "name": server.name,
        "url": server.url or None,
        "auth": server.auth,
        "client_id": server.client_id or None,
        "header": server.header,
        "seconds": server.seconds,
        "enabled": server.is_active,
        "state": server.state,
        "state_reason": server.state_reason or None,
        "looked_at": server.looked_at,
        "created_at": server.created_at,
    }


def _tool(tool: RemoteTool) -> nouns.RemoteTool:
    now = {"description": tool.description, "schema": tool.schema, "hints": tool.hints, "hash": tool.hash}
    said: dict[str, Any] = {"policy": tool.policy, "policies": tool.policies, "state": tool.state, "problem": tool.problem or None}
    return nouns.RemoteTool(
        name=tool.name,
        slug=tool.slug,
        **said,
        accepted=_definition(now) if tool.hash else None,
        offered=_definition(tool.offered) if tool.offered else None,
    )


def _definition(said: dict[str, Any]) -> nouns.Definition:
    reads = said["hints"].get("read_only") is True
    return nouns.Definition(description=said["description"], arguments=said["schema"], read_only=reads, hash=said["hash"])


def _answer(body: BaseModel, *, status: int = 200, **headers: Any) -> HttpResponse:
    return HttpResponse(body.model_dump_json(), status=status, content_type="application/json; charset=utf-8", headers=headers)
