"""The versions of a skill."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.core.http.htmx import go_to
from agentos.core.http.paging import page_of
from agentos.core.http.request import SignedInRequest
from agentos.core.text import whole_number
from agentos.dashboard.layout import frame
from agentos.dashboard.views.skills.found import skill_to_edit, skill_to_see
from agentos.skills import actions, queries
from agentos.skills.changes import changes
from agentos.skills.errors import SkillError

VERSIONS_A_PAGE = 50


@signed_in
@require_safe
def versions(request: SignedInRequest, skill_id: int) -> HttpResponse:
    skill = skill_to_see(request, skill_id)
    page = page_of(queries.versions_of(skill), whole_number(request.GET.get("page", "")) or 1, VERSIONS_A_PAGE)
    context = {**frame(request, here="agents"), "skill": skill, "tab": "versions", "page": page, "versions": page.rows}
    return render(request, "agentos/skills/versions.html", context)


@signed_in
@require_safe
def version(request: SignedInRequest, skill_id: int, number: int) -> HttpResponse:
    """One version: what it has changed, and how it differs from what is read now."""
    skill = skill_to_see(request, skill_id)
    found = queries.versions_of(skill).filter(number=number).first()
    if found is None:
        raise Http404
    before = queries.versions_of(skill).filter(number__lt=number).first()
    context = {
        "skill": skill,
        "tab": "versions",
        "version": found,
        "before": before,
        "changes": changes(before, found),
        "since": [] if number == skill.version else changes(queries.newest(skill), found),
        "may_edit": queries.may_edit(request.user, skill) and not skill.source,
    }
    return render(request, "agentos/skills/version.html", {**frame(request, here="agents"), **context})


@signed_in
@require_POST
def restore(request: SignedInRequest, skill_id: int, number: int) -> HttpResponse:
    skill = skill_to_edit(request, skill_id)
    if not queries.versions_of(skill).filter(number=number).exists():
        raise Http404
    try:
        restored = actions.restore_version(skill=skill, number=number, by=request.user)
    except SkillError as refused:
        messages.error(request, refused.sentence)
        return go_to(request, reverse("dashboard:skill-version", args=[skill_id, number]))
    said = _("Version %(restored)s is used again, as version %(number)s.") % {"restored": number, "number": restored.number}
    messages.success(request, said)
    return go_to(request, reverse("dashboard:skill-versions", args=[skill_id]))
