"""The settings pages of a team's webhooks: what there is, one webhook with its log, one message with what came back."""

import json
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agentos.access.guards import signed_in
from agentos.access.models import Team
from agentos.access.queries import managed_teams
from agentos.core.http.htmx import go_to, respond
from agentos.core.http.request import SignedInRequest
from agentos.core.text import whole_number
from agentos.webhooks.outbound import actions, queries, sender
from agentos.webhooks.outbound.forms import EndpointForm, NewEndpointForm
from agentos.webhooks.outbound.models import Delivery, Endpoint


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def endpoints(request: SignedInRequest) -> HttpResponse:
    teams = list(managed_teams(request.user))
    if request.method != "POST":
        return _list(request, NewEndpointForm(teams=teams), teams)
    team = _team(request, teams)
    form = NewEndpointForm(request.POST, teams=teams)
    if form.is_valid():
        chosen = {name: form.cleaned_data[name] for name in ("name", "url", "events")}
        try:
            endpoint = actions.create_endpoint(team=team, by=request.user, **chosen)
        except actions.WebhookError as error:
            form.add_error(error.field or None, str(error))
        else:
            messages.success(request, _("“%(name)s” is ready. Give its secret to the receiver.") % {"name": endpoint})
            return go_to(request, _url(endpoint))
    return _list(request, form, teams, HTTPStatus.UNPROCESSABLE_ENTITY)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint(request: SignedInRequest, hook_id: str) -> HttpResponse:
    """The page of one webhook; to htmx, its log."""
    found = _managed(request, hook_id)
    if request.method != "POST":
        return _page(request, found)
    form = EndpointForm(request.POST)
    if form.is_valid():
        try:
            actions.change_endpoint(endpoint=found, by=request.user, **form.cleaned_data)
        except actions.InvalidEndpoint as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("Saved."))
            return go_to(request, _url(found))
    return _page(request, _managed(request, hook_id), form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@signed_in
@require_POST
def reveal(request: SignedInRequest, hook_id: str) -> HttpResponse:
    found = _managed(request, hook_id)
    try:
        secret = actions.reveal_secret(endpoint=found, by=request.user)
    except actions.WebhookError as error:
        messages.error(request, str(error))
        return go_to(request, _url(found))
    return _page(request, found, secret=secret)


@signed_in
@require_POST
def rotate(request: SignedInRequest, hook_id: str) -> HttpResponse:
    found = _managed(request, hook_id)
    actions.rotate_secret(endpoint=found, by=request.user)
    messages.success(request, _("There is a new secret. For one day, messages are signed with the old one, too."))
    return go_to(request, _url(found))


@signed_in
@require_POST
def switch(request: SignedInRequest, hook_id: str) -> HttpResponse:
    found = _managed(request, hook_id)
    change = actions.enable_endpoint if request.POST.get("on") == "1" else actions.disable_endpoint
    change(endpoint=found, by=request.user)
    return go_to(request, _url(found))


@signed_in
@require_POST
def delete(request: SignedInRequest, hook_id: str) -> HttpResponse:
    found = _managed(request, hook_id)
    actions.delete_endpoint(endpoint=found, by=request.user)
    messages.success(request, _("“%(name)s” was deleted.") % {"name": found})
    return go_to(request, reverse("webhooks_out:endpoints"))


@signed_in
@require_POST
def test(request: SignedInRequest, hook_id: str) -> HttpResponse:
    found = _managed(request, hook_id)
    try:
        sent = actions.send_test(endpoint=found, by=request.user)
    except actions.IsOff as error:
        messages.error(request, str(error))
        return go_to(request, _url(found))
    return go_to(request, reverse("webhooks_out:delivery", args=[hook_id, sent.message_id]))


@signed_in
@require_GET
def delivery(request: SignedInRequest, hook_id: str, message_id: str) -> HttpResponse:
    """The page of one message; to htmx, its state."""
    found = _managed(request, hook_id)
    sent = _delivery(found, message_id)
    context = {
        "tab": "webhooks",
        "endpoint": found,
        "delivery": sent,
        "body": json.dumps(json.loads(sent.body), indent=2, ensure_ascii=False),
        "attempts": [(attempt, _meaning(attempt.status_code)) for attempt in queries.attempts_of(sent)],
        "moving": sent.is_first_try,
    }
    return respond(request, page="agentos/webhooks/outgoing_delivery.html", partial="webhooks/_delivery.html", context=context)


@signed_in
@require_POST
def again(request: SignedInRequest, hook_id: str, message_id: str) -> HttpResponse:
    sent = _delivery(_managed(request, hook_id), message_id)
    try:
        actions.send_again(delivery=sent, by=request.user)
    except actions.IsOff as error:
        messages.error(request, str(error))
    return go_to(request, reverse("webhooks_out:delivery", args=[hook_id, message_id]))


def _team(request: SignedInRequest, managed: list[Team]) -> Team:
    """The team of the form. Raises Http404 for a team of others, PermissionDenied without the role."""
    asked = request.POST.get("team", "")
    if not asked and managed:
        return managed[0]
    number = whole_number(asked)
    team = None if number is None else queries.team_for(request.user, number)
    if asked and team is None:
        raise Http404
    if team not in managed:
        raise PermissionDenied
    assert team is not None
    return team


def _managed(request: SignedInRequest, hook_id: str) -> Endpoint:
    """Raises Http404 for what is of others, PermissionDenied for a member without the role."""
    found = queries.endpoint_for(request.user, hook_id)
    if found is None:
        raise Http404
    if not queries.may_manage(request.user, found.team_id):
        raise PermissionDenied
    return found


def _delivery(found: Endpoint, message_id: str) -> Delivery:
    sent = queries.delivery_of(found, message_id)
    if sent is None:
        raise Http404
    return sent


def _url(found: Endpoint) -> str:
    return reverse("webhooks_out:endpoint", args=[found.hook_id])


def _meaning(status_code: int | None) -> str:
    return "" if status_code is None else sender.meaning(status_code)


def _list(request: SignedInRequest, form: NewEndpointForm, teams: list[Team], status: int = HTTPStatus.OK) -> HttpResponse:
    context = {"tab": "webhooks", "form": form, "teams": teams, "endpoints": queries.endpoints_for(request.user)}
    return render(request, "agentos/webhooks/outgoing.html", context, status=status)


def _page(
    request: SignedInRequest, found: Endpoint, *, form: EndpointForm | None = None, status: int = HTTPStatus.OK, secret: str = ""
) -> HttpResponse:
    page = queries.deliveries_of(found, whole_number(request.GET.get("page", "")) or 1)
    context: dict[str, Any] = {
        "tab": "webhooks",
        "endpoint": found,
        "form": form or EndpointForm(initial={"name": found.name, "url": found.url, "events": found.events}),
        "secret": secret,
        "page": page,
        "rotating": found.is_rotating,
        "moving": any(delivery.is_first_try for delivery in page.rows),
    }
    answer = respond(
        request, page="agentos/webhooks/outgoing_endpoint.html", partial="webhooks/_deliveries.html", context=context, status=status
    )
    if secret:
        answer.headers["Cache-Control"] = "no-store"
    return answer
