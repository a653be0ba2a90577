"""Teams: who is in them with which role, invitations, leaving. What the pages of teams do, by the same rules."""

from typing import Annotated, Any, Literal

from django.http import HttpResponse
from django.urls import reverse
from ninja import Path, Query
from pydantic import BaseModel, Field

from agentos.access import actions, invitations, team_queries
from agentos.access.models import Invitation, Membership
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ
from agentos.api.schemas import Moment, example
from agentos.api.scopes import ScopedRouter
from agentos.api.webhook_resources import TEAM
from agentos.api.workshop import TeamNotFound
from agentos.core import people
from agentos.core.http.errors import Problem
from agentos.core.http.paging import page_of

PERSON_ID, INVITATION_ID = "321", 5
A_PAGE = 50
TEAM_OF_MINE = {**TEAM, "role": "owner", "people": 2}
IN_TEAM = {
    "id": PERSON_ID,
    "name": "Mika Member",
    "role": "member",
    "since": "2024-01-01T12:00:00Z",
    "email": "mika@example.com",
    "is_suspended": False,
}
CHOICE = {"email": "nora@example.com", "role": "member"}
INVITED = {
    "id": INVITATION_ID,
    **CHOICE,
    "invited_by": "Olivia Owner",
    "is_mailed": False,
    "created_at": "2024-01-01T12:00:00Z",
    "expires_at": "2024-01-08T12:00:00Z",
}
LINK = "https://chat.example.com/agentos/invitation/b5x2.../"

router = ScopedRouter(tags=["Teams"])

TeamId = Annotated[int, Path(..., example=TEAM["id"], ge=1, le=2**63 - 1)]
PersonId = Annotated[str, Path(..., example=PERSON_ID, max_length=100)]
InvitationId = Annotated[int, Path(..., example=INVITATION_ID, ge=1, le=2**63 - 1)]
Role = Literal["owner", "admin", "member"]
AllTeams = Annotated[bool, Query(False, description="Of the whole site, for operators, in place of one's own.")]
PageNumber = Annotated[int, Query(1, ge=1, le=1_000_000, description="Of all teams, fifty a page.")]


class ListedTeam(BaseModel):
    """``role``: the caller's own, null for an operator who is not in it. ``people``: how many."""

    model_config = example(TEAM_OF_MINE)

    id: int
    name: str
    role: Role | None
    people: int


class ListedTeams(BaseModel):
    model_config = example({"teams": [TEAM_OF_MINE], "total_pages": 1})

    teams: list[ListedTeam]
    total_pages: int


class PersonOfTeam(BaseModel):
    """``email`` and ``is_suspended`` are told to those who manage the team, and null to others."""

    model_config = example(IN_TEAM)

    id: str
    name: str
    role: Role
    since: Moment
    email: str | None
    is_suspended: bool | None


class PeopleOfTeam(BaseModel):
    """Owners first; at most 500."""

    model_config = example({"team": TEAM_OF_MINE, "people": [IN_TEAM]})

    team: ListedTeam
    people: list[PersonOfTeam]


class RoleIn(BaseModel):
    model_config = example({"role": "admin"})

    role: Role


class InvitationIn(BaseModel):
    model_config = example(CHOICE)

    email: str = Field(json_schema_extra={"format": "email", "maxLength": invitations.EMAIL_LIMIT})
    role: Role = "member"


class ListedInvitation(BaseModel):
    """``is_mailed``: it went to the address by mail. Otherwise whoever made it passes its link on."""

    model_config = example(INVITED)

    id: int
    email: str
    role: Role
    invited_by: str
    is_mailed: bool
    created_at: Moment
    expires_at: Moment


class InvitationList(BaseModel):
    model_config = example({"invitations": [INVITED]})

    invitations: list[ListedInvitation]


class MadeInvitation(ListedInvitation):
    """``link``: shown this once, where no mail goes out; null when it was mailed. Whoever has it can use it."""

    model_config = example({**INVITED, "link": LINK})

    link: str | None


class PersonNotFound(Problem):
    """Nobody of this key is in the team."""

    def __init__(self) -> None:
        super().__init__(404, "There is no such person in the team.", code="person_not_found")


class InvitationNotFound(Problem):
    """It never was, or it was used, taken back, or is too old."""

    def __init__(self) -> None:
        super().__init__(404, "There is no such open invitation.", code="invitation_not_found")


@router.get("/teams/", url_name="teams", operation_id="teams", response={200: ListedTeams, **READ}, summary="My teams")
def teams(request: ApiRequest, all: AllTeams, page: PageNumber) -> ListedTeams:  # noqa: A002 - what the query calls it
    """By name. All that one is in come at once."""
    mine = team_queries.listed(request.auth)
    if not all:
        own = [ListedTeam(id=each.team_id, name=each.team.name, role=each.role, people=each.people) for each in mine]
        return ListedTeams(teams=own, total_pages=1)
    if not people.is_operator(request.auth):
        raise Problem(403)
    roles: dict[int, Any] = {each.team_id: each.role for each in mine}
    found = page_of(team_queries.all_teams(), page, A_PAGE)
    listed = [ListedTeam(id=team.pk, name=team.name, role=roles.get(team.pk), people=team.people) for team in found.rows]
    return ListedTeams(teams=listed, total_pages=found.pages)


