"""The inbox: what came, what it did, and doing it again."""

from dataclasses import replace
from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import operator_only
from agentos.chat.asks import Errors, answers_in, asks_of
from agentos.chat.errors import InvalidInput
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.core.text import whole_number
from agentos.webhooks.inbound import actions, queries
from agentos.webhooks.inbound.models import WebhookEvent

FILTERS = ("endpoint", "status", "event")
TEXT_LIMIT = 100  # characters


@require_safe
@operator_only
def events(request: SignedInRequest) -> HttpResponse:
    chosen = {name: request.GET.get(name, "").strip()[:TEXT_LIMIT].replace("\0", "") for name in FILTERS}
    page = queries.inbox(
        request.user,
        endpoint_id=chosen["endpoint"],
        status=chosen["status"],
        event=chosen["event"],
        page=whole_number(request.GET.get("page", "")) or 1,
    )
    context = {
        "tab": "inbox",
        "events": page.rows,
        "page": page,
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "filters": urlencode({name: value for name, value in chosen.items() if value}),
        "statuses": WebhookEvent.Status.choices,
        "endpoints": queries.endpoints_for(request.user),
    }
    return render(request, "agentos/webhooks/inbox.html", context)


@require_safe
@operator_only
def event(request: SignedInRequest, event_id: int) -> HttpResponse:
    return event_page(request, event_or_404(request, event_id))


@require_POST
@operator_only
def replay(request: SignedInRequest, event_id: int) -> HttpResponse:
    found = event_or_404(request, event_id)
    try:
        delivery = actions.replay_event(event=found, by=request.user)
    except Problem as problem:
        return event_page(request, found, error=problem.sentence, status=problem.status)
    if not delivery.problem:
        messages.success(request, _("The event was replayed."))
    return go_to(request, reverse("inbox:event", args=[delivery.event.pk]))


@require_POST
@operator_only
def stop(request: SignedInRequest, event_id: int) -> HttpResponse:
    found = event_or_404(request, event_id)
    try:
        stopped = actions.stop_event_run(event=found, by=request.user)
    except Problem as problem:
        return event_page(request, found, error=problem.sentence, status=problem.status)
    messages.success(request, _("The run was stopped.") if stopped else _("The run had ended already."))
    return go_to(request, reverse("inbox:event", args=[event_id]))


@require_POST
@operator_only
def answer(request: SignedInRequest, event_id: int) -> HttpResponse:
    """Approve or refuse what the run waits for, with one decision. What will be called comes from the run, not from here."""
    found = event_or_404(request, event_id)
    waiting = found.run.requirements if found.run else []
    try:
        actions.answer_event_run(event=found, answers=answers_in(request.POST, waiting), by=request.user)
    except InvalidInput as error:
        return event_page(request, found, error=error.sentence, status=error.status, wrong=error.answers)
    except Problem as problem:
        return event_page(request, found, error=problem.sentence, status=problem.status)
    return go_to(request, reverse("inbox:event", args=[event_id]))


def event_page(
    request: SignedInRequest, event: WebhookEvent, *, error: str = "", status: int = HTTPStatus.OK, wrong: Errors | None = None
) -> HttpResponse:
    """``wrong``: with the answers that were posted."""
    turn = queries.turn_of(event)
    if turn and wrong:
        turn = replace(turn, refused=asks_of(turn.run.requirements, request.POST, wrong, of=turn.id))
    context = {
        "tab": "inbox",
        "event": event,
        "content": event.content,
        "turn": turn,
        "error": error,
        "replays": event.replays.defer(*queries.HEAVY)[:20],
    }
    return render(request, "agentos/webhooks/inbox_event.html", context, status=status)


def event_or_404(request: SignedInRequest, event_id: int) -> WebhookEvent:
    if found := queries.event_for(request.user, event_id):
        return found
    raise Http404
