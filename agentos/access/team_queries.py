"""What the pages of teams show, and to whom."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet

from agentos.access import queries
from agentos.access.models import Membership, Team
from agentos.access.users import User
from agentos.core import people

MANAGERS = queries.MANAGERS
LISTED = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """A team as one user sees it. An operator who is in no team of it manages it like an owner."""

    team: Team
    role: str

    @property
    def manages(self) -> bool:
        return self.role in MANAGERS


def seen_by(user: User, team_id: int) -> Seen | None:
    """Return the team for whoever is in it, and for operators; None for others."""
    team = Team.objects.filter(pk=team_id).first()
    if team is None:
        return None
    role = queries.role_of_manager(team, user)
    return Seen(team, role) if role else None


def is_seen(user: User, team_id: int) -> bool:
    return seen_by(user, team_id) is not None


def listed(user: User) -> QuerySet[Any]:
    """Return this user's memberships with how many people each team has. One query."""
    return Membership.objects.filter(user=user).select_related("team").annotate(people=Count("team__members")).order_by("team__name")


def all_teams(text: str = "") -> QuerySet[Any]:
    """Return the teams of the site whose name holds this text, with how many people each has. One query."""
    found = Team.objects.filter(name__icontains=text) if text else Team.objects.all()
    return found.annotate(people=Count("members")).order_by("name")


def with_address(email: str) -> User | None:
    """Return whose account this is."""
    wanted = Q()
    for column in people.address_columns():
        wanted |= Q(**{column: email})
    return User.objects.filter(wanted).first()


def people_of(team: Team) -> list[Membership]:
    """Return who is in a team: owners first, the suspended too, whom only managers tell apart."""
    order = {"owner": 0, "admin": 1, "member": 2}
    rows = Membership.objects.filter(team=team).select_related("user").order_by("created_at")[:LISTED]
    return sorted(rows, key=lambda row: order[row.role])


def membership_of(team: Team, pk: int) -> Membership | None:
    return Membership.objects.filter(team=team, pk=pk).select_related("user", "team").first()


def membership_of_person(team: Team, key: str) -> Membership | None:
    """``key``: the user's, as text of whatever it is made of."""
    try:
        pk = User._meta.pk.to_python(key)  # noqa: SLF001 - Django's public way to a model's fields
    except ValidationError:
        return None
    return Membership.objects.filter(team=team, user__in=User.objects.filter(pk=pk)).select_related("user", "team").first()


def has_account(email: str) -> bool:
    return with_address(email) is not None
