"""Changes of who somebody is and what they hold. Each leaves an audit record; the signals count the rights' version up.

Refused
+-- AlreadyMember       the user is in the team
+-- LastOwner           a team keeps at least one owner
+-- Yourself            nobody suspends themselves
+-- InvalidToken        what is asked of a new token cannot be; names the field
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction

from agentos.access import tokens
from agentos.access.models import ApiToken, Customer, Membership, Plan, Subscription, Team, User
from agentos.audit.actions import record
from agentos.core import clock, limits
from agentos.core.text import clean


class Refused(Exception):
    """A change that the rules forbid; its text is a sentence for people."""


class AlreadyMember(Refused):
    pass


class LastOwner(Refused):
    pass


class Yourself(Refused):
    pass


class InvalidToken(Refused):
    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


TOKENS_LIMIT = 50  # usable ones of one user
NAME_LIMIT = 100  # characters


@transaction.atomic
def create_user(*, email: str, name: str = "", password: str | None = None, is_operator: bool = False, by: User | None) -> User:
    user = User.objects.create_user(email, password, name=name, is_staff=is_operator, is_superuser=is_operator)
    record("access.user.created", by=by, object_type="user", object_id=str(user.pk), is_operator=is_operator)
    return user


@transaction.atomic
def suspend_user(*, user: User, by: User | None) -> User:
    """Close the account and end its sessions: the next request of any of them is signed out."""
    if user == by:
        msg = "You cannot suspend yourself. Ask another operator."
        raise Yourself(msg)
    user.is_active = False
    user.sign_outs += 1
    user.save(update_fields=["is_active", "sign_outs"])
    record("access.user.suspended", by=by, object_type="user", object_id=str(user.pk))
    return user


@transaction.atomic
def reinstate_user(*, user: User, by: User | None) -> User:
    """Open the account again. Sessions of before the suspension stay ended."""
    user.is_active = True
    user.save(update_fields=["is_active"])
    record("access.user.reinstated", by=by, object_type="user", object_id=str(user.pk))
    return user


@transaction.atomic
def create_team(*, name: str, owner: User | None = None, by: User | None) -> Team:
    team = Team.objects.create(name=name)
    record("access.team.created", by=by, object_type="team", object_id=str(team.pk), name=name)
    if owner:
        add_member(team=team, user=owner, role=Membership.Role.OWNER, by=by)
    return team


@transaction.atomic
def add_member(*, team: Team, user: User, role: str = Membership.Role.MEMBER, by: User | None) -> Membership:
    membership, created = Membership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    if not created:
        msg = f"{user} is in the team {team} already."
        raise AlreadyMember(msg)
    record("access.membership.added", by=by, object_type="team", object_id=str(team.pk), user=user.pk, role=role)
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: str, by: User | None) -> Membership:
    if role != Membership.Role.OWNER:
        _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    record("access.membership.changed", by=by, object_type="team", object_id=str(membership.team_id), user=membership.user_id, role=role)
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, by: User | None) -> None:
    _keep_an_owner(membership)
    membership.delete()
    record("access.membership.removed", by=by, object_type="team", object_id=str(membership.team_id), user=membership.user_id)


def _keep_an_owner(membership: Membership) -> None:
    """Raise LastOwner when the team has no other owner. The team's owners are locked, so that two cannot leave at once."""
    owners = Membership.objects.select_for_update().filter(team=membership.team_id, role=Membership.Role.OWNER)
    if [owner.pk for owner in owners] == [membership.pk]:
        msg = "A team needs an owner. Make somebody else the owner first."
        raise LastOwner(msg)


@transaction.atomic
def create_plan(*, name: str, description: str = "", by: User | None) -> Plan:
    plan = Plan.objects.create(name=name, description=description)
    record("access.plan.created", by=by, object_type="plan", object_id=str(plan.pk), name=name)
    return plan


@transaction.atomic
def subscribe(*, user: User, plan: Plan, until: datetime | None = None, by: User | None) -> Subscription:
    """Start the user's subscription to the plan, or start it again; without ``until`` it runs until it is cancelled."""
    customer, _ = Customer.objects.get_or_create(user=user)
    subscription: Subscription
    subscription, _ = Subscription.objects.update_or_create(
        customer=customer,
        plan=plan,
        defaults={"status": Subscription.Status.ACTIVE, "current_period_end": until},
    )
    record("access.subscription.started", by=by, object_type="user", object_id=str(user.pk), plan=plan.name)
    return subscription


@transaction.atomic
def cancel_subscription(*, subscription: Subscription, by: User | None) -> Subscription:
    """End the subscription now."""
    subscription.status = Subscription.Status.CANCELED
    subscription.save(update_fields=["status"])
    record(
        "access.subscription.cancelled",
        by=by,
        object_type="user",
        object_id=str(subscription.customer.user_id),
        plan=subscription.plan.name,
    )
    return subscription


def create_token(*, by: User, name: str, scopes: Iterable[str], days: int = tokens.DAYS, owner: User | None = None) -> tuple[ApiToken, str]:
    """Make a token of this user's own, or of an account that nobody signs in to. Its text is returned here and kept nowhere.

    Raises InvalidToken, ``Problem`` 429.
    """
    owner = owner or by
    if owner != by and owner.has_usable_password():
        raise InvalidToken("user", "A token would show you what is theirs: people make their tokens themselves.")
    limits.check(
        "token-create", str(by.pk), limit=settings.CREATIONS_A_MINUTE, seconds=60, sentence="You made a lot of tokens in a short time."
    )
    wanted = set(scopes)
    label = " ".join(clean(name).split())
    if not 1 <= len(label) <= NAME_LIMIT:
        raise InvalidToken("name", f"Give the token a name of at most {NAME_LIMIT} characters.")
    if not wanted or not wanted <= tokens.SCOPES.keys():
        raise InvalidToken("scopes", "Choose at least one of the scopes that there are.")
    if not 1 <= days <= tokens.LONGEST:
        raise InvalidToken("days", f"A token can last 1 to {tokens.LONGEST} days.")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)  # two requests at once do not count past each other
        if ApiToken.objects.usable().filter(user=owner).count() >= TOKENS_LIMIT:
            raise InvalidToken("name", f"There are {TOKENS_LIMIT} tokens of this account already. Revoke one first.")
        secret = tokens.new_secret()
        now = clock.now()
        token = ApiToken.objects.create(
            user=owner,
            name=label,
            digest=tokens.digest_of(secret),
            hint=tokens.hint_of(secret),
            scopes=[scope for scope in tokens.SCOPES if scope in wanted],
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        about = {"owner": owner.pk, "scopes": token.scopes, "days": days}
        record("access.token.created", by=by, object_type="token", object_id=str(token.pk), **about)
    return token, secret


@transaction.atomic
def revoke_token(*, by: User, token: ApiToken) -> None:
    """End a token now: its next request is refused. To revoke it twice changes nothing."""
    now = clock.now()
    if ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now, revoked_by=by):
        token.revoked_at, token.revoked_by = now, by
        record("access.token.revoked", by=by, object_type="token", object_id=str(token.pk), owner=token.user_id)


@transaction.atomic
def unlock_account(*, attempt: AccessAttempt, by: User) -> None:
    """Forget the wrong passwords that an account was tried with from one address."""
    record("access.account.unlocked", by=by, object_type="account", object_id=str(attempt.pk), account=attempt.username)
    attempt.delete()
