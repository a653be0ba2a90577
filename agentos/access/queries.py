"""What somebody holds now."""

from datetime import datetime

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Min, Q, QuerySet

from agentos.access.models import ApiToken, Membership, Plan, Preferences, Subscription, Team
from agentos.access.users import User
from agentos.core import people

ENDED_LISTED = 20
MANAGERS = (Membership.Role.OWNER, Membership.Role.ADMIN)


def picture_of(user: User) -> bytes:
    """Return the person's picture (core.pictures.TYPE); nothing when there is none."""
    found = Preferences.objects.filter(pk=user.pk).values_list("picture", flat=True).first()
    return bytes(found or b"")


def language_of(key: int) -> str:
    """What the user of this key speaks; empty where they have not said."""
    return Preferences.objects.filter(pk=key).values_list("language", flat=True).first() or ""


def preferences_of(user: User) -> Preferences:
    """Return how this user wants the pages; what nobody has changed, where they have chosen nothing."""
    return Preferences.objects.filter(pk=user.pk).first() or Preferences(user=user)


def wanting_budget_mails(users: QuerySet[User]) -> set[int]:
    """Return the keys of those who have not turned them off."""
    pks = set(users.values_list("pk", flat=True))
    return pks - set(Preferences.objects.filter(pk__in=pks, budget_mails=False).values_list("pk", flat=True))


def managers_of(team: Team) -> QuerySet[User]:
    """Return the owners and admins of a team whose accounts are not suspended."""
    return User.objects.filter(is_active=True, memberships__team=team, memberships__role__in=MANAGERS)


def operators() -> QuerySet[User]:
    return User.objects.filter(is_active=True, is_staff=True) if people.has_column("is_staff") else User.objects.none()


def teams_of(user: User) -> QuerySet[Team]:
    return Team.objects.filter(members__user=user)


def managed_teams(user: User) -> QuerySet[Team]:
    """Return the teams that this user owns or administers."""
    return Team.objects.filter(members__user=user, members__role__in=MANAGERS)


def teams_with_personal_agents(user_pk: int) -> QuerySet[Team]:
    """Return the teams that this user is in and that let their members have agents of their own."""
    return Team.objects.filter(members__user=user_pk, personal_agents=True)


def role_in(team: Team, user: User) -> str:
    """Return this user's role in a team; empty for whoever is not in it."""
    return Membership.objects.filter(team=team, user=user).values_list("role", flat=True).first() or ""


def role_of_manager(team: Team, user: User) -> str:
    """Return the role as which this user looks after a team: an operator like an owner. Empty for whoever has none."""
    return Membership.Role.OWNER if people.is_operator(user) else role_in(team, user)


def manages(team: Team, user: User) -> bool:
    return role_of_manager(team, user) in MANAGERS


def may_remove(role: str, membership: Membership) -> bool:
    """Owners remove anybody, admins whoever is no owner."""
    return role == Membership.Role.OWNER or (role == Membership.Role.ADMIN and membership.role != Membership.Role.OWNER)


def team_of_last_owner(membership_pk: int) -> Team | None:
    """Return the team that would be without an owner if this membership ended; None when there is another, or it is no owner's."""
    membership = Membership.objects.select_related("team").filter(pk=membership_pk, role=Membership.Role.OWNER).first()
    if membership is None:
        return None
    others = Membership.objects.filter(team=membership.team_id, role=Membership.Role.OWNER).exclude(pk=membership_pk)
    return None if others.exists() else membership.team


def plans_of(user: User) -> QuerySet[Plan]:
    """Return the plans that this user has a running subscription to."""
    running = Subscription.objects.running().held_by(user.pk)
    return Plan.objects.filter(pk__in=running.values("plan"))


def next_period_end(user: User) -> datetime | None:
    """Return when the first of this user's running subscriptions ends by itself, if any does."""
    end: datetime | None = Subscription.objects.running().held_by(user.pk).aggregate(end=Min("current_period_end"))["end"]
    return end


def tokens_for(user: User) -> QuerySet[ApiToken]:
    """Return this user's API tokens, the newest first; also those that open nothing any more."""
    tokens: QuerySet[ApiToken] = ApiToken.objects.filter(user=user).select_related("user")
    return tokens


def listed_tokens(user: User) -> list[ApiToken]:
    """Return those that are usable, then the last few that have ended."""
    usable = list(ApiToken.objects.usable().filter(user=user).select_related("user"))
    return usable + list(tokens_for(user).exclude(pk__in=[token.pk for token in usable])[:ENDED_LISTED])


def accounts_for_tokens_of(operator: User) -> QuerySet[User]:
    """For whom an operator may make an API token: themselves, and accounts that nobody signs in to."""
    nobodys = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return User.objects.filter(Q(pk=operator.pk) | nobodys, is_active=True)
