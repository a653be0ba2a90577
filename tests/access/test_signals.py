"""Whoever changes what decides about rights, the version moves: the admin and a shell too."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import user_logged_in

from agentos.access import rights
from agentos.access.models import Membership, Plan, Subscription, Team, User
from tests.factories import CustomerFactory

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

    def test_is_zero_before_the_first_change(self, db: None) -> None:
        assert rights.version() == 0
