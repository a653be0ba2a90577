"""Who may use an agent: with whom it is shared, and whether it is on."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agentos.access.guards import signed_in
from agentos.agents import actions, queries
from agentos.agents.errors import AgentError
from agentos.agents.models import DjangoAgent
from agentos.chat import trying
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.dashboard.layout import frame
from agentos.dashboard.views.workshop.found import agent_to_edit


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Operators choose freely, owners and admins of teams among their teams."""
    agent = agent_to_edit(request, agent_id)
    if request.method != "POST":
        return share_page(request, agent)
    teams, plans = queries.teams_to_make_for(request.user), queries.plans_to_share_with(request.user)
    team = next((team for team in teams if str(team.pk) == request.POST.get("team", "")), None)
    chosen = [plan for plan in plans if str(plan.pk) in request.POST.getlist("plans")]
    try:
        actions.share_agent(agent=agent, team=team, is_global="is_global" in request.POST, plans=chosen, by=request.user)
    except AgentError as refused:
        return share_page(request, agent, error=refused.sentence, status=refused.status)
    messages.success(request, _("Saved. It holds from now on."))
    return go_to(request, reverse("dashboard:share-agent", args=[agent_id]))


def share_page(request: SignedInRequest, agent: DjangoAgent, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    context = {
        "agent": agent,
        "tab": "share",
        "teams": list(queries.teams_to_make_for(request.user)),
        "plans": list(queries.plans_to_share_with(request.user)),
        "chosen_plans": {plan.pk for plan in agent.plans.all()},
        "may_open_to_all": is_operator(request.user),
        "may_copy": queries.makes_agents(request.user),
        "chats": agent.chat_sessions.filter(is_ephemeral=False).count() if agent.owner_id else 0,
        **more,
    }
    return render(request, "agentos/workshop/share.html", {**frame(request, here="agents"), **context}, status=status)


@signed_in
@require_POST
def switch(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Turn it on or off for everybody."""
    agent = agent_to_edit(request, agent_id)
    is_on = request.POST.get("on") == "1"
    try:
        (actions.activate_agent if is_on else actions.deactivate_agent)(agent=agent, by=request.user)
    except AgentError as refused:
        messages.error(request, refused.sentence)
    else:
        messages.success(request, _("It is on.") if is_on else _("It is off: nobody can use it. Its chats stay readable."))
    return go_to(request, reverse("dashboard:share-agent", args=[agent_id]))


@signed_in
@require_POST
def delete(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Delete a draft of which nothing was ever published; of one's own any agent."""
    agent = agent_to_edit(request, agent_id)
    try:
        trying.delete_agent(agent=agent, by=request.user)
    except AgentError as refused:
        messages.error(request, refused.sentence)
        return go_to(request, reverse("dashboard:share-agent", args=[agent_id]))
    messages.success(request, _("The agent is deleted.") if agent.version else _("The draft is deleted."))
    return go_to(request, reverse("dashboard:workshop"))
