"""The settings pages of plans, for operators: what each opens, how much it allows, and who has it."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access import actions
from agentos.access.guards import operator_only
from agentos.access.models import Plan
from agentos.agents import queries
from agentos.agents.actions import write_plan
from agentos.agents.forms import PlanForm
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest

AGENTS_NAMED = 12  # of one plan


@require_safe
@operator_only
def plans(request: SignedInRequest) -> HttpResponse:
    return render(request, "agentos/plans/plans.html", {"tab": "all-plans", "plans": queries.all_plans(), "named": AGENTS_NAMED})


@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
def new(request: SignedInRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@operator_only
def plan(request: SignedInRequest, plan_id: int) -> HttpResponse:
    return _edit(request, _found(plan_id))


@require_POST
@operator_only
def delete(request: SignedInRequest, plan_id: int) -> HttpResponse:
    found = _found(plan_id)
    try:
        actions.delete_plan(plan=found, by=request.user)
    except actions.PlanInUse as error:
        messages.error(request, error.sentence)
        return go_to(request, reverse("dashboard:edit-plan", args=[found.pk]))
    messages.success(request, _("Deleted."))
    return go_to(request, reverse("dashboard:all-plans"))


def _edit(request: SignedInRequest, found: Plan | None) -> HttpResponse:
    """``found`` stays as it is stored: the form fills a copy of it."""
    instance = queries.plan_with_key(found.pk) if found else None
    form = PlanForm(request.POST if request.method == "POST" else None, instance=instance)
    if form.is_valid():
        write_plan(plan=found, by=request.user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return go_to(request, reverse("dashboard:all-plans"))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "agentos/plans/plan.html", {"tab": "all-plans", "plan": found, "form": form}, status=status)


def _found(plan_id: int) -> Plan:
    found = queries.plan_with_key(plan_id)
    if found is None:
        raise Http404
    return found
