"""The agents that one may change, a new one, and the form of a draft."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.access.models import Team
from agentos.access.queries import managed_teams
from agentos.agents import actions, members_form, queries, workshop_form
from agentos.agents.blueprint import LABELS, Blueprint, InvalidBlueprint
from agentos.agents.changes import changes
from agentos.agents.errors import AgentError, DraftMoved
from agentos.agents.forms import warnings_about
from agentos.agents.models import AgentDraft, DjangoAgent
from agentos.agents.providers import availability
from agentos.agents.readiness import objections
from agentos.core.fragments import fragment
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import fragments, go_to, wants_fragment
from agentos.core.http.paging import page_of
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.core.rendering import markdown
from agentos.core.text import whole_number
from agentos.dashboard.layout import frame
from agentos.dashboard.views.workshop.found import agent_to_edit

AGENTS_A_PAGE = 50
AUTOSAVE = "autosave"
TEXT_LIMIT = 200  # characters
INSTRUCTIONS_LIMIT = 20_000  # characters that are previewed


@signed_in
@require_safe
def workshop(request: SignedInRequest) -> HttpResponse:
    """The agents that one may change, with how each stands; for owners and admins also whether members have agents of their own."""
    makes, may_have_own = queries.makes_agents(request.user), queries.may_have_own(request.user)
    if not makes and not may_have_own:
        raise PermissionDenied
    text = request.GET.get("q", "").strip()[:TEXT_LIMIT]
    page = page_of(queries.made_agents(request.user, text), whole_number(request.GET.get("page", "")) or 1, AGENTS_A_PAGE)
    context = {
        **frame(request, here="agents"),
        "page": page,
        "agents": page.rows,
        "text": text,
        "makes_agents": makes,
        "may_have_own": may_have_own,
        "managed": list(managed_teams(request.user)),
    }
    return render(request, "agentos/workshop/agents.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    """What it is called and whose it is; all else is asked on the next page."""
    teams = teams_for(request)
    context: dict[str, Any] = {"teams": teams, "values": {"team": str(teams[0].pk) if len(teams) == 1 else ""}, "errors": {}}
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            team = chosen_team(request, teams)
            name, wanted_id = request.POST.get("name", ""), request.POST.get("agent_id", "").strip()
            agent = actions.start_agent(name=name, agent_id=wanted_id, team=team, by=request.user)
        except Problem as problem:
            context["values"] = request.POST
            context["errors"] = {problem.field or "all": problem.sentence}
            status = HTTPStatus(problem.status)
        else:
            return go_to(request, reverse("dashboard:edit-agent", args=[agent.agent_id]))
    return render(request, "agentos/workshop/new.html", {**frame(request, here="agents"), **context}, status=status)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """The draft. Saving over what somebody else has saved meanwhile is told, with what differs; what was typed stays in the form."""
    agent = agent_to_edit(request, agent_id)
    draft = queries.draft_of(agent)
    before = queries.worked_on(agent, draft)
    if request.method != "POST":
        return edit_page(request, draft, before)
    if request.POST.get("do") == AUTOSAVE:
        return _autosaved(request, agent, before)
    parts = workshop_form.posted(request.POST, before, workshop_form.offered_to(agent), may_set_options=is_operator(request.user))
    if refused := _refused(request, draft, before, parts):
        return refused
    if request.POST.get("do") == "publish":
        return go_to(request, reverse("dashboard:publish-agent", args=[agent_id]))
    kept = queries.draft_of(agent)
    saved = queries.worked_on(agent, kept)
    if wants_fragment(request):
        return edit_page(request, kept, saved)
    messages.success(request, _("The draft is saved."))
    if saved["model"]:
        for sentence in warnings_about(saved, tell_why=is_operator(request.user)):
            messages.warning(request, sentence)
    return go_to(request, reverse("dashboard:edit-agent", args=[agent_id]))


def _refused(request: SignedInRequest, draft: AgentDraft, before: Blueprint, parts: dict[str, Any]) -> HttpResponse | None:
    """Save what was typed; return the page that says why it cannot be saved, with all of it."""
    agent, stamp, wanted = draft.agent, request.POST.get("stamp", ""), {**before, **parts}
    try:
        actions.save_draft(agent=agent, changes=parts, stamp=stamp, by=request.user)
    except InvalidBlueprint as error:
        return edit_page(request, draft, wanted, errors=error.errors, status=error.status, stamp=stamp)
    except DraftMoved as error:
        theirs = queries.worked_on(error.draft.agent, error.draft)
        return edit_page(request, error.draft, wanted, moved=changes(theirs, wanted), error=error.sentence, status=error.status)
    except AgentError as error:
        return edit_page(request, draft, wanted, error=error.sentence, status=error.status, stamp=stamp)
    return None


def _autosaved(request: SignedInRequest, agent: DjangoAgent, before: Blueprint) -> HttpResponse:
    """Keep what was typed, quietly: what cannot be kept is said beside the button, and stays in the form. A member that was chosen and not
    added yet is left for the button that adds it."""
    form = request.POST.copy()
    form["new_member"] = ""
    parts = workshop_form.posted(form, before, workshop_form.offered_to(agent), may_set_options=is_operator(request.user))
    stamp = request.POST.get("stamp", "")
    about: dict[str, Any] = {}
    try:
        actions.save_draft(agent=agent, changes=parts, stamp=stamp, is_quiet=True, by=request.user)
    except InvalidBlueprint as error:
        about = {"unsaved": _("Not saved. %(part)s: %(why)s") % {"part": LABELS.get(error.field, error.field), "why": error.sentence}}
    except DraftMoved:
        about = {"unsaved": _("Not saved: it was changed elsewhere meanwhile. Save the draft to see what differs."), "is_stuck": True}
    except AgentError as error:
        about = {"unsaved": _("Not saved. %(why)s") % {"why": error.sentence}}
    draft = queries.draft_of(agent)
    context = {"agent": agent, "draft": draft, "stamp": stamp if about else queries.stamp_of(draft), **about}
    bar = fragment(render_to_string("workshop/_draft_bar.html", context, request), "#draft-bar", "outerMorph")
    state = "" if about else fragment(render_to_string("agentos/workshop/edit.html#state", context, request), "#draft-state", "outerMorph")
    return fragments(request, bar, state)


@signed_in
@require_POST
def preview(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """The instructions as they are typed, rendered; without htmx the whole page with them."""
    agent = agent_to_edit(request, agent_id)
    shown = markdown.render(request.POST.get("instructions", "")[:INSTRUCTIONS_LIMIT])
    if wants_fragment(request):
        return render(request, "workshop/_preview.html", {"preview": shown})
    return edit_page(request, *typed(request, agent), preview=shown, stamp=request.POST.get("stamp", ""))


@signed_in
@require_POST
def arrange(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """The members as a button has put them, not saved yet; without htmx the whole page with them."""
    agent = agent_to_edit(request, agent_id)
    draft, wanted = typed(request, agent)
    if not wants_fragment(request):
        return edit_page(request, draft, wanted, stamp=request.POST.get("stamp", ""))
    made_of, missing = members_form.part(wanted, agent, request.user), objections(wanted, agent=agent, by=request.user)
    told = workshop_form.heads(wanted)
    context = {"agent": agent, "made_of": made_of, "missing": missing, "told": told, "open": {"made-of"}}
    return render(request, "workshop/_made_of.html", context)


def typed(request: SignedInRequest, agent: DjangoAgent) -> tuple[AgentDraft, Blueprint]:
    """The draft, and what stands in its form, as it was typed."""
    draft = queries.draft_of(agent)
    before = queries.worked_on(agent, draft)
    offered = workshop_form.offered_to(agent)
    return draft, {**before, **workshop_form.posted(request.POST, before, offered, may_set_options=is_operator(request.user))}


@signed_in
@require_POST
def discard(request: SignedInRequest, agent_id: str) -> HttpResponse:
    agent = agent_to_edit(request, agent_id)
    try:
        actions.discard_draft(agent=agent, stamp=request.POST.get("stamp", ""), by=request.user)
    except DraftMoved as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, _("The draft is what is published again."))
    return go_to(request, reverse("dashboard:edit-agent", args=[agent_id]))


def edit_page(request: SignedInRequest, draft: AgentDraft, shown: Blueprint, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    """``shown``: what stands in the form; htmx is sent that and how it stands, and what was tried stays. ``moved``: what it changes of a
    draft that somebody else has saved meanwhile."""
    agent: DjangoAgent = draft.agent
    models, missing = workshop_form.model_cards(shown["model"], agent), objections(shown, agent=agent, by=request.user)
    context = {
        "agent": agent,
        "draft": draft,
        "stamp": queries.stamp_of(draft),
        "values": {**shown, **{name: "\n".join(shown[name]) for name in workshop_form.LINES}},
        "errors": {},
        "history": "[]",
        "tried": [],
        "tab": "edit",
        "made_of": members_form.part(shown, agent, request.user),
        "models": models,
        "model_abilities": workshop_form.model_abilities(shown["model_options"]),
        "is_other_model": bool(shown["model"]) and not any(card.is_chosen for card in models),
        "tool_groups": workshop_form.tool_groups(
            shown, workshop_form.offered_to(agent), agent.team_id, may_set_options=is_operator(request.user)
        ),
        "skills": workshop_form.skill_cards(shown["skills"], agent),
        "bases": workshop_form.base_cards(shown["bases"], agent.team_id),
        "missing": missing,
        "can_suggest": availability(shown["model"]).ok,
        "warnings": [] if "model" in missing else warnings_about(shown, tell_why=is_operator(request.user)),
        "told": workshop_form.heads(shown),
        "open": workshop_form.unfolded(shown, request.POST.getlist("open"), {*missing, *more.get("errors", ())}),
        **more,
    }
    context["unsaved"] = _("Not saved yet") if status != HTTPStatus.OK or "is_unsaved" in more else ""
    if not wants_fragment(request):
        return render(request, "agentos/workshop/edit.html", {**frame(request, here="agents"), **context}, status=status)
    form = fragment(render_to_string("agentos/workshop/edit.html#form", context, request), "#draft", "outerMorph")
    state = fragment(render_to_string("agentos/workshop/edit.html#state", context, request), "#draft-state", "outerMorph")
    answer = fragments(request, form, state, status=status)
    answer.headers["HX-Reswap"] = "none"
    return answer


def _check_maker(request: SignedInRequest) -> None:
    if not queries.makes_agents(request.user):
        raise PermissionDenied


def teams_for(request: SignedInRequest) -> list[Team]:
    """The teams that one may make an agent for. Raises PermissionDenied for who makes none."""
    _check_maker(request)
    return list(queries.teams_to_make_for(request.user))


def chosen_team(request: SignedInRequest, teams: list[Team]) -> Team | None:
    """The team that was chosen; the one that there is, where nobody was asked."""
    chosen = request.POST.get("team", "")
    found = next((team for team in teams if str(team.pk) == chosen), None)
    if found is None and not is_operator(request.user) and len(teams) == 1 and not chosen:
        return teams[0]
    return found
