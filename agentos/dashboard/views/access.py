"""Asking for an agent that is locked, and what its team's owners and operators do with that."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.agents import actions, queries
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to, notice, wants_fragment
from agentos.core.http.request import SignedInRequest


@signed_in
@require_POST
def ask(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Ask once; whoever has the agent by now is led to it."""
    if queries.agents_for(request.user).filter(agent_id=agent_id).exists():
        return go_to(request, reverse("dashboard:chat", args=[agent_id]))
    agent = queries.locked_row_for(request.user, agent_id)
    if agent is None:
        raise Http404
    try:
        actions.ask_for_access(agent=agent, by=request.user)
    except Problem as problem:
        if wants_fragment(request):
            return notice(problem.sentence, problem.status)
        messages.error(request, problem.sentence)
        return go_to(request, reverse("dashboard:agents"))
    if wants_fragment(request):
        return render(request, "agents/_locked_card.html", {"card": queries.locked_agent_for(request.user, agent_id)})
    return go_to(request, reverse("dashboard:chat", args=[agent_id]))


@signed_in
@require_safe
def requests(request: SignedInRequest) -> HttpResponse:
    return render(request, "agentos/access_requests.html", {"tab": "access", "requests": queries.access_requests_for(request.user)})


@signed_in
@require_POST
def decide(request: SignedInRequest, request_id: int) -> HttpResponse:
    asked = queries.access_requests_decided_by(request.user).filter(pk=request_id).first()
    if asked is None:
        raise Http404
    is_granted = request.POST.get("decision") == "grant"
    try:
        (actions.grant_access if is_granted else actions.decline_access)(asked=asked, by=request.user)
    except actions.CannotGrant as error:
        messages.error(request, error.sentence)
    else:
        granted = _("%(person)s is in the team %(team)s now.") % {"person": asked.user, "team": asked.agent.team}
        messages.success(request, granted if is_granted else _("The request was declined."))
    return go_to(request, reverse("dashboard:access-requests"))
