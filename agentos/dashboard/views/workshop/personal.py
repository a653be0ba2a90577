"""Agents that somebody has for themselves, and the teams that let them."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agentos.access.actions import allow_personal_agents
from agentos.access.guards import signed_in
from agentos.agents import actions, queries
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest


@signed_in
@require_POST
def own(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Copy an agent to have it for oneself: a draft, which its page shows."""
    agent = queries.agents_for(request.user).filter(agent_id=agent_id).first()
    if agent is None:
        raise Http404
    try:
        made, missing = actions.copy_to_own(agent=agent, by=request.user)
    except Problem as problem:
        messages.error(request, problem.sentence)
        return go_to(request, reverse("dashboard:agents"))
    messages.success(request, _("This copy is yours alone. Change it, try it, publish it."))
    for sentence in missing:
        messages.warning(request, sentence)
    return go_to(request, reverse("dashboard:edit-agent", args=[made.agent_id]))


@signed_in
@require_POST
def allow(request: SignedInRequest, team_id: int) -> HttpResponse:
    """Let the members of a team have agents of their own, or do so no more."""
    team = queries.teams_to_make_for(request.user).filter(pk=team_id).first()
    if team is None:
        raise Http404
    allowed = request.POST.get("allowed") == "1"
    allow_personal_agents(team=team, allowed=allowed, by=request.user)
    said = (
        _("Members of %(team)s can copy its agents for themselves now.")
        if allowed
        else _("Members of %(team)s have no agents of their own now. Nothing is deleted.")
    )
    messages.success(request, said % {"team": team})
    return go_to(request, reverse("dashboard:workshop"))