@router.get(
    "/teams/{team_id}/people/",
    url_name="team_people",
    operation_id="team_people",
    response={200: PeopleOfTeam, **FIND},
    summary="Who is in a team",
)
def team_people(request: ApiRequest, team_id: TeamId) -> PeopleOfTeam:
    """For those who are in it, and operators."""
    seen = seen_by(request, team_id)
    rows = team_queries.people_of(seen.team)
    own: Any = next((each.role for each in rows if each.user_id == request.auth.pk), None)
    team = ListedTeam(id=seen.team.pk, name=seen.team.name, role=own, people=len(rows))
    return PeopleOfTeam(team=team, people=[person_json(each, seen) for each in rows])


@router.patch(
    "/teams/{team_id}/people/{person_id}/",
    url_name="team_person",
    operation_id="change_role",
    response={200: PersonOfTeam, **CHANGE},
    summary="Give somebody another role",
)
def change_role(request: ApiRequest, team_id: TeamId, person_id: PersonId, payload: RoleIn) -> PersonOfTeam:
    """For owners of the team, and operators. A team keeps an owner: to hand it over, make somebody else an owner first."""
    seen = seen_by(request, team_id)
    changed = actions.change_role(membership=found_in(seen, person_id), role=payload.role, by=request.auth)
    return person_json(changed, seen_by(request, team_id))


@router.delete(
    "/teams/{team_id}/people/{person_id}/",
    url_name="team_person",
    operation_id="remove_from_team",
    response={204: None, **FIND, 409: CHANGE[409]},
    summary="Remove somebody from a team, or leave it",
)
def remove_from_team(request: ApiRequest, team_id: TeamId, person_id: PersonId) -> HttpResponse:
    """With one's own id, which `/me/` tells, one leaves. Owners remove anybody, admins whoever is no owner. The team's agents are closed to
    them at once."""
    actions.remove_member(membership=found_in(seen_by(request, team_id), person_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


@router.get(
    "/teams/{team_id}/invitations/",
    url_name="invitations",
    operation_id="invitations",
    response={200: InvitationList, **FIND},
    summary="Open invitations into a team",
)
def list_invitations(request: ApiRequest, team_id: TeamId) -> InvitationList:
    """For the team's owners and admins, and operators. The newest first."""
    seen = managed_by(request, team_id)
    return InvitationList(invitations=[ListedInvitation(**invited(each)) for each in invitations.open_invitations().filter(team=seen.team)])


@router.post(
    "/teams/{team_id}/invitations/",
    url_name="invitations",
    operation_id="invite",
    response={201: MadeInvitation, **CHANGE},
    summary="Invite somebody into a team",
)
def invite(request: ApiRequest, team_id: TeamId, payload: InvitationIn) -> HttpResponse:
    """By mail, or by a link where there is no mail. It works once, within a week; another one to the same address takes its place. Owners
    are invited by owners."""
    seen = managed_by(request, team_id)
    made, link = invitations.invite(email=payload.email, team=seen.team, role=payload.role, by=request.auth)
    body = MadeInvitation(**invited(made), link=link or None)
    where = reverse("api:invitation", args=[seen.team.pk, made.pk])
    return HttpResponse(body.model_dump_json(), status=201, content_type="application/json; charset=utf-8", headers={"Location": where})


@router.get(
    "/teams/{team_id}/invitations/{invitation_id}/",
    url_name="invitation",
    operation_id="invitation",
    response={200: ListedInvitation, **FIND},
    summary="One open invitation",
)
def invitation(request: ApiRequest, team_id: TeamId, invitation_id: InvitationId) -> ListedInvitation:
    return ListedInvitation(**invited(open_in(managed_by(request, team_id), invitation_id)))


@router.delete(
    "/teams/{team_id}/invitations/{invitation_id}/",
    url_name="invitation",
    operation_id="revoke_invitation",
    response={204: None, **FIND},
    summary="Take an invitation back",
)
def revoke_invitation(request: ApiRequest, team_id: TeamId, invitation_id: InvitationId) -> HttpResponse:
    """Its link opens nothing any more."""
    invitations.revoke(invitation=open_in(managed_by(request, team_id), invitation_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


def seen_by(request: ApiRequest, team_id: int) -> team_queries.Seen:
    seen = team_queries.seen_by(request.auth, team_id)
    if seen is None:
        raise TeamNotFound
    return seen


def managed_by(request: ApiRequest, team_id: int) -> team_queries.Seen:
    seen = seen_by(request, team_id)
    if not seen.manages:
        raise actions.NotYourTeam("Only the owners and admins of the team, and operators, may do that.")
    return seen


def found_in(seen: team_queries.Seen, person_id: str) -> Membership:
    membership = team_queries.membership_of_person(seen.team, person_id)
    if membership is None:
        raise PersonNotFound
    return membership


def open_in(seen: team_queries.Seen, pk: int) -> Invitation:
    found = invitations.open_invitations().filter(team=seen.team, pk=pk).first()
    if found is None:
        raise InvitationNotFound
    return found


def person_json(membership: Membership, seen: team_queries.Seen) -> PersonOfTeam:
    user = membership.user
    told: dict[str, Any] = {"role": membership.role, "since": membership.created_at, "email": None, "is_suspended": None}
    if seen.manages:
        told |= {"email": people.address_of(user), "is_suspended": not user.is_active}
    return PersonOfTeam(id=str(user.pk), name=people.name_of(user), **told)


def invited(each: Invitation) -> dict[str, Any]:
    named = {name: getattr(each, name) for name in ("email", "role", "is_mailed", "created_at", "expires_at")}
    return {"id": each.pk, "invited_by": people.name_of(each.by), **named}
