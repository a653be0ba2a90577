"""What a member has of their own for a connection: a key that they paste, or signing in at the other system (OAuth)."""

import secrets
from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.agents.queries import connections_used_by
from agentos.connections import actions, queries, signing_in
from agentos.connections.forms import KeyForm
from agentos.connections.models import Server
from agentos.connections.problems import ConnectionProblem
from agentos.core.http.deferred import deferred
from agentos.core.http.htmx import go_to
from agentos.core.http.leaving import leave_to
from agentos.core.http.request import SignedInRequest

BROWSER = "agentos.connecting"  # in the session: what nobody but this browser's session holds


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: SignedInRequest, slug: str) -> HttpResponseBase:
    """The page on which a member gives their own key, or from which they go to sign in."""
    server = _used(request, slug)
    if server.signs_in:
        return _leave(request, server) if request.method == "POST" else _page(request, server)
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.give_key(server=server, key=form.cleaned_data["key"], by=request.user)
        except actions.ConnectionChange as refused:
            form.add_error("key", str(refused))
        else:
            messages.success(request, _("Your key for “%(name)s” is kept.") % {"name": server})
            return go_to(request, _url(server))
    return _page(request, server, form, status=HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK)


@signed_in
@require_safe
def came_back(request: SignedInRequest, slug: str) -> HttpResponseBase:
    """Where the other system sends a member back to. Whatever nobody here has asked for changes nothing."""
    server, user, said = _used(request, slug), request.user, request.GET
    if not server.signs_in:
        raise Http404
    sign_in = signing_in.come_back(server, by=user, browser=request.session.get(BROWSER, ""), state=said.get("state", ""))
    if sign_in is None:
        trouble = _("This answer belongs to no sign-in that was begun here, or it took longer than ten minutes. Connect again.")
        return _page(request, server, trouble=trouble, status=HTTPStatus.BAD_REQUEST)
    code, issuer, error = said.get("code", ""), said.get("iss"), said.get("error", "")

    async def finish() -> HttpResponse:
        await signing_in.finish(sign_in, by=user, code=code, issuer=issuer, error=error)
        return go_to(request, _url(server))

    return deferred(request, finish)


@signed_in
@require_POST
def disconnect(request: SignedInRequest, slug: str) -> HttpResponseBase:
    server, user = _used(request, slug), request.user
    if not server.signs_in:
        actions.forget_key(server=server, by=user)
        messages.success(request, _("Your key for “%(name)s” was deleted.") % {"name": server})
        return go_to(request, _url(server))
    was_connected = queries.grant_of(server, user) is not None
    kept = signing_in.forget(server=server, by=user)
    if not was_connected:
        return go_to(request, _url(server))
    messages.success(request, _("You are no longer connected to “%(name)s”.") % {"name": server})

    async def finish() -> HttpResponse:
        await signing_in.disconnect(kept, server=server, by=user)
        return go_to(request, _url(server))

    return deferred(request, finish)


def _leave(request: SignedInRequest, server: Server) -> HttpResponseBase:
    user = request.user
    browser: str = request.session.setdefault(BROWSER, secrets.token_urlsafe(32))
    back = request.build_absolute_uri(reverse("dashboard:came-back", args=[server.slug]))

    async def finish() -> HttpResponse:
        try:
            url = await signing_in.begin(server, by=user, browser=browser, redirect_uri=back)
        except ConnectionProblem:
            return go_to(request, _url(server))
        return leave_to(request, url, server.name)

    return deferred(request, finish)


def _used(request: SignedInRequest, slug: str) -> Server:
    """A server that wants something of this user's own: they manage it, or may use an agent that has it. Raises Http404."""
    server = queries.server_with(slug)
    if server is None or not server.is_personal:
        raise Http404
    if not queries.may_manage(request.user, server) and slug not in connections_used_by(request.user):
        raise Http404
    return server


def _url(server: Server) -> str:
    return reverse("dashboard:connect", args=[server.slug])


def _page(
    request: SignedInRequest, server: Server, form: KeyForm | None = None, *, trouble: str = "", status: int = HTTPStatus.OK
) -> HttpResponse:
    context = {
        "tab": "connections",
        "server": server,
        "form": form or KeyForm(),
        "grant": queries.grant_of(server, request.user),
        "trouble": trouble or signing_in.trouble_of(server, request.user),
    }
    name = "sign_in" if server.signs_in else "connect"
    return render(request, f"agentos/connections/{name}.html", context, status=status)
