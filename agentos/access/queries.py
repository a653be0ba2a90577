"""What somebody holds now."""

from datetime import datetime

from django.db.models import Min, QuerySet

from agentos.access.models import Plan, Subscription, Team, User


def teams_of(user: User) -> QuerySet[Team]:
    return Team.objects.filter(members__user=user)


def plans_of(user: User) -> QuerySet[Plan]:
    """Return the plans that this user has a running subscription to."""
    running = Subscription.objects.running().filter(customer__user=user)
    return Plan.objects.filter(pk__in=running.values("plan"))


def next_period_end(user: User) -> datetime | None:
    """Return when the first of this user's running subscriptions ends by itself, if any does."""
    end: datetime | None = Subscription.objects.running().filter(customer__user=user).aggregate(end=Min("current_period_end"))["end"]
    return end
