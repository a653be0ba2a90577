"""An agent as a file: taken away, and brought."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.agents import actions, files, queries
from agentos.agents.blueprint import blueprint_of
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.layout import frame
from agentos.dashboard.views.workshop.editing import chosen_team, teams_for
from agentos.dashboard.views.workshop.found import agent_to_edit
from agentos.dashboard.views.workshop.sharing import share_page

FORM_BYTES = 16_384  # around the file that it carries


@signed_in
@require_safe
def export(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """What is published; ``?draft=1``, or where nothing is: what is worked on."""
    agent = agent_to_edit(request, agent_id)
    wants_draft = "draft" in request.GET or not agent.version
    blueprint = queries.worked_on(agent, queries.draft_of(agent)) if wants_draft else blueprint_of(agent)
    answer = HttpResponse(files.written(agent, blueprint), content_type=f"{files.TYPE}; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{files.name_of(agent)}"'
    return answer


@signed_in
@require_POST
def bring(request: SignedInRequest) -> HttpResponse:
    """Make a draft of a file; what is missing here is said on its page."""
    teams = teams_for(request)
    try:
        agent, given = actions.import_agent(data=_content(request), team=chosen_team(request, teams), by=request.user)
    except Problem as problem:
        context = {**frame(request, here="agents"), "teams": teams, "values": request.POST, "errors": {}, "file_error": problem.sentence}
        return render(request, "agentos/workshop/new.html", context, status=problem.status)
    messages.success(request, _("The draft is made of the file. Look at it, try it, publish it."))
    for sentence in given.missing:
        messages.warning(request, sentence)
    return go_to(request, reverse("dashboard:edit-agent", args=[agent.agent_id]))


@signed_in
@require_POST
def copy(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Make a draft of an agent that one may change."""
    agent, teams = agent_to_edit(request, agent_id), teams_for(request)
    try:
        made, missing = actions.copy_agent(agent=agent, team=chosen_team(request, teams), by=request.user)
    except Problem as problem:
        return share_page(request, agent, copy_error=problem.sentence, status=problem.status)
    messages.success(request, _("This is the copy, as a draft."))
    for sentence in missing:
        messages.warning(request, sentence)
    return go_to(request, reverse("dashboard:edit-agent", args=[made.agent_id]))


def _content(request: SignedInRequest) -> bytes:
    """Raises BadFile."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > files.MOST_BYTES + FORM_BYTES:  # the server does not keep all of it
        raise files.BadFile(_("The file of an agent has at most 1 MB. This is more."), 413)
    given = request.FILES.get("file")
    if given is None:
        raise files.BadFile(_("Choose a file first."))
    data: bytes = given.read()
    return data
