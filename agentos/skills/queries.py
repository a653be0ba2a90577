"""Whose skills somebody may see and change, which an agent has, and what stands in one."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from agentos.access.models import Team
from agentos.access.queries import managed_teams, teams_of
from agentos.access.users import User
from agentos.core.people import is_operator
from agentos.skills.models import Skill, SkillFile, SkillVersion


@dataclass(frozen=True, slots=True)
class ChosenSkill:
    """A skill of an agent as plain data."""

    pk: int
    name: str
    description: str

    @property
    def slug(self) -> str:
        """Its name, as it is typed."""
        return self.name


@dataclass(frozen=True, slots=True)
class Content:
    """A skill as it is read. ``files``: by path how large each is, and whether it is text."""

    name: str
    version: int
    text: str
    files: dict[str, tuple[int, bool]]


def makes_skills(user: User) -> bool:
    """Whether this user may make skills: operators, and the owners and admins of teams, for those."""
    return is_operator(user) or managed_teams(user).exists()


def skills_to_edit(user: User) -> QuerySet[Skill]:
    """Return the skills that this user may change: operators all, owners and admins of a team those of their team."""
    found = Skill.objects.select_related("team")
    return found if is_operator(user) else found.filter(team__in=managed_teams(user).order_by().values("pk"))


def listed_skills(user: User, text: str = "") -> QuerySet[Skill]:
    """Return those skills, and those of everybody, which whoever makes agents may give to them; to others, none."""
    found = Skill.objects.select_related("team")
    if not is_operator(user):
        found = found if managed_teams(user).exists() else found.none()
        found = found.filter(Q(team=None) | Q(team__in=managed_teams(user).order_by().values("pk")))
    for word in text.split():
        found = found.filter(Q(name__icontains=word) | Q(description__icontains=word))
    return found


def may_edit(user: User, skill: Skill) -> bool:
    return user.is_active and skills_to_edit(user).filter(pk=skill.pk).exists()


def skill_for(user: User, pk: int) -> Skill | None:
    """Return a skill that this user may hear of: it is everybody's, or of a team that they are in. Operators hear of all."""
    found = Skill.objects.select_related("team").filter(pk=pk)
    return (found if is_operator(user) else found.filter(Q(team=None) | Q(team__in=teams_of(user).order_by().values("pk")))).first()


def may_see(user: User, skill: Skill) -> bool:
    """Whether this user may read it, and give it to agents."""
    return listed_skills(user).filter(pk=skill.pk).exists()


def teams_to_make_for(user: User) -> QuerySet[Team]:
    return Team.objects.all() if is_operator(user) else managed_teams(user)


def offered_to(team_pk: int | None) -> list[Skill]:
    """Return what an agent of this team may be given: the skills of everybody and of its team. Of one name, the team's."""
    found = Skill.objects.filter(Q(team=None) | Q(team=team_pk)) if team_pk else Skill.objects.filter(team=None)
    by_name: dict[str, Skill] = {}
    for skill in found.order_by("name", "pk"):
        if skill.name not in by_name or skill.team_id is not None:
            by_name[skill.name] = skill
    return list(by_name.values())


def chosen(names: Collection[str], team_pk: int | None) -> list[ChosenSkill]:
    """Return those of these skills that an agent of this team has, in their order. One query; none without names."""
    if not names:
        return []
    whose = Q(team=None) | Q(team=team_pk) if team_pk else Q(team=None)
    rows = Skill.objects.filter(whose, name__in=names).values_list("pk", "name", "description", "team_id")
    found: dict[str, ChosenSkill] = {}
    for pk, name, description, team in rows:
        if name not in found or team is not None:
            found[name] = ChosenSkill(pk, name, description)
    return [found[name] for name in names if name in found]


def missing(names: Collection[str], team_pk: int | None) -> list[str]:
    """Return those of these names of which an agent of this team can have no skill."""
    there = {skill.name for skill in chosen(names, team_pk)}
    return [name for name in names if name not in there]


def versions_of(skill: Skill) -> QuerySet[SkillVersion]:
    """Return its versions, the newest first, with who saved them."""
    return SkillVersion.objects.filter(skill=skill).select_related("by")


def newest(skill: Skill) -> SkillVersion:
    return SkillVersion.objects.get(skill=skill, number=skill.version)


def content_of(skill_pk: int) -> Content | None:
    """Return what stands in the newest version; None where the skill is there no more."""
    skill = Skill.objects.filter(pk=skill_pk).only("name", "version").first()
    version = SkillVersion.objects.filter(skill=skill, number=skill.version).first() if skill else None
    if skill is None or version is None:
        return None
    return Content(skill.name, version.number, version.text, {each["path"]: (each["size"], each["is_text"]) for each in version.listed})


def file_of(skill_pk: int, path: str, number: int | None = None) -> bytes | None:
    """Return a file of a version, or of the newest one; None where there is none of this path."""
    versions = SkillVersion.objects.filter(skill=skill_pk)
    version = versions.filter(number=number).first() if number is not None else versions.first()
    about = version.files.get(path) if version else None
    if about is None:
        return None
    data = SkillFile.objects.filter(skill=skill_pk, hash=about["hash"]).values_list("data", flat=True).first()
    return None if data is None else bytes(data)


def files_of(version: SkillVersion) -> dict[str, bytes]:
    """Return all files of a version by path."""
    hashes = {about["hash"] for about in version.files.values()}
    rows = SkillFile.objects.filter(skill=version.skill_id, hash__in=hashes).values_list("hash", "data")
    data = {each: bytes(content) for each, content in rows}
    return {path: data[about["hash"]] for path, about in version.files.items()}
