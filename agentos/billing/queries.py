"""What one can pay for, who one pays for, and what is paid."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from agentos.access.models import Customer, Membership, Plan, Subscription, Team
from agentos.access.users import User
from agentos.agents.queries import agents_for, locked_agents_for
from agentos.billing.models import SOURCE, Comparison, Paid, Payer, Price

AGENTS_NAMED = 12  # of one plan
REMEMBERED = 10.0  # seconds


class _Offered:
    plans: frozenset[int] = frozenset()
    until = 0.0  # by time.monotonic()


@dataclass(frozen=True, slots=True)
class Offer:
    """A price, and for whom this user may pay it."""

    price: Price
    buyers: list["Buyer"]


@dataclass(frozen=True, slots=True)
class Buyer:
    """A user, or a team with so many people. ``held``: what they pay already; ``blocked``: its payment has to be set right first."""

    team: Team | None
    seats: int
    held: Paid | None
    may_try: bool

    @property
    def is_blocked(self) -> bool:
        return self.held is not None and self.held.status not in {Paid.Status.ACTIVE, Paid.Status.TRIALING}


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan as this user sees it. ``is_open``: to them, now."""

    plan: Plan
    is_open: bool
    agents: list[str] = field(default_factory=list)
    more_agents: int = 0
    offers: list[Offer] = field(default_factory=list)


def owned_teams(user: User) -> QuerySet[Team]:
    """Return the teams that this user may pay for: those that they own."""
    return Team.objects.filter(members__user=user, members__role=Membership.Role.OWNER)


def paid_by(user: User) -> QuerySet[Paid]:
    """Return what this user pays for, themselves or for a team that they own, and what has not ended."""
    mine = Q(payer__customer__user=user) | Q(payer__customer__team__in=owned_teams(user).order_by().values("pk"))
    found: QuerySet[Paid] = Paid.objects.live().filter(mine).select_related("plan", "payer__customer__team")
    return found


def given_to(user: User) -> QuerySet[Subscription]:
    """Return what is open to this user otherwise: given by operators, or paid by a team that they do not own."""
    running: QuerySet[Subscription] = Subscription.objects.running().held_by(user.pk)
    paid_here = Q(source=SOURCE) & (Q(customer__user=user) | Q(customer__team__in=owned_teams(user).order_by().values("pk")))
    return running.exclude(paid_here).select_related("plan", "customer__team").order_by("plan__name", "pk")


def payer_of(user: User, team: Team | None) -> Payer | None:
    return Payer.objects.filter(customer__team=team).first() if team else Payer.objects.filter(customer__user=user).first()


def payers_of(user: User) -> QuerySet[Payer]:
    """Return this user as a payer, and the teams that they own."""
    mine = Q(customer__user=user) | Q(customer__team__in=owned_teams(user).order_by().values("pk"))
    return Payer.objects.filter(mine).select_related("customer__team").order_by("customer__team__name", "pk")


def buyer(user: User, team: Team | None) -> Buyer:
    return next(iter(_buyers(user, [team])))


def plans_shown_to(user: User) -> list[Shown]:
    """Return all plans that somebody can pay for, or whose price is said in words, and what each opens, as far as this user may know of
    it."""
    names = {card.agent_id: card.name for card in locked_agents_for(user)}
    names |= dict(agents_for(user).order_by().values_list("agent_id", "name"))
    open_plans = set(Subscription.objects.running().held_by(user.pk).order_by().values_list("plan", flat=True))
    everybody, teams = _buyers(user, [None]), _buyers(user, list(owned_teams(user)))
    plans = (
        Plan.objects.filter(Q(prices__is_offered=True) | ~Q(price_text="")).distinct().prefetch_related("prices", "agents").order_by("name")
    )
    shown = []
    for plan in plans:
        opened = sorted(names[agent.agent_id] for agent in plan.agents.all() if agent.is_active and agent.agent_id in names)
        offers = [Offer(price, teams if price.per_seat else everybody) for price in plan.prices.all() if price.is_offered]
        shown.append(Shown(plan, plan.pk in open_plans, opened[:AGENTS_NAMED], max(0, len(opened) - AGENTS_NAMED), offers))
    return shown


def offered_plans() -> frozenset[int]:
    """Return the plans that somebody can pay for. Remembered for a few seconds: each locked card asks."""
    if _Offered.until < time.monotonic():
        _Offered.plans = frozenset(Price.objects.filter(is_offered=True).order_by().values_list("plan", flat=True))
        _Offered.until = time.monotonic() + REMEMBERED
    return _Offered.plans


def forget_offered() -> None:
    _Offered.until = 0.0


def prices() -> QuerySet[Price]:
    paid = Paid.objects.live().filter(price_id=OuterRef("stripe_id")).order_by().values("price_id").annotate(count=Count("pk"))
    return Price.objects.select_related("plan").annotate(payers=Coalesce(Subquery(paid.values("count")), 0))


def all_plans() -> QuerySet[Plan]:
    return Plan.objects.order_by("name")


def price_with(pk: int) -> Price | None:
    return Price.objects.select_related("plan").filter(pk=pk).first()


def last_comparison() -> Comparison | None:
    return Comparison.objects.first()


def _buyers(user: User, teams: Iterable[Team | None]) -> list[Buyer]:
    teams = list(teams)
    keys = [team.pk for team in teams if team]
    of_whom = Customer.objects.filter(Q(team__in=keys) | Q(user=user) if None in teams else Q(team__in=keys))
    paid: dict[int | None, Paid] = {}
    known: set[int | None] = set()
    for one in Paid.objects.filter(payer__customer__in=of_whom).select_related("plan", "payer__customer").order_by("created_at", "pk"):
        key = one.payer.customer.team_id
        known.add(key)
        if one.status in Paid.LIVE and one.status != Paid.Status.INCOMPLETE:
            paid[key] = one
    seats = dict(
        Membership.objects.filter(team__in=keys, user__is_active=True)
        .order_by()
        .values_list("team")
        .annotate(count=Count("pk"))
        .values_list("team", "count")
    )
    bought = []
    for team in teams:
        key = team.pk if team else None
        bought.append(Buyer(team, max(1, seats.get(team.pk, 0)) if team else 1, paid.get(key), may_try=key not in known))
    return bought
