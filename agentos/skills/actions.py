"""What people do with skills: each change with its audit record, in one transaction. Their errors are in ``skills.errors``."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from agentos.access.models import Team
from agentos.access.queries import managed_teams
from agentos.access.users import User
from agentos.audit.actions import record
from agentos.conf import app_settings
from agentos.core import clock
from agentos.core.people import is_operator
from agentos.core.ratelimit import limits
from agentos.core.text import clean
from agentos.skills import packing, queries
from agentos.skills.document import Document, parse
from agentos.skills.errors import BadSkill, FromModule, NothingNew, NotYourSkill, SameName, SkillMoved, TooManySkills
from agentos.skills.models import NOTE_LENGTH, Skill, SkillFile, SkillVersion
from agentos.skills.packing import Package

SKILLS = 200  # of a team; as many of everybody


def create_skill(*, document: Document, team: Team | None = None, files: Mapping[str, bytes] | None = None, by: User | None) -> Skill:
    """Add a skill of a team, or of everybody without one. ``by`` None: the system acts.

    Raises BadSkill, NotYourSkill, SameName, TooManySkills, ``Problem`` 429.
    """
    return import_skills(packages=[Package(document, files or {})], team=team, by=by)[0]


def import_skills(*, packages: Sequence[Package], team: Team | None = None, by: User | None) -> list[Skill]:
    """Add all of these skills, or none. Raises as ``create_skill``."""
    if by is not None:
        limits.check("make-skill", str(by.pk), limit=app_settings.CREATIONS_A_MINUTE, seconds=60)
        _check_team(by, team)
    with transaction.atomic():
        if team is not None:
            Team.objects.select_for_update().get(pk=team.pk)
        there = Skill.objects.filter(team=team).count()
        if there + len(packages) > SKILLS:
            raise TooManySkills(_("There can be %(most)s skills. Delete one first.") % {"most": SKILLS})
        return [_created(package, team, by) for package in packages]


@transaction.atomic
def save_skill(
    *,
    skill: Skill,
    document: Document | None = None,
    files: Mapping[str, bytes] | None = None,
    note: str = "",
    base: int | None = None,
    by: User | None,
) -> SkillVersion:
    """Make a new version of a skill. What is None stays. ``base``: the number of the version that was changed; None: whichever is there.

    Raises BadSkill, FromModule, NothingNew, NotYourSkill, SameName, SkillMoved.
    """
    skill = _lock_to_edit(skill, by)
    if base is not None and base != skill.version:
        raise SkillMoved
    before = queries.newest(skill)
    document = document or parse(before.text)
    manifest = before.files if files is None else _kept(skill, packing.checked_files(files))
    if document.text == before.text and manifest == before.files:
        raise NothingNew
    saved = _version(skill, document, manifest, _note(note), by)
    record("skills.version.saved", by=by, object_type="skill", object_id=str(skill.pk), name=skill.name, version=saved.number)
    return saved


@transaction.atomic
def restore_version(*, skill: Skill, number: int, by: User | None) -> SkillVersion:
    """Save once more what an earlier version was. Raises FromModule, NothingNew, NotYourSkill, SameName, SkillVersion.DoesNotExist."""
    skill = _lock_to_edit(skill, by)
    earlier, now = SkillVersion.objects.get(skill=skill, number=number), queries.newest(skill)
    if (earlier.text, earlier.files) == (now.text, now.files):
        raise NothingNew
    restored = _version(skill, parse(earlier.text), earlier.files, _("As version %(number)s was.") % {"number": number}, by)
    about = {"name": skill.name, "version": restored.number, "restored": number}
    record("skills.version.restored", by=by, object_type="skill", object_id=str(skill.pk), **about)
    return restored


@transaction.atomic
def share_skill(*, skill: Skill, team: Team | None, by: User | None) -> Skill:
    """Say whose agents may use it. Owners and admins of a team share with a team of theirs. Raises NotYourSkill, SameName."""
    skill = _lock_to_edit(skill, by)
    _check_team(by, team)
    if skill.team_id == (team.pk if team else None):
        return skill
    if Skill.objects.filter(team=team, name=skill.name).exists():
        raise SameName(skill.name)
    skill.team = team
    skill.save(update_fields=["team"])
    record("skills.skill.shared", by=by, object_type="skill", object_id=str(skill.pk), name=skill.name, team=team.pk if team else None)
    return skill


@transaction.atomic
def delete_skill(*, skill: Skill, by: User | None) -> None:
    """With all its versions. Agents that have it go on without. Raises FromModule, NotYourSkill."""
    found = _lock_to_edit(skill, by)
    pk, name = found.pk, found.name
    found.delete()
    record("skills.skill.deleted", by=by, object_type="skill", object_id=str(pk), name=name)


@transaction.atomic
def add_from_module(*, package: Package, source: str, by: User | None) -> Skill:
    """Add a skill that a module has, for everybody. Raises BadSkill, SameName."""
    skill = _created(package, None, by, source=source)
    skill.source = source
    skill.save(update_fields=["source"])
    return skill


def _lock_to_edit(skill: Skill, by: User | None) -> Skill:
    """Return the skill as it is now. ``by`` None: its module acts. Raises FromModule, NotYourSkill, Skill.DoesNotExist."""
    found = Skill.objects.select_for_update(of=("self",)).get(pk=skill.pk)
    if by is not None and not queries.may_edit(by, found):
        raise NotYourSkill(_("Only the owners and admins of its team, and operators, can change this skill."))
    if by is not None and found.source:
        raise FromModule(found.source)
    return found


def _created(package: Package, team: Team | None, by: User | None, **about: Any) -> Skill:
    document = package.document
    if Skill.objects.filter(team=team, name=document.name).exists():
        raise SameName(document.name)
    try:
        with transaction.atomic():
            skill = Skill.objects.create(name=document.name, description=document.description, team=team)
    except IntegrityError:  # somebody else, at the same moment
        raise SameName(document.name) from None
    _version(skill, document, _kept(skill, packing.checked_files(package.files)), "", by)
    said = {"name": skill.name, "team": team.pk if team else None, **about}
    record("skills.skill.created", by=by, object_type="skill", object_id=str(skill.pk), **said)
    return skill


def _version(skill: Skill, document: Document, manifest: dict[str, Any], note: str, by: User | None) -> SkillVersion:
    """Make the skill what a document says. Raises SameName."""
    if document.name != skill.name and Skill.objects.filter(team=skill.team_id, name=document.name).exists():
        raise SameName(document.name)
    skill.name, skill.description, skill.updated_at = document.name, document.description, clock.now()
    skill.version += 1
    skill.save(update_fields=["name", "description", "version", "updated_at"])
    return SkillVersion.objects.create(skill=skill, number=skill.version, text=document.text, files=manifest, note=note, by=by)


def _kept(skill: Skill, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Keep what is new of these files, and return what a version says of them."""
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    there = set(SkillFile.objects.filter(skill=skill, hash__in=set(hashes.values())).values_list("hash", flat=True))
    new = {hashes[path]: data for path, data in files.items() if hashes[path] not in there}
    SkillFile.objects.bulk_create(SkillFile(skill=skill, hash=each, data=data) for each, data in new.items())
    return {path: {"hash": hashes[path], "size": len(data), "is_text": packing.is_text(data)} for path, data in sorted(files.items())}


def _check_team(by: User | None, team: Team | None) -> None:
    if by is None or is_operator(by):
        return
    if team is None or not managed_teams(by).filter(pk=team.pk).exists():
        raise NotYourSkill(_("Choose a team that you own or administer."))


def _note(text: str) -> str:
    note = " ".join(clean(text).split())
    if len(note) > NOTE_LENGTH:
        wrong = _("A note has at most %(most)s characters; this one has %(has)s.") % {"most": NOTE_LENGTH, "has": f"{len(note):,}"}
        raise BadSkill("note", wrong)
    return note
