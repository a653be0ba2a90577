"""What plans cost, as operators say: by prices of Stripe's."""

from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from agentos.access.guards import operator_only
from agentos.billing import actions, queries
from agentos.billing.forms import PriceForm
from agentos.billing.guards import where_plans_are_paid
from agentos.billing.problems import BillingProblem
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest


@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
@where_plans_are_paid
def prices(request: SignedInRequest) -> HttpResponseBase:
    form = PriceForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK)
    chosen, by = form.cleaned_data, request.user

    async def finish() -> HttpResponse:
        try:
            await actions.add_price(
                by=by,
                plan=chosen["plan"],
                stripe_id=chosen["price"].strip(),
                per_seat=chosen["per_seat"] == "1",
                trial_days=chosen["trial_days"] or 0,
            )
        except BillingProblem as problem:
            return await db.read(_refused, request, form, problem)
        return go_to(request, reverse("billing:prices"))

    return deferred(request, finish)


@require_POST
@operator_only
@where_plans_are_paid
def switch(request: SignedInRequest, offer_id: int) -> HttpResponse:
    price = queries.price_with(offer_id)
    if price is None:
        raise Http404
    actions.offer_price(price=price, offered=request.POST.get("offered") == "1", by=request.user)
    return go_to(request, reverse("billing:prices"))


def _refused(request: SignedInRequest, form: PriceForm, problem: BillingProblem) -> HttpResponse:
    form.add_error("price", problem.sentence)
    return _page(request, form, status=problem.status)


def _page(request: SignedInRequest, form: PriceForm, *, status: int) -> HttpResponse:
    context = {"tab": "prices", "prices": queries.prices(), "form": form, "comparison": queries.last_comparison()}
    return render(request, "agentos/billing/prices.html", context, status=status)
