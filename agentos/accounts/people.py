"""What operators see of people, and do for them."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from agentos.access import actions
from agentos.access.actions import AccessError
from agentos.access.adapters import access
from agentos.access.models import Membership, Plan
from agentos.access.queries import plans_of
from agentos.access.users import User
from agentos.accounts import factors, sessions
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.core.people import searched

AGENTS_LISTED = 200


@dataclass(frozen=True, slots=True)
class Right:
    """Whether somebody may use an agent, and why, or what would open it. Empty: nothing that they are told of."""

    agent: DjangoAgent
    is_open: bool
    why: str


def found(text: str) -> QuerySet[User]:
    """Return the people whose name or address holds this text, with their teams: two queries a page, however many they are."""
    wanted = Q()
    for column in searched():
        wanted |= Q(**{f"{column}__icontains": text})
    people = User.objects.filter(wanted) if text else User.objects.all()
    return people.prefetch_related("memberships__team").order_by("email")


def named(pk: int) -> User | None:
    return User.objects.filter(pk=pk).first()


def memberships_of(user: User) -> QuerySet[Membership]:
    return Membership.objects.filter(user=user).select_related("team")


def held_plans(user: User) -> QuerySet[Plan]:
    return plans_of(user)


def rights_of(user: User) -> list[Right]:
    """Return the agents that are switched on, those that this user may use first. Whoever is suspended may use none."""
    agents = DjangoAgent.objects.filter(is_active=True)
    usable = set(access().usable_agents(user, agents).values_list("pk", flat=True)) if user.is_active else set()
    locked = set(access().locked_agents(user, agents).values_list("pk", flat=True))
    why: Callable[[DjangoAgent], str] = access().why(user)
    rows = agents.select_related("team").prefetch_related("plans").order_by("name").distinct()[:AGENTS_LISTED]
    found = [
        Right(agent, agent.pk in usable, why(agent) if agent.pk in usable else access().what_opens(agent) if agent.pk in locked else "")
        for agent in rows
    ]
    return sorted(found, key=lambda right: not right.is_open)


@transaction.atomic
def sign_out(*, user: User, by: User) -> None:
    """End all sign-ins of somebody; open pages close within seconds."""
    sessions.end_all(user=user, by=by)


@transaction.atomic
def reset_factor(*, user: User, by: User) -> None:
    """Take away the passkeys and codes of somebody who has lost them, and end their sign-ins. Raises AccessError."""
    if user == by:
        raise AccessError(_("You cannot do this for yourself. Use the page of your account, or ask another operator."))
    count = factors.reset(user)
    sessions.end_all(user=user, by=by)
    record("access.factor.reset", by=by, object_type="user", object_id=str(user.pk), count=count)


def suspend(*, user: User, by: User) -> None:
    actions.suspend_user(user=user, by=by)


def reinstate(*, user: User, by: User) -> None:
    actions.reinstate_user(user=user, by=by)


DEEDS: dict[str, Callable[..., None]] = {"suspend": suspend, "reinstate": reinstate, "sign-out": sign_out, "reset-factor": reset_factor}
