"""Whoever changes what decides about rights, the version moves: the admin and a shell too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import user_logged_in

from agentos.access import rights
from agentos.access.models import Membership, Plan, Subscription, Team, User
from agentos.core import clock
from tests.factories import CustomerFactory, SubscriptionFactory

CHANGES: dict[str, Callable[[User, Team, Plan], Any]] = {
    "a team is saved": lambda user, team, plan: team.save(),
    "a team is deleted": lambda user, team, plan: team.delete(),
    "a membership is made": lambda user, team, plan: Membership.objects.create(team=Team.objects.create(name="T"), user=user),
    "a membership is saved": lambda user, team, plan: user.memberships.get().save(),
    "a membership is deleted": lambda user, team, plan: user.memberships.all().delete(),
    "a plan is saved": lambda user, team, plan: plan.save(),
    "a plan is deleted": lambda user, team, plan: plan.delete(),
    "a customer is made": lambda user, team, plan: CustomerFactory(),
    "a customer is deleted": lambda user, team, plan: user.customer.delete(),
    "a subscription is saved": lambda user, team, plan: Subscription.objects.get().save(),
    "a subscription is deleted": lambda user, team, plan: Subscription.objects.all().delete(),
    "a user is saved": lambda user, team, plan: user.save(),
    "a user is deleted": lambda user, team, plan: user.delete(),
}


class TestRightsVersion:
    @pytest.mark.parametrize("change", CHANGES)
    def test_moves_when(self, change: str, owner: User, support: Team, pro: Plan) -> None:
        before = rights.version()
        CHANGES[change](owner, support, pro)
        assert rights.version() > before

    def test_stays_when_somebody_signs_in(self, owner: User) -> None:
        before = rights.version()
        user_logged_in.send(sender=User, request=None, user=owner)
        owner.refresh_from_db()
        assert owner.last_login is not None
        assert rights.version() == before

    def test_has_moved_again_for_this_process_when_a_change_is_committed(
        self, db: None, django_capture_on_commit_callbacks: Callable[..., Any]
    ) -> None:
        """What another thread has read before the commit is of before the change."""
        with django_capture_on_commit_callbacks(execute=True):
            before = rights.changes()
            rights.changed()
            inside = rights.changes()
        assert before < inside < rights.changes()

    def test_is_zero_before_the_first_change(self, db: None) -> None:
        assert rights.version() == 0


class TestTheNextEnd:
    """Of a subscription, by time alone."""

    def test_is_the_first_that_lies_ahead_of_those_that_run(self, db: None) -> None:
        now = clock.now()
        ends = {days: now + timedelta(days=days) for days in (-1, 0, 1, 2, 3)}
        for end in (None, *ends.values()):
            SubscriptionFactory(current_period_end=end)
        Subscription.objects.filter(current_period_end=ends[1]).update(status=Subscription.Status.CANCELED)
        assert rights.next_end(now) == ends[2]
        assert rights.next_end(ends[2]) == ends[3]
        assert rights.next_end(ends[3]) is None
