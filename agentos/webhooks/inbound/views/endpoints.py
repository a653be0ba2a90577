"""The operators' pages of endpoints: make, change and delete one, its secret, a request to copy, an event to try."""

import json
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import operator_only
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.webhooks.inbound import actions, mapping, queries
from agentos.webhooks.inbound.forms import EndpointForm, NewEndpointForm, RotateForm, TryForm
from agentos.webhooks.inbound.models import WebhookEndpoint
from agentos.webhooks.inbound.trial import try_event

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
PLACEHOLDER = "whsec_…"


@require_safe
@operator_only
def endpoints(request: SignedInRequest) -> HttpResponse:
    return render(request, "agentos/webhooks/inbox_endpoints.html", {"tab": "endpoints", "endpoints": queries.endpoints_for(request.user)})


@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
def new(request: SignedInRequest) -> HttpResponse:
    form = NewEndpointForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = actions.create_endpoint(by=request.user, **form.cleaned_data)
        messages.success(request, _("%(name)s is ready. Reveal its secret and give it to the sender.") % {"name": made})
        return go_to(request, reverse("inbox:endpoint", args=[made.endpoint_id]))
    status = UNPROCESSABLE if form.is_bound else HTTPStatus.OK
    return render(request, "agentos/webhooks/inbox_new.html", {"tab": "endpoints", "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
def endpoint(request: SignedInRequest, endpoint_id: str) -> HttpResponse:
    found = endpoint_or_404(request, endpoint_id)
    if request.method != "POST":
        return endpoint_page(request, found)
    form = EndpointForm(request.POST, endpoint=found)
    if not form.is_valid():
        return endpoint_page(request, found, form=form, status=UNPROCESSABLE)
    try:
        actions.change_endpoint(endpoint=found, by=request.user, **form.cleaned_data)
    except Problem as problem:
        return endpoint_page(request, found, form=form, error=problem.sentence, status=problem.status)
    messages.success(request, _("Saved."))
    return go_to(request, reverse("inbox:endpoint", args=[endpoint_id]))


@require_POST
@operator_only
def try_out(request: SignedInRequest, endpoint_id: str) -> HttpResponse:
    """Show what an event would do. Nothing is stored or started."""
    found = endpoint_or_404(request, endpoint_id)
    form = TryForm(request.POST)
    if not form.is_valid():
        return endpoint_page(request, found, try_form=form, status=UNPROCESSABLE)
    return endpoint_page(request, found, try_form=form, trial=try_event(found, form.cleaned_data["payload"]))


@require_POST
@operator_only
def reveal(request: SignedInRequest, endpoint_id: str) -> HttpResponse:
    found = endpoint_or_404(request, endpoint_id)
    try:
        return endpoint_page(request, found, secret=actions.reveal_secret(endpoint=found, by=request.user))
    except Problem as problem:
        return endpoint_page(request, found, error=problem.sentence, status=problem.status)


@require_POST
@operator_only
def rotate(request: SignedInRequest, endpoint_id: str) -> HttpResponse:
    found = endpoint_or_404(request, endpoint_id)
    form = RotateForm(request.POST)
    if not form.is_valid():
        return endpoint_page(request, found, rotate_form=form, status=UNPROCESSABLE)
    try:
        actions.rotate_secret(endpoint=found, keep_for=form.keep_for, secret=form.cleaned_data["secret"], by=request.user)
    except Problem as problem:
        return endpoint_page(request, found, error=problem.sentence, status=problem.status)
    messages.success(request, _("There is a new secret. Reveal it and give it to the sender."))
    return go_to(request, reverse("inbox:endpoint", args=[endpoint_id]))


@require_POST
@operator_only
def switch(request: SignedInRequest, endpoint_id: str) -> HttpResponse:
    found = endpoint_or_404(request, endpoint_id)
    actions.switch_endpoint(endpoint=found, is_active=request.POST.get("on") == "1", by=request.user)
    return go_to(request, reverse("inbox:endpoint", args=[endpoint_id]))


@require_POST
@operator_only
def delete(request: SignedInRequest, endpoint_id: str) -> HttpResponse:
    found = endpoint_or_404(request, endpoint_id)
    try:
        actions.delete_endpoint(endpoint=found, by=request.user)
    except Problem as problem:
        raise Http404 from problem
    messages.success(request, _("“%(name)s” was deleted.") % {"name": found})
    return go_to(request, reverse("inbox:endpoints"))


def endpoint_page(request: SignedInRequest, endpoint: WebhookEndpoint, *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
    sample = mapping.sample(endpoint)
    default = {
        "tab": "endpoints",
        "endpoint": endpoint,
        "url": request.build_absolute_uri(reverse("webhooks:receive", args=[endpoint.endpoint_id])),
        "sample": json.dumps(sample),
        "is_usable": queries.is_usable(endpoint),
        "form": EndpointForm(endpoint=endpoint),
        "rotate_form": RotateForm(),
        "try_form": TryForm(initial={"payload": json.dumps(sample, indent=2)}),
        "placeholder": PLACEHOLDER,
    }
    return render(request, "agentos/webhooks/inbox_endpoint.html", {**default, **context}, status=status)


def endpoint_or_404(request: SignedInRequest, endpoint_id: str) -> WebhookEndpoint:
    if found := queries.endpoint_for(request.user, endpoint_id):
        return found
    raise Http404
