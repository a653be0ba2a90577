"""Skills as zips: brought, taken away, and brought once more; and a look at one file."""

from pathlib import PurePosixPath

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.layout import frame
from agentos.dashboard.views.skills.editing import new_page, skill_page
from agentos.dashboard.views.skills.found import chosen_team, skill_to_edit, skill_to_see, teams_for
from agentos.dashboard.views.skills.uploads import given_zip
from agentos.skills import actions, packing, queries
from agentos.skills.errors import BadSkill, NothingNew

SHOWN = 100_000  # characters of a file


@signed_in
@require_POST
def bring(request: SignedInRequest) -> HttpResponse:
    """Make skills of a zip, one or several."""
    teams = teams_for(request)
    try:
        packages = packing.from_zip(given_zip(request), packing.UPLOAD_LIMIT)
        made = actions.import_skills(packages=packages, team=chosen_team(request, teams), by=request.user)
    except Problem as problem:
        return new_page(request, request.POST, file_error=problem.sentence, status=problem.status)
    names = packing.said_of(each.name for each in made)
    messages.success(request, _("Brought: %(names)s. Read what is in it before you give it to an agent.") % {"names": names})
    return go_to(request, reverse("dashboard:skill", args=[made[0].pk]) if len(made) == 1 else reverse("dashboard:skills"))


@signed_in
@require_POST
def replace(request: SignedInRequest, skill_id: int) -> HttpResponse:
    """Make a new version of a zip."""
    skill = skill_to_edit(request, skill_id)
    try:
        packages = packing.from_zip(given_zip(request), packing.UPLOAD_LIMIT)
        if len(packages) > 1:
            raise BadSkill("file", _("There are several skills in this zip. Bring them as new ones."))
        package = packages[0]
        saved = actions.save_skill(skill=skill, document=package.document, files=package.files, by=request.user)
    except NothingNew as nothing:
        messages.info(request, nothing.sentence)
    except Problem as problem:
        return skill_page(request, skill, file_error=problem.sentence, status=problem.status)
    else:
        messages.success(request, _("Saved as version %(number)s. Agents read it from now on.") % {"number": saved.number})
    return go_to(request, reverse("dashboard:skill", args=[skill_id]))


@signed_in
@require_safe
def export(request: SignedInRequest, skill_id: int) -> HttpResponse:
    skill = skill_to_see(request, skill_id)
    version = queries.newest(skill)
    data = packing.as_zip(skill.name, version.text, queries.files_of(version))
    return HttpResponse(data, content_type=packing.TYPE, headers={"Content-Disposition": f'attachment; filename="{skill.name}.zip"'})


@signed_in
@require_safe
def file(request: SignedInRequest, skill_id: int) -> HttpResponse:
    """One file of the newest version, named by ``path``: its text, or that it is none."""
    skill = skill_to_see(request, skill_id)
    path = request.GET.get("path", "")
    version = queries.newest(skill)
    about = version.files.get(path)
    data = queries.file_of(skill.pk, path, version.number) if about else None
    if about is None or data is None:
        raise Http404
    text = data.decode("utf-8", "replace")[:SHOWN] if about["is_text"] else None
    context = {"skill": skill, "tab": "edit", "path": path, "size": about["size"], "text": text, "name": PurePosixPath(path).name}
    return render(request, "agentos/skills/file.html", {**frame(request, here="agents"), **context})
