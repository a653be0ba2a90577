"""The settings pages of connections: what there is, and one with its tools. What is a member's own: connecting.py."""

import json
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from agentos.access.guards import signed_in
from agentos.access.models import Team
from agentos.agents.queries import agents_with_connection, connections_used_by
from agentos.connections import actions, looking, queries, stdio
from agentos.connections.forms import LocalServerForm, NewServerForm, ServerForm
from agentos.connections.models import RemoteTool, Server
from agentos.core.http.deferred import deferred
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.core.text import whole_number


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def connections(request: SignedInRequest) -> HttpResponseBase:
    teams, operator = list(queries.managed_teams(request.user)), is_operator(request.user)
    if request.method != "POST":
        return _list(request, NewServerForm(teams=teams, is_operator=operator), teams)
    team = _team(request, teams)
    form = NewServerForm(request.POST, teams=teams, is_operator=operator)
    program = request.POST.get("program", "")
    if program or form.is_valid():
        how = {"name": "", "program": program} if program else form.given()
        try:
            server = actions.create_server(team=team, by=request.user, **how)
        except actions.ConnectionChange as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            return _look(request, server)
    return _list(request, form, teams, HTTPStatus.UNPROCESSABLE_ENTITY)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def connection(request: SignedInRequest, slug: str) -> HttpResponseBase:
    server = _managed(request, slug)
    if request.method != "POST":
        return _page(request, server)
    form = _form(server, request.POST)
    if form.is_valid():
        was = server.url
        try:
            actions.change_server(server=server, by=request.user, **form.given())
        except actions.ConnectionChange as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            messages.success(request, _("Saved."))
            return go_to(request, _url(server)) if server.url == was else _look(request, server)
    return _page(request, _managed(request, slug), form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@signed_in
@require_POST
def refresh(request: SignedInRequest, slug: str) -> HttpResponseBase:
    return _look(request, _managed(request, slug))


@signed_in
@require_POST
def accept(request: SignedInRequest, slug: str) -> HttpResponse:
    server = _managed(request, slug)
    offers = dict(each.rsplit(" ", 1) for each in request.POST.getlist("tool") if " " in each)
    count = actions.accept_tools(server=server, offers=offers, by=request.user)
    if count:
        said = ngettext("%(count)d tool was accepted. It asks first.", "%(count)d tools were accepted. They ask first.", count)
        messages.success(request, said % {"count": count})
    else:
        messages.error(request, _("What you looked at has changed meanwhile. Look at it again."))
    return go_to(request, _url(server))


@signed_in
@require_POST
def policies(request: SignedInRequest, slug: str) -> HttpResponse:
    server = _managed(request, slug)
    wanted = {name.removeprefix("tool "): str(value) for name, value in request.POST.items() if name.startswith("tool ")}
    try:
        actions.set_policies(server=server, policies=wanted, by=request.user)
    except actions.ConnectionChange as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Saved."))
    return go_to(request, _url(server))


@signed_in
@require_POST
def switch(request: SignedInRequest, slug: str) -> HttpResponse:
    server = _managed(request, slug)
    change = actions.enable_server if request.POST.get("on") == "1" else actions.disable_server
    change(server=server, by=request.user)
    return go_to(request, _url(server))


@signed_in
@require_POST
def delete(request: SignedInRequest, slug: str) -> HttpResponse:
    server = _managed(request, slug)
    actions.delete_server(server=server, by=request.user)
    messages.success(request, _("“%(name)s” was deleted.") % {"name": server})
    return go_to(request, reverse("dashboard:connections"))


def _team(request: SignedInRequest, managed: list[Team]) -> Team | None:
    """The team of the form, None for the whole installation. Raises PermissionDenied for one that the user may not make one for."""
    asked = request.POST.get("team", "")
    if not asked:
        if is_operator(request.user):
            return None
        if len(managed) == 1:
            return managed[0]
    team = next((team for team in managed if team.pk == whole_number(asked)), None)
    if team is None:
        raise PermissionDenied
    return team


def _managed(request: SignedInRequest, slug: str) -> Server:
    """Raises Http404 for what is of others, PermissionDenied for a member without the role."""
    server = queries.server_for(request.user, slug)
    if server is None:
        raise Http404
    if not queries.may_manage(request.user, server):
        raise PermissionDenied
    return server


def _look(request: SignedInRequest, server: Server) -> HttpResponseBase:
    """Ask the server what it has, which may take its time, and then show its page, which says how that went."""
    user, url = request.user, _url(server)

    async def finish() -> HttpResponse:
        await looking.look(server, by=user)
        return go_to(request, url)

    return deferred(request, finish)


def _url(server: Server) -> str:
    return reverse("dashboard:connection", args=[server.slug])


def _form(server: Server, data: Any = None) -> ServerForm | LocalServerForm:
    initial = {name: getattr(server, name) for name in ("name", "url", "auth", "client_id", "header", "seconds")}
    return (LocalServerForm if server.is_local else ServerForm)(data, initial=initial)


def _list(request: SignedInRequest, form: NewServerForm, teams: list[Team], status: int = HTTPStatus.OK) -> HttpResponse:
    operator = is_operator(request.user)
    servers = list(queries.servers_for(request.user))
    here = {server.slug for server in servers}
    context = {
        "tab": "connections",
        "form": form,
        "may_add": operator or bool(teams),
        "with_team": len(teams) + operator > 1,
        "servers": servers,
        "programs": sorted(set(stdio.programs()) - here) if operator else [],
        "keys": queries.wanting_keys(connections_used_by(request.user) | here, request.user),
    }
    return render(request, "agentos/connections/connections.html", context, status=status)


def _page(
    request: SignedInRequest, server: Server, *, form: ServerForm | LocalServerForm | None = None, status: int = HTTPStatus.OK
) -> HttpResponse:
    tools = queries.tools_of(server)
    usable = [tool for tool in tools if not (tool.gone or tool.problem)]
    callback = request.build_absolute_uri(reverse("dashboard:came-back", args=[server.slug])) if server.signs_in else ""
    context = {
        "tab": "connections",
        "server": server,
        "callback": callback,
        "form": form or _form(server),
        "waiting": [_told(tool) for tool in usable if tool.offered],
        "accepted": [(tool, [(value, RemoteTool.Policy(value).label) for value in tool.policies]) for tool in usable if not tool.offered],
        "refused": [tool for tool in tools if tool.problem],
        "gone": [tool for tool in tools if tool.gone],
        "agents": agents_with_connection(server.slug),
        "grant": queries.grant_of(server, request.user) if server.is_personal else None,
    }
    return render(request, "agentos/connections/connection.html", context, status=status)


def _told(tool: RemoteTool) -> dict[str, Any]:
    """What is shown of a tool that waits: what the server says now, and what was accepted before."""
    offered = tool.offered or {}
    said = {"description": offered.get("description", ""), "schema": _as_text(offered.get("schema")), "hints": offered.get("hints", {})}
    was = {"description": tool.description, "schema": _as_text(tool.schema), "hints": tool.hints} if tool.is_changed else None
    return {"tool": tool, "value": f"{tool.name} {offered.get('hash', '')}", "offer": said, "was": was}


def _as_text(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False)
