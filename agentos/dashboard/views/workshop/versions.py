"""Publishing a draft, and the versions that there are."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.agents import actions, case_queries, queries
from agentos.agents.blueprint import LABELS, blueprint_of, whole
from agentos.agents.changes import changes
from agentos.agents.errors import AgentError, DraftMoved, NotReady
from agentos.agents.forms import warnings_about
from agentos.agents.models import DjangoAgent
from agentos.agents.readiness import objections
from agentos.core.http.htmx import go_to
from agentos.core.http.paging import page_of
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.core.text import whole_number
from agentos.dashboard.layout import frame
from agentos.dashboard.views.workshop.found import agent_to_edit

VERSIONS_A_PAGE = 50


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """What is new against what is published, what is missing, and a note."""
    agent = agent_to_edit(request, agent_id)
    if request.method != "POST":
        return publish_page(request, agent)
    note, stamp = request.POST.get("note", ""), request.POST.get("stamp", "")
    try:
        published = actions.publish_agent(agent=agent, note=note, stamp=stamp, by=request.user)
    except NotReady:  # the page says what is missing
        return publish_page(request, agent, note=note, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except DraftMoved:
        error = _("Somebody else has changed this draft since you opened this page. Look at what is new once more, then publish.")
        return publish_page(request, agent, note=note, error=error, status=HTTPStatus.CONFLICT)
    except AgentError as refused:
        return publish_page(request, agent, note=note, error=refused.sentence, status=refused.status)
    messages.success(request, _("Version %(number)s is published.") % {"number": published.number})
    return go_to(request, reverse("dashboard:edit-agent", args=[agent_id]))


def publish_page(request: SignedInRequest, agent: DjangoAgent, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    draft = queries.draft_of(agent)
    wanted = queries.worked_on(agent, draft)
    missing = objections(wanted, agent=agent, by=request.user)
    context = {
        "agent": agent,
        "tab": "edit",
        "stamp": queries.stamp_of(draft),
        "changes": changes(blueprint_of(agent) if agent.version else None, wanted),
        "missing": [(LABELS[name], sentence) for name, sentence in missing.items()],
        "warnings": [] if "model" in missing else warnings_about(wanted, tell_why=is_operator(request.user)),
        "next_number": agent.version + 1,
        "is_new": draft.blueprint is not None,
        "tests": case_queries.comparison(agent, wanted, blueprint_of(agent) if agent.version else None),
        **more,
    }
    return render(request, "agentos/workshop/publish.html", {**frame(request, here="agents"), **context}, status=status)


@signed_in
@require_safe
def versions(request: SignedInRequest, agent_id: str) -> HttpResponse:
    agent = agent_to_edit(request, agent_id)
    page = page_of(queries.versions_of(agent), whole_number(request.GET.get("page", "")) or 1, VERSIONS_A_PAGE)
    context = {**frame(request, here="agents"), "agent": agent, "tab": "versions", "page": page, "versions": page.rows}
    return render(request, "agentos/workshop/versions.html", context)


@signed_in
@require_safe
def version(request: SignedInRequest, agent_id: str, number: int) -> HttpResponse:
    """One version: what it has changed, and how it differs from what is used now."""
    agent = agent_to_edit(request, agent_id)
    found = queries.versions_of(agent).filter(number=number).first()
    if found is None:
        raise Http404
    before = queries.versions_of(agent).filter(number__lt=number).first()
    blueprint = whole(found.blueprint)
    context = {
        "agent": agent,
        "tab": "versions",
        "version": found,
        "before": before,
        "changes": changes(whole(before.blueprint) if before else None, blueprint),
        "since": [] if number == agent.version else changes(blueprint_of(agent), blueprint),
    }
    return render(request, "agentos/workshop/version.html", {**frame(request, here="agents"), **context})


@signed_in
@require_POST
def restore(request: SignedInRequest, agent_id: str, number: int) -> HttpResponse:
    agent = agent_to_edit(request, agent_id)
    if not queries.versions_of(agent).filter(number=number).exists():
        raise Http404
    try:
        restored = actions.restore_version(agent=agent, number=number, by=request.user)
    except AgentError as refused:
        messages.error(request, refused.sentence)
        return go_to(request, reverse("dashboard:agent-version", args=[agent_id, number]))
    said = _("Version %(restored)s is used again, as version %(number)s.") % {"restored": number, "number": restored.number}
    messages.success(request, said)
    return go_to(request, reverse("dashboard:agent-versions", args=[agent_id]))
