"""The settings page of the providers of models, and of prices of the site's own, for operators."""

from http import HTTPStatus

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import operator_only
from agentos.agents import actions, own_prices
from agentos.agents.forms import PriceForm
from agentos.agents.provider_states import provider_states
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest


@require_safe
@operator_only
def models(request: SignedInRequest) -> HttpResponse:
    return _page(request, PriceForm())


@require_POST
@operator_only
def set_price(request: SignedInRequest) -> HttpResponse:
    form = PriceForm(request.POST)
    if not form.is_valid():
        return _page(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    actions.set_price(**form.cleaned_data, by=request.user)
    return _done(request, _("Saved. What is used from now on is counted by it."))


@require_POST
@operator_only
def delete_price(request: SignedInRequest, price_id: int) -> HttpResponse:
    price = own_prices.price_with_key(price_id)
    if price is None:
        raise Http404
    actions.delete_price(price=price, by=request.user)
    return _done(request, _("Deleted."))


def _done(request: SignedInRequest, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return go_to(request, reverse("dashboard:models") + "#prices")


def _page(request: SignedInRequest, form: forms.Form, status: int = HTTPStatus.OK) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    words = query.casefold().split()
    states = [state for state in provider_states() if all(word in f"{state.slug} {state.label}".casefold() for word in words)]
    context = {
        "tab": "models",
        "query": query,
        "ready": [state for state in states if state.is_ready],
        "others": [state for state in states if not state.is_ready],
        "prices": own_prices.all_prices(),
        "form": form,
    }
    return render(request, "agentos/models.html", context, status=status)
