"""*Plans*: what each opens, what is paid, and the ways to Stripe and back."""

import uuid
from http import HTTPStatus
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.billing import actions, queries
from agentos.billing.guards import where_plans_are_paid
from agentos.billing.problems import Away, BillingProblem, NotAccepted
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.leaving import leave_to
from agentos.core.http.request import SignedInRequest

STRIPE = "Stripe"
ONCE = 64  # characters


@require_safe
@signed_in
@where_plans_are_paid
def plans(request: SignedInRequest) -> HttpResponse:
    said = request.GET.get("said", "")
    return _page(request, note=_notes().get(said, ""), trouble=_troubles().get(said, ""))


@require_POST
@signed_in
@where_plans_are_paid
def subscribe(request: SignedInRequest) -> HttpResponseBase:
    """On to Checkout; or, for who pays for a plan already, to another one at once."""
    try:
        wanted = actions.order(
            by=request.user,
            price_pk=_number(request.POST.get("price", "")) or 0,
            team_pk=_number(request.POST.get("team", "")),
            once=request.POST.get("once", "")[:ONCE],
        )
    except Problem as problem:
        return _page(request, trouble=problem.sentence, status=problem.status)
    if wanted is None:
        raise Http404
    user = request.user
    back, done = (request.build_absolute_uri(reverse(f"billing:{name}")) for name in ("plans", "paid"))

    async def finish() -> HttpResponse:
        try:
            url = await actions.carry_out(wanted=wanted, back=back, done=done, by=user)
        except BillingProblem as problem:
            return _say(request, problem.kind)
        return leave_to(request, url, STRIPE) if url else _say(request, actions.CHANGED)

    return deferred(request, finish)


@require_safe
@signed_in
@where_plans_are_paid
def paid(request: SignedInRequest) -> HttpResponseBase:
    """Where Checkout sends people back to. It opens nothing by itself: what is paid is read at Stripe."""
    user, session_id = request.user, request.GET.get("session", "")

    async def finish() -> HttpResponse:
        try:
            return _say(request, await actions.come_back(session_id=session_id, by=user))
        except BillingProblem:
            return _say(request, actions.MOMENT)

    return deferred(request, finish)


@require_POST
@signed_in
@where_plans_are_paid
def portal(request: SignedInRequest) -> HttpResponseBase:
    """On to payments and invoices, of the user or of a team that they own."""
    payer = queries.payers_of(request.user).filter(pk=_number(request.POST.get("payer", "")) or 0).first()
    if payer is None:
        raise Http404
    user = request.user
    back = request.build_absolute_uri(reverse("billing:plans"))

    async def finish() -> HttpResponse:
        try:
            url = await actions.portal(payer=payer, back=back, by=user)
        except BillingProblem as problem:
            return _say(request, problem.kind)
        return leave_to(request, url, STRIPE)

    return deferred(request, finish)


def _page(request: SignedInRequest, *, note: str = "", trouble: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    user = request.user
    context = {
        "tab": "plans",
        "payments": queries.paid_by(user),
        "payers": queries.payers_of(user),
        "given": queries.given_to(user),
        "plans": queries.plans_shown_to(user),
        "once": uuid.uuid4().hex,
        "note": note,
        "trouble": trouble,
    }
    return render(request, "agentos/billing/plans.html", context, status=status)


def _say(request: SignedInRequest, said: str) -> HttpResponse:
    """On to the page, which says it: here is the loop, where no page is drawn."""
    url = reverse("billing:plans")
    return go_to(request, f"{url}?{urlencode({'said': said})}" if said else url)


def _notes() -> dict[str, str]:
    return {
        actions.PAID: _("Thank you. Your plan is open."),
        actions.MOMENT: _("Thank you. Your plan opens as soon as the payment is confirmed. Load this page again in a moment."),
        actions.CHANGED: _("Your plan is changed. The difference is settled with the next invoice."),
    }


def _troubles() -> dict[str, str]:
    return {Away.kind: Away().sentence, NotAccepted.kind: NotAccepted().sentence}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None  # noqa: PLR2004 - what a database takes
