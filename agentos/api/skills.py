"""Skills: find, make, change, delete, their files and their versions."""

from contextlib import suppress
from typing import Annotated, Any

from django.http import HttpResponse
from django.urls import reverse
from ninja import Path, Query

from agentos.access.models import Team
from agentos.access.users import User
from agentos.api import skill_resources as nouns
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ
from agentos.api.schemas import PAGE_LIMIT
from agentos.api.scopes import ScopedRouter
from agentos.api.workshop import TeamNotFound, created
from agentos.core.http.errors import Problem
from agentos.core.http.paging import page_of
from agentos.core.people import is_operator, name_of
from agentos.skills import actions, queries
from agentos.skills.document import FILE, composed, parse
from agentos.skills.errors import NothingNew, NotYourSkill
from agentos.skills.models import Skill, SkillVersion

A_PAGE = 50
NOT_YOURS = "Owners and admins of the team make its skills, operators all."

router = ScopedRouter(tags=["Skills"])

SkillId = Annotated[int, Path(..., ge=1, le=1_000_000_000, example=nouns.SKILL_ID)]
PageNumber = Annotated[int, Query(1, ge=1, le=PAGE_LIMIT, description="Which page of 50.")]
VersionNumber = Annotated[int, Path(..., example=nouns.VERSION["number"], ge=1, le=2**31 - 1)]
FilePath = Annotated[str, Query(FILE, max_length=200, description="Its path below the skill.")]


@router.get(
    "/skills/",
    url_name="skills",
    operation_id="skills",
    response={200: nouns.SkillList, **READ},
    summary="Skills that I may give to agents",
)
def skills(request: ApiRequest, page: PageNumber) -> nouns.SkillList:
    """Operators all; owners and admins of a team those of their team and of everybody. Who makes no agents is shown none."""
    found = page_of(queries.listed_skills(request.auth), page, A_PAGE)
    more = page + 1 if page < found.pages else None
    return nouns.SkillList(skills=[nouns.ListedSkill(**_fields(skill)) for skill in found.rows], next=more)


@router.post(
    "/skills/",
    url_name="skills",
    operation_id="create_skill",
    response={201: nouns.Skill, **CHANGE},
    summary="Make a skill",
)
def create_skill(request: ApiRequest, payload: nouns.SkillIn) -> HttpResponse:
    """Nothing of it is ever run. A zip is brought in the workshop, or by the operator."""
    if not queries.makes_skills(request.auth):
        raise NotYourSkill(NOT_YOURS)
    document = composed(name=payload.name, description=payload.description, body=payload.body)
    files = {path: text.encode("utf-8", "replace") for path, text in payload.files.items()}
    made = actions.create_skill(document=document, team=_team(request.auth, payload.team), files=files, by=request.auth)
    return created(_full(made))


@router.get(
    "/skills/{skill_id}/",
    url_name="skill",
    operation_id="skill",
    response={200: nouns.Skill, **FIND},
    summary="One skill",
)
def skill(request: ApiRequest, skill_id: SkillId) -> nouns.Skill:
    return _full(_seen(request.auth, skill_id))


@router.patch(
    "/skills/{skill_id}/",
    url_name="skill",
    operation_id="update_skill",
    response={200: nouns.Skill, **CHANGE},
    summary="Change a skill",
)
def update_skill(request: ApiRequest, skill_id: SkillId, payload: nouns.SkillChange) -> nouns.Skill:
    """It becomes a new version, which agents read from then on; what changes nothing makes none."""
    found = _seen(request.auth, skill_id)
    now = queries.newest(found)
    base = parse(now.text)
    files = queries.files_of(now)
    for path, text in payload.files.items():
        if text is None:
            files.pop(path, None)
        else:
            files[path] = text.encode("utf-8", "replace")
    kept = {"name": base.name, "description": base.description, "body": base.body, **payload.parts()}
    document = composed(**kept, rest=base.rest, base=base)
    with suppress(NothingNew):
        actions.save_skill(skill=found, document=document, files=files, note=payload.note, base=payload.version, by=request.auth)
    return _full(_seen(request.auth, skill_id))


