"""Changes of accounts, teams and subscriptions: the change, its audit record, and the version of everybody's rights."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from agentos.access import actions, queries, rights
from agentos.access.models import Membership, Plan, Subscription, Team, User
from agentos.audit.models import AuditRecord
from agentos.core import clock
from tests.factories import PASSWORD, MembershipFactory, SubscriptionFactory, UserFactory


def last_record() -> tuple[str, str, str, Any]:
    found = AuditRecord.objects.order_by("-pk")[0]
    return found.verb, found.object_type, found.object_id, found.data


@pytest.fixture
def counted() -> Callable[[], int]:
    """How far the version of the rights has moved since the test began."""
    start = rights.version()
    return lambda: rights.version() - start


class TestCreateUser:
    def test_makes_an_account_that_can_sign_in(self, operator: User) -> None:
        user = actions.create_user(email="New@Example.com", password=PASSWORD, by=operator)
        assert user.email == "new@example.com"
        assert user.check_password(PASSWORD)
        assert not user.is_staff
        assert last_record() == ("access.user.created", "user", str(user.pk), {"is_operator": False})

    def test_makes_an_operator_when_told_so(self, operator: User) -> None:
        user = actions.create_user(email="new@example.com", is_operator=True, by=operator)
        assert user.is_staff
        assert user.is_superuser
        assert not user.has_usable_password()

    def test_makes_an_operator_from_the_command_line(self, db: None) -> None:
        """`manage.py createsuperuser`."""
        user = User.objects.create_superuser("root@example.com", PASSWORD, is_staff=False)
        assert (user.is_staff, user.is_superuser, user.check_password(PASSWORD)) == (True, True, True)

    def test_refuses_a_second_user_with_the_address(self, owner: User) -> None:
        with pytest.raises(IntegrityError):
            actions.create_user(email="OWNER@example.com", by=None)


class TestSuspendUser:
    def test_closes_the_account(self, member: User, operator: User, counted: Callable[[], int]) -> None:
        assert actions.suspend_user(user=member, by=operator) == member
        member.refresh_from_db()
        assert not member.is_active
        assert counted() == 1
        assert last_record() == ("access.user.suspended", "user", str(member.pk), {})
        assert AuditRecord.objects.get(verb="access.user.suspended").actor == operator

    def test_ends_sessions_for_good(self, member: User, operator: User) -> None:
        before = member.get_session_auth_hash()
        actions.suspend_user(user=member, by=operator)
        actions.reinstate_user(user=member, by=operator)
        assert User.objects.get(pk=member.pk).get_session_auth_hash() != before

    def test_refuses_oneself(self, operator: User) -> None:
        with pytest.raises(actions.Yourself):
            actions.suspend_user(user=operator, by=operator)
        operator.refresh_from_db()
        assert operator.is_active


class TestReinstateUser:
    def test_opens_the_account(self, suspended: User, operator: User, counted: Callable[[], int]) -> None:
        assert actions.reinstate_user(user=suspended, by=operator) == suspended
        suspended.refresh_from_db()
        assert suspended.is_active
        assert counted() == 1
        assert last_record()[0] == "access.user.reinstated"


class TestCreateTeam:
    def test_gives_the_team_an_owner(self, stranger: User, operator: User) -> None:
        team = actions.create_team(name="Sales", owner=stranger, by=operator)
        assert team.members.get().role == Membership.Role.OWNER
        assert set(AuditRecord.objects.values_list("verb", flat=True)) == {"access.team.created", "access.membership.added"}

    def test_gives_it_nobody_where_nobody_is_named(self, operator: User) -> None:
        assert not actions.create_team(name="Sales", by=operator).members.exists()


class TestAddMember:
    def test_puts_the_user_into_the_team(self, support: Team, stranger: User, operator: User, counted: Callable[[], int]) -> None:
        assert actions.add_member(team=support, user=stranger, by=operator) == stranger.memberships.get()
        assert list(queries.teams_of(stranger)) == [support]
        assert counted() == 1
        assert last_record() == ("access.membership.added", "team", str(support.pk), {"user": stranger.pk, "role": "member"})

    def test_refuses_who_is_in_it_and_writes_nothing(self, support: Team, member: User, operator: User) -> None:
        with pytest.raises(actions.AlreadyMember):
            actions.add_member(team=support, user=member, role=Membership.Role.OWNER, by=operator)
        assert member.memberships.get().role == Membership.Role.MEMBER
        assert not AuditRecord.objects.exists()


class TestChangeRole:
    def test_changes_it(self, owner: User, member: User, counted: Callable[[], int]) -> None:
        membership = member.memberships.get()
        actions.change_role(membership=membership, role=Membership.Role.ADMIN, by=owner)
        assert member.memberships.get().role == Membership.Role.ADMIN
        assert counted() == 1
        assert last_record()[0] == "access.membership.changed"

    def test_leaves_the_last_owner(self, owner: User) -> None:
        with pytest.raises(actions.LastOwner):
            actions.change_role(membership=owner.memberships.get(), role=Membership.Role.MEMBER, by=owner)

    def test_lets_one_of_two_owners_step_down(self, owner: User, support: Team) -> None:
        MembershipFactory(team=support, role=Membership.Role.OWNER)
        actions.change_role(membership=owner.memberships.get(), role=Membership.Role.MEMBER, by=owner)
        assert owner.memberships.get().role == Membership.Role.MEMBER

    def test_goes_by_what_others_have_done_meanwhile(self, owner: User, support: Team, member: User) -> None:
        read_before, mine = member.memberships.get(), owner.memberships.get()
        MembershipFactory(team=support, role=Membership.Role.OWNER)
        actions.change_role(membership=mine, role=Membership.Role.ADMIN, by=None)
        with pytest.raises(actions.NotYourTeam):
            actions.change_role(membership=read_before, role=Membership.Role.ADMIN, by=owner)
        Membership.objects.filter(pk=read_before.pk).delete()
        with pytest.raises(actions.NotInTeam):
            actions.change_role(membership=read_before, role=Membership.Role.ADMIN, by=None)


class TestRemoveMember:
    def test_goes_by_what_others_have_done_meanwhile(self, support: Team, member: User) -> None:
        admin = MembershipFactory(team=support, role=Membership.Role.ADMIN).user
        read_before = member.memberships.get()
        Membership.objects.filter(pk=read_before.pk).update(role=Membership.Role.OWNER)
        with pytest.raises(actions.NotYourTeam):
            actions.remove_member(membership=read_before, by=admin)
        Membership.objects.filter(pk=read_before.pk).delete()
        written = AuditRecord.objects.count()
        actions.remove_member(membership=read_before, by=None)
        assert AuditRecord.objects.count() == written

    def test_takes_the_user_out(self, owner: User, member: User, support: Team, counted: Callable[[], int]) -> None:
        actions.remove_member(membership=member.memberships.get(), by=owner)
        assert not queries.teams_of(member).exists()
        assert counted() == 1
        assert last_record() == ("access.membership.removed", "team", str(support.pk), {"user": member.pk})

    def test_leaves_the_last_owner(self, owner: User) -> None:
        with pytest.raises(actions.LastOwner):
            actions.remove_member(membership=owner.memberships.get(), by=owner)
        assert owner.memberships.exists()


class TestTheLastOwner:
    def test_is_who_leaves_a_team_without_one(self, owner: User, member: User, support: Team) -> None:
        last = owner.memberships.get()
        assert queries.team_of_last_owner(last.pk) == support
        assert queries.team_of_last_owner(member.memberships.get().pk) is None
        MembershipFactory(team=support, role=Membership.Role.ADMIN)
        MembershipFactory(role=Membership.Role.OWNER)  # of another team
        assert queries.team_of_last_owner(last.pk) == support
        MembershipFactory(team=support, role=Membership.Role.OWNER)
        assert queries.team_of_last_owner(last.pk) is None

    def test_stays_owner_when_told_to_be(self, owner: User) -> None:
        assert actions.change_role(membership=owner.memberships.get(), role=Membership.Role.OWNER, by=owner).role == "owner"


class TestSubscribe:
    def test_opens_the_plan(self, stranger: User, pro: Plan, operator: User) -> None:
        actions.subscribe(user=stranger, plan=pro, by=operator)
        assert list(queries.plans_of(stranger)) == [pro]
        assert last_record() == ("access.subscription.started", "user", str(stranger.pk), {"plan": "Pro"})

    def test_starts_a_cancelled_one_again(self, owner: User, pro: Plan, operator: User) -> None:
        actions.cancel_subscription(subscription=owner.customer.subscriptions.get(), by=operator)
        actions.subscribe(user=owner, plan=pro, until=clock.now() + timedelta(days=1), by=operator)
        assert list(queries.plans_of(owner)) == [pro]
        assert owner.customer.subscriptions.count() == 1


class TestCancelSubscription:
    def test_closes_the_plan_at_once(self, owner: User, operator: User, counted: Callable[[], int]) -> None:
        actions.cancel_subscription(subscription=owner.customer.subscriptions.get(), by=operator)
        assert not queries.plans_of(owner).exists()
        assert counted() == 1
        assert last_record()[0] == "access.subscription.cancelled"


class TestPlansOf:
    @pytest.mark.parametrize(
        ("status", "ends_in", "holds"),
        [
            (Subscription.Status.ACTIVE, None, True),
            (Subscription.Status.ACTIVE, timedelta(hours=1), True),
            (Subscription.Status.ACTIVE, timedelta(hours=-1), False),
            (Subscription.Status.PAST_DUE, None, False),
            (Subscription.Status.CANCELED, timedelta(hours=1), False),
        ],
    )
    def test_counts_running_subscriptions_only(
        self, status: str, ends_in: timedelta | None, holds: bool, stranger: User, pro: Plan
    ) -> None:
        end = clock.now() + ends_in if ends_in else None
        SubscriptionFactory(customer__user=stranger, plan=pro, status=status, current_period_end=end)
        assert queries.plans_of(stranger).exists() is holds


class TestNextPeriodEnd:
    def test_is_the_first_of_the_running_ones(self, stranger: User) -> None:
        soon, late = clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=2)
        for end in (late, soon, None, clock.now() - timedelta(hours=1)):
            SubscriptionFactory(customer__user=stranger, current_period_end=end)
        assert queries.next_period_end(stranger) == soon

    def test_is_none_without_an_end(self, owner: User) -> None:
        assert queries.next_period_end(owner) is None


class TestAll:
    def test_writes_nothing_when_the_record_cannot_be_written(self, support: Team, stranger: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **kwargs: Any) -> None:
            raise OSError

        monkeypatch.setattr(actions, "record", fail)
        with pytest.raises(OSError):
            actions.add_member(team=support, user=stranger, by=None)
        assert not queries.teams_of(stranger).exists()
        assert UserFactory().pk


class TestAnAddress:
    def test_is_stored_in_one_form(self) -> None:
        assert User.objects.normalize_email(" Ada@Example.COM ") == "ada@example.com"
