"""The skill that a page is about, and the teams that one may make skills for."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from agentos.access.models import Team
from agentos.core.http.request import SignedInRequest
from agentos.core.people import is_operator
from agentos.skills import queries
from agentos.skills.models import Skill


def check_maker(request: SignedInRequest) -> None:
    """Raises PermissionDenied for who makes no skills."""
    if not queries.makes_skills(request.user):
        raise PermissionDenied


def skill_to_see(request: SignedInRequest, skill_id: int) -> Skill:
    """A skill that one may give to agents. Raises PermissionDenied for members; of other teams' it says that they are not there."""
    found = queries.skill_for(request.user, skill_id)
    if found is None:
        raise Http404
    if not queries.may_see(request.user, found):
        raise PermissionDenied
    return found


def skill_to_edit(request: SignedInRequest, skill_id: int) -> Skill:
    """The same for who may change it."""
    found = skill_to_see(request, skill_id)
    if not queries.may_edit(request.user, found):
        raise PermissionDenied
    return found


def teams_for(request: SignedInRequest) -> list[Team]:
    """The teams that one may make a skill for. Raises PermissionDenied for who makes none."""
    check_maker(request)
    return list(queries.teams_to_make_for(request.user))


def chosen_team(request: SignedInRequest, teams: list[Team]) -> Team | None:
    """The team that was chosen; the one that there is, where nobody was asked."""
    chosen = request.POST.get("team", "")
    found = next((team for team in teams if str(team.pk) == chosen), None)
    if found is None and not is_operator(request.user) and len(teams) == 1 and not chosen:
        return teams[0]
    return found
