"""Agents that are ready to be taken: looked at, and made a draft of one's own."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agentos.access.guards import signed_in
from agentos.agents import actions, queries
from agentos.agents.gallery import ready_agents
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.dashboard.layout import frame
from agentos.dashboard.views.workshop.editing import chosen_team, teams_for


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def gallery(request: SignedInRequest) -> HttpResponse:
    teams, error, status = teams_for(request), "", HTTPStatus.OK
    if request.method == "POST":
        try:
            agent = actions.take_ready_agent(agent_id=request.POST.get("agent_id", ""), team=chosen_team(request, teams), by=request.user)
        except Problem as problem:
            error, status = problem.sentence, HTTPStatus(problem.status)
        else:
            model = queries.worked_on(agent, queries.draft_of(agent))["model"]
            messages.success(request, _("The draft is made. Look at it, try it, publish it."))
            if model:
                said = _("It answers with %(model)s, which was chosen for you. Its form offers others.")
                messages.info(request, said % {"model": queries.model_label(model)})
            return go_to(request, reverse("dashboard:edit-agent", args=[agent.agent_id]))
    context = {
        **frame(request, here="agents"),
        "ready": ready_agents(is_operator=is_operator(request.user)),
        "teams": teams,
        "error": error,
        "team": request.POST.get("team", ""),
    }
    return render(request, "agentos/workshop/gallery.html", {**frame(request, here="agents"), **context}, status=status)
