"""The settings page of budgets, for operators."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agentos.access.guards import operator_only
from agentos.chat import budgets as budgets_of
from agentos.chat.actions.budgets import delete_budget, set_budget
from agentos.chat.forms import BudgetForm
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest


@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
def budgets(request: SignedInRequest) -> HttpResponse:
    """A POST sets one."""
    form = BudgetForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        set_budget(**form.budget, by=request.user)
        return _done(request, _("Saved."))
    context = {"tab": "usage", "budgets": budgets_of.all_budgets(), "form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "agentos/budgets.html", context, status=status)


@require_POST
@operator_only
def delete(request: SignedInRequest, budget_id: int) -> HttpResponse:
    budget = budgets_of.budget_with_key(budget_id)
    if budget is None:
        raise Http404
    delete_budget(budget=budget, by=request.user)
    return _done(request, _("Deleted."))


def _done(request: SignedInRequest, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return go_to(request, reverse("dashboard:budgets"))