@router.delete(
    "/skills/{skill_id}/",
    url_name="skill",
    operation_id="delete_skill",
    response={204: None, **FIND, 409: CHANGE[409]},
    summary="Delete a skill",
)
def delete_skill(request: ApiRequest, skill_id: SkillId) -> HttpResponse:
    """With all its versions. Agents that have it go on without."""
    actions.delete_skill(skill=_seen(request.auth, skill_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


@router.get(
    "/skills/{skill_id}/file/",
    url_name="skill_file",
    operation_id="skill_file",
    response={200: nouns.SkillFileContent, **FIND},
    summary="A file of a skill",
)
def skill_file(request: ApiRequest, skill_id: SkillId, path: FilePath) -> nouns.SkillFileContent:
    found = _seen(request.auth, skill_id)
    version = queries.newest(found)
    if path == FILE:
        return nouns.SkillFileContent(path=FILE, size=len(version.text.encode()), is_text=True, text=version.text)
    about, data = version.files.get(path), queries.file_of(found.pk, path, version.number)
    if about is None or data is None:
        raise Problem(404, "This skill has no such file.", code="file_not_found")
    text = data.decode("utf-8", "replace") if about["is_text"] else None
    return nouns.SkillFileContent(path=path, size=about["size"], is_text=about["is_text"], text=text)


@router.get(
    "/skills/{skill_id}/versions/",
    url_name="skill_versions",
    operation_id="skill_versions",
    response={200: nouns.SkillVersionList, **FIND},
    summary="Versions of a skill",
)
def skill_versions(request: ApiRequest, skill_id: SkillId, page: PageNumber) -> nouns.SkillVersionList:
    found = page_of(queries.versions_of(_seen(request.auth, skill_id)), page, A_PAGE)
    more = page + 1 if page < found.pages else None
    return nouns.SkillVersionList(versions=[_version_json(each) for each in found.rows], next=more)


@router.get(
    "/skills/{skill_id}/versions/{number}/",
    url_name="skill_version",
    operation_id="skill_version",
    response={200: nouns.SkillVersion, **FIND},
    summary="One version of a skill",
)
def skill_version(request: ApiRequest, skill_id: SkillId, number: VersionNumber) -> nouns.SkillVersion:
    return _version_json(_version(_seen(request.auth, skill_id), number))


@router.post(
    "/skills/{skill_id}/versions/{number}/restore/",
    url_name="restore_skill",
    operation_id="restore_skill",
    response={201: nouns.SkillVersion, **FIND, 409: CHANGE[409]},
    summary="Use an earlier version of a skill again",
)
def restore_skill(request: ApiRequest, skill_id: SkillId, number: VersionNumber) -> HttpResponse:
    """It becomes a new version; the others stay."""
    found = _seen(request.auth, skill_id)
    _version(found, number)
    return created(_version_json(actions.restore_version(skill=found, number=number, by=request.auth)))


def _seen(user: User, skill_id: int) -> Skill:
    """Raises ``Problem``: 404 for what is of others, 403 for a member without the role."""
    found = queries.skill_for(user, skill_id)
    if found is None:
        raise Problem(404, "There is no such skill.", code="skill_not_found")
    if not queries.may_see(user, found):
        raise NotYourSkill(NOT_YOURS)
    return found


def _team(user: User, pk: int | None) -> Team | None:
    """Raises TeamNotFound."""
    teams = queries.teams_to_make_for(user)
    if pk is None:
        own = [] if is_operator(user) else list(teams[:2])
        return own[0] if len(own) == 1 else None
    if team := teams.filter(pk=pk).first():
        return team
    raise TeamNotFound


def _version(found: Skill, number: int) -> SkillVersion:
    if version := queries.versions_of(found).filter(number=number).first():
        return version
    raise Problem(404, "This skill has no such version.", code="version_not_found")


def _full(found: Skill) -> nouns.Skill:
    version = queries.newest(found)
    files = [nouns.SkillFile(**each) for each in version.listed]
    return nouns.Skill(**_fields(found), body=parse(version.text).body.strip(), text=version.text, files=files)


def _fields(found: Skill) -> dict[str, Any]:
    return {
        "id": found.pk,
        "name": found.name,
        "description": found.description,
        "team": {"id": found.team.pk, "name": found.team.name} if found.team else None,
        "version": found.version,
        "source": found.source or None,
        "updated_at": found.updated_at,
        "url": reverse("api:skill", args=[found.pk]),
    }


def _version_json(version: SkillVersion) -> nouns.SkillVersion:
    return nouns.SkillVersion(
        number=version.number,
        note=version.note,
        by=name_of(version.by) if version.by else None,
        at=version.at,
        text=version.text,
        files=[nouns.SkillFile(**each) for each in version.listed],
        url=reverse("api:skill_version", args=[version.skill_id, version.number]),
    )
