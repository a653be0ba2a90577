"""The skills that there are, a new one, and one with its text and its files."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.agents.queries import agents_with_skill
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.paging import page_of
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.core.rendering import markdown
from agentos.core.text import whole_number
from agentos.dashboard.layout import frame
from agentos.dashboard.views.skills.found import check_maker, chosen_team, skill_to_edit, skill_to_see, teams_for
from agentos.dashboard.views.skills.uploads import given_files
from agentos.skills import actions, document, queries
from agentos.skills.document import Document
from agentos.skills.errors import NothingNew, SkillMoved
from agentos.skills.models import Skill

SKILLS_A_PAGE = 50
TEXT_LIMIT = 200  # characters
SHOWN = 20_000  # characters of a text that are rendered
FIELDS = ("name", "description", "body", "rest", "note")


@signed_in
@require_safe
def skills(request: SignedInRequest) -> HttpResponse:
    """Those that one may give to agents."""
    check_maker(request)
    text = request.GET.get("q", "").strip()[:TEXT_LIMIT]
    page = page_of(queries.listed_skills(request.user, text), whole_number(request.GET.get("page", "")) or 1, SKILLS_A_PAGE)
    context = {**frame(request, here="agents"), "page": page, "skills": page.rows, "text": text}
    return render(request, "agentos/skills/skills.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    teams = teams_for(request)
    if request.method != "POST":
        return new_page(request, {"team": str(teams[0].pk) if len(teams) == 1 and not is_operator(request.user) else ""})
    try:
        made = actions.create_skill(document=_posted(request), team=chosen_team(request, teams), by=request.user)
    except Problem as problem:
        return new_page(request, request.POST, errors={problem.field or "all": problem.sentence}, status=problem.status)
    messages.success(request, _("The skill is made. Add files to it, and give it to agents."))
    return go_to(request, reverse("dashboard:skill", args=[made.pk]))


def new_page(request: SignedInRequest, values: Any, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    context = {"teams": teams_for(request), "values": values, "errors": {}, **more}
    return render(request, "agentos/skills/new.html", {**frame(request, here="agents"), **context}, status=status)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def skill(request: SignedInRequest, skill_id: int) -> HttpResponse:
    """Its form for who may change it, and what stands in it for who may only give it to agents."""
    if request.method != "POST":
        return skill_page(request, skill_to_see(request, skill_id))
    found = skill_to_edit(request, skill_id)
    now = queries.newest(found)
    try:
        files = given_files(request, queries.files_of(now))
        saved = actions.save_skill(
            skill=found,
            document=_posted(request, document.parse(now.text)),
            files=files,
            note=request.POST.get("note", ""),
            base=whole_number(request.POST.get("base", "")) or 0,
            by=request.user,
        )
    except NothingNew as nothing:
        messages.info(request, nothing.sentence)
    except SkillMoved as moved:
        base = found.version  # who saves once more has been told
        return skill_page(request, found, values={**request.POST.dict(), "base": base}, error=moved.sentence, status=moved.status)
    except Problem as problem:
        errors = {problem.field or "all": problem.sentence}
        return skill_page(request, found, values=request.POST.dict(), errors=errors, status=problem.status)
    else:
        messages.success(request, _("Saved as version %(number)s. Agents read it from now on.") % {"number": saved.number})
    return go_to(request, reverse("dashboard:skill", args=[skill_id]))


@signed_in
@require_POST
def share(request: SignedInRequest, skill_id: int) -> HttpResponse:
    """Say whose agents may use it."""
    found = skill_to_edit(request, skill_id)
    try:
        actions.share_skill(skill=found, team=chosen_team(request, teams_for(request)), by=request.user)
    except Problem as problem:
        return skill_page(request, found, share_error=problem.sentence, status=problem.status)
    messages.success(request, _("Saved. It holds from now on."))
    return go_to(request, reverse("dashboard:skill", args=[skill_id]))


@signed_in
@require_POST
def delete(request: SignedInRequest, skill_id: int) -> HttpResponse:
    found = skill_to_edit(request, skill_id)
    try:
        actions.delete_skill(skill=found, by=request.user)
    except Problem as problem:
        return skill_page(request, found, share_error=problem.sentence, status=problem.status)
    messages.success(request, _("“%(name)s” was deleted.") % {"name": found})
    return go_to(request, reverse("dashboard:skills"))


def skill_page(request: SignedInRequest, found: Skill, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    """``values``: what stands in the form. ``error``: why nothing of it could be saved."""
    found.refresh_from_db()
    version = queries.newest(found)
    content = document.parse(version.text)
    may_edit = queries.may_edit(request.user, found) and not found.source
    context = {
        "skill": found,
        "version": version,
        "tab": "edit",
        "values": {**{name: getattr(content, name, "").strip() for name in FIELDS}, "base": found.version},
        "errors": {},
        "may_edit": may_edit,
        "shown": "" if may_edit else markdown.render(content.body[:SHOWN]),
        "teams": list(queries.teams_to_make_for(request.user)),
        "agents": agents_with_skill(request.user, found),
        **more,
    }
    return render(request, "agentos/skills/skill.html", {**frame(request, here="agents"), **context}, status=status)


def _posted(request: SignedInRequest, base: Document | None = None) -> Document:
    """Raises BadSkill."""
    name, description, body, rest, _note = (request.POST.get(field, "") for field in FIELDS)
    return document.composed(name=name, description=description, body=body, rest=rest, base=base)
