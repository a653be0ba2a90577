"""Changes of who somebody is and what they hold. Each leaves an audit record; the signals count the rights' version up.

AccessError
+-- AlreadyMember       the user is in the team
+-- LastOwner           a team keeps at least one owner
+-- Yourself            nobody suspends themselves
+-- NotYourTeam         one neither owns nor administers the team, or may not do this in it
+-- NotInTeam           the membership has ended meanwhile
+-- InvalidRole         there is no such role
+-- SameName            there is a plan of this name
+-- PlanInUse           somebody has the plan
+-- InvalidToken        what is asked of a new token cannot be; names the field
+-- InvalidPreference   what is asked of a name, a picture or a page cannot be; names the field
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access import queries, tokens
from agentos.access.models import ApiToken, Customer, Membership, Plan, Preferences, Subscription, Team
from agentos.access.users import User
from agentos.audit.actions import record
from agentos.conf import app_settings
from agentos.core import clock, people, pictures
from agentos.core.http.errors import Problem
from agentos.core.languages import LANGUAGES
from agentos.core.ratelimit import limits
from agentos.core.text import clean


class AccessError(Problem):
    """A change that the rules forbid."""

    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class AlreadyMember(AccessError):
    pass


class LastOwner(AccessError):
    code = "last_owner"


class Yourself(AccessError):
    pass


class NotYourTeam(AccessError):
    status = 403


class NotInTeam(AccessError):
    pass


class InvalidRole(AccessError):
    status = 422
    field = "role"


class SameName(AccessError):
    status = 422


class PlanInUse(AccessError):
    pass


class InvalidToken(AccessError):
    status = 422

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class InvalidPreference(AccessError):
    status = 422

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


TOKENS_LIMIT = 50  # usable ones of one user
NAME_LIMIT = 100  # characters


@transaction.atomic
def create_user(*, email: str, name: str = "", password: str | None = None, is_operator: bool = False, by: User | None) -> User:
    user = User(**people.columns(address=email, name=name))
    for power in ("is_staff", "is_superuser"):
        if people.has_column(power):
            setattr(user, power, is_operator)
    user.set_password(password)
    user.save()
    record("access.user.created", by=by, object_type="user", object_id=str(user.pk), is_operator=is_operator)
    return user


@transaction.atomic
def change_name(*, name: str, by: User) -> None:
    """Give oneself another name; an empty one is none. Raises InvalidPreference."""
    columns = people.name_columns()
    label = " ".join(clean(name).split())
    if not columns:
        raise InvalidPreference("name", _("Names cannot be changed here on this site."))
    if len(label) > NAME_LIMIT:
        raise InvalidPreference("name", _("A name has at most %(limit)s characters.") % {"limit": NAME_LIMIT})
    if label != getattr(by, columns[0]):
        setattr(by, columns[0], label)
        by.save(update_fields=columns)
        record("access.user.renamed", by=by, object_type="user", object_id=str(by.pk))


class Wanted(TypedDict, total=False):
    """How somebody wants the pages: what ``Preferences`` calls these."""

    theme: str
    enter_sends: bool
    spoken: str
    language: str
    sends_spoken: bool
    keeps_recordings: bool
    reads_aloud: bool
    budget_mails: bool
    speed: int


@transaction.atomic
def change_preferences(*, by: User, **wanted: Unpack[Wanted]) -> Preferences:
    """Change what is given of how this user wants the pages. Raises InvalidPreference."""
    _check(wanted)
    before = queries.preferences_of(by)
    changed = {name: value for name, value in wanted.items() if value != getattr(before, name)}
    if not changed:
        return before
    after: Preferences = Preferences.objects.update_or_create(user=by, defaults=changed)[0]
    record("access.preferences.changed", by=by, object_type="user", object_id=str(by.pk), **changed)
    return after


def _check(wanted: Wanted) -> None:
    if "theme" in wanted and wanted["theme"] not in Preferences.Theme.values:
        raise InvalidPreference("theme", _("Choose one of the colours."))
    if "spoken" in wanted and wanted["spoken"] not in Preferences.Spoken.values:
        raise InvalidPreference("spoken", _("Choose one of the options."))
    if wanted.get("language") and wanted["language"] not in LANGUAGES:
        raise InvalidPreference("language", _("Choose one of the languages."))
    if "speed" in wanted and wanted["speed"] not in Preferences.Speed.values:
        raise InvalidPreference("speed", _("Choose one of the speeds."))


def change_picture(*, by: User, data: bytes) -> Preferences:
    """Show the middle of this picture where the user's initials stood. Raises InvalidPreference. Call it outside a transaction."""
    try:
        small = pictures.square(data)
    except pictures.NotAPicture:
        raise InvalidPreference("picture", _("This file cannot be shown as a picture. JPEG, PNG, WebP, GIF and AVIF can.")) from None
    except pictures.Busy:
        raise InvalidPreference("picture", _("Another picture is being prepared. Try again in a moment.")) from None
    return _keep_picture(by, small)


def remove_picture(*, by: User) -> Preferences:
    """Show the user's initials again."""
    return _keep_picture(by, b"")


@transaction.atomic
def _keep_picture(user: User, small: bytes) -> Preferences:
    kept = {"picture": small, "picture_id": hashlib.sha256(small).hexdigest()[:16] if small else ""}
    after: Preferences = Preferences.objects.update_or_create(user=user, defaults=kept)[0]
    record("access.picture.changed" if small else "access.picture.removed", by=user, object_type="user", object_id=str(user.pk))
    return after


@transaction.atomic
def suspend_user(*, user: User, by: User | None) -> User:
    """Close the account and end its sessions: the next request of any of them is signed out."""
    if user == by:
        msg = _("You cannot suspend yourself. Ask another operator.")
        raise Yourself(msg)
    user.is_active = False
    changed = ["is_active"]
    if people.has_column("sign_outs"):
        user.sign_outs += 1
        changed.append("sign_outs")
    user.save(update_fields=changed)
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
    """Raises AccessError for a name that is empty, too long, or another team's."""
    name = " ".join(clean(name).split())
    if not 1 <= len(name) <= NAME_LIMIT:
        raise AccessError(_("Give the team a name of at most %(limit)s characters.") % {"limit": NAME_LIMIT})
    if Team.objects.filter(name=name).exists():
        raise AccessError(_("There is a team with this name already."))
    team = Team.objects.create(name=name)
    record("access.team.created", by=by, object_type="team", object_id=str(team.pk), name=name)
    if owner:
        add_member(team=team, user=owner, role=Membership.Role.OWNER, by=by)
    return team


@transaction.atomic
def allow_personal_agents(*, team: Team, allowed: bool, by: User) -> Team:
    """Let the members of a team have copies of its agents for themselves, or close those that there are. Raises NotYourTeam."""
    if not people.is_operator(by) and not queries.managed_teams(by).filter(pk=team.pk).exists():
        raise NotYourTeam(_("Only the owners and admins of the team, and operators, decide this."))
    team.personal_agents = allowed
    team.save(update_fields=["personal_agents"])
    record("access.team.personal_agents", by=by, object_type="team", object_id=str(team.pk), allowed=allowed)
    return team


@transaction.atomic
def add_member(*, team: Team, user: User, role: str = Membership.Role.MEMBER, by: User | None, source: str = "") -> Membership:
    """``source``: the provider of sign-ins that says so. Raises AlreadyMember."""
    membership, created = Membership.objects.get_or_create(team=team, user=user, defaults={"role": role, "source": source})
    if not created:
        msg = _("%(person)s is in the team %(team)s already.") % {"person": user, "team": team}
        raise AlreadyMember(msg)
    record("access.membership.added", by=by, object_type="team", object_id=str(team.pk), user=user.pk, role=role)
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: str, by: User | None) -> Membership:
    """For owners of the team and operators. Raises NotYourTeam, LastOwner, InvalidRole, NotInTeam."""
    if not _as_it_is(membership):
        raise NotInTeam(_("They are not in the team any more."))
    if by and queries.role_of_manager(membership.team, by) != Membership.Role.OWNER:
        raise NotYourTeam(_("Only the owners of the team, and operators, change roles."))
    if role not in Membership.Role.values:
        raise InvalidRole(_("Choose one of the roles."))
    if role != Membership.Role.OWNER:
        _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    record("access.membership.changed", by=by, object_type="team", object_id=str(membership.team_id), user=membership.user_id, role=role)
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, by: User | None) -> None:
    """Oneself, or somebody else: owners anybody, admins whoever is no owner. Twice changes nothing. Raises NotYourTeam, LastOwner."""
    if not _as_it_is(membership):
        return
    if by and membership.user_id != by.pk and not queries.may_remove(queries.role_of_manager(membership.team, by), membership):
        raise NotYourTeam(_("Only the owners of the team remove owners. Its admins remove others."))
    _keep_an_owner(membership)
    membership.delete()
    record("access.membership.removed", by=by, object_type="team", object_id=str(membership.team_id), user=membership.user_id)


def _as_it_is(membership: Membership) -> bool:
    """Whether it is still there; its role is what it is by now. The team is locked: of two who change its people, the second goes by what
    the first has made of them, and of their own roles."""
    Team.objects.select_for_update(no_key=True).filter(pk=membership.team_id).values_list("pk").first()
    role = Membership.objects.filter(pk=membership.pk).values_list("role", flat=True).first()
    membership.role = role or membership.role
    return role is not None


def _keep_an_owner(membership: Membership) -> None:
    """Raise LastOwner when the team has no other owner. Its owners are locked too: for who ends memberships in other ways."""
    owners = Membership.objects.select_for_update().filter(team=membership.team_id, role=Membership.Role.OWNER)
    if [owner.pk for owner in owners] == [membership.pk]:
        msg = _("A team needs an owner. Make somebody else the owner first.")
        raise LastOwner(msg)


@transaction.atomic
def create_plan(*, name: str, description: str = "", by: User | None) -> Plan:
    plan = Plan.objects.create(name=name, description=description)
    record("access.plan.created", by=by, object_type="plan", object_id=str(plan.pk), name=name)
    return plan


class PlanFields(TypedDict):
    """What a plan is, but for the agents that it opens. A quota of None is no limit."""

    name: str
    description: str
    price_text: str
    runs_a_day: int | None
    tokens_a_month: int | None
    concurrent_runs: int | None
    files_mb: int | None


@transaction.atomic
def save_plan(*, plan: Plan | None, by: User, **fields: Unpack[PlanFields]) -> Plan:
    """Change a plan, or make one. Raises SameName."""
    if Plan.objects.filter(name=fields["name"]).exclude(pk=plan.pk if plan else 0).exists():
        raise SameName(_("There is a plan with this name already."))
    saved = plan or Plan()
    for name, value in fields.items():
        setattr(saved, name, value)
    saved.save()
    record("access.plan.changed" if plan else "access.plan.created", by=by, object_type="plan", object_id=str(saved.pk), name=saved.name)
    return saved


@transaction.atomic
def delete_plan(*, plan: Plan, by: User) -> None:
    """Raises PlanInUse while somebody has it."""
    Plan.objects.select_for_update().get(pk=plan.pk)
    if Subscription.objects.running().filter(plan=plan).exists():
        raise PlanInUse(_("Somebody has this plan. End their subscriptions first."))
    record("access.plan.deleted", by=by, object_type="plan", object_id=str(plan.pk), name=plan.name)
    plan.delete()


@transaction.atomic
def subscribe(*, user: User, plan: Plan, until: datetime | None = None, by: User | None) -> Subscription:
    """Start the user's subscription to the plan, or start it again; without ``until`` it runs until it is cancelled."""
    customer, _ = Customer.objects.get_or_create(user=user)
    subscription: Subscription
    subscription, _ = Subscription.objects.update_or_create(
        customer=customer,
        plan=plan,
        source="",
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
        object_type="user" if subscription.customer.user_id else "team",
        object_id=str(subscription.customer.user_id or subscription.customer.team_id),
        plan=subscription.plan.name,
    )
    return subscription


def create_token(*, by: User, name: str, scopes: Iterable[str], days: int = tokens.DAYS, owner: User | None = None) -> tuple[ApiToken, str]:
    """Make a token of this user's own, or of an account that nobody signs in to. Its text is returned here and kept nowhere.

    Raises InvalidToken, ``Problem`` 429.
    """
    owner = owner or by
    if owner != by and owner.has_usable_password():
        raise InvalidToken("user", _("A token would show you what is theirs: people make their tokens themselves."))
    limits.check(
        "token-create", str(by.pk), limit=app_settings.CREATIONS_A_MINUTE, seconds=60, sentence="You created many tokens in a short time."
    )
    wanted = set(scopes)
    label = " ".join(clean(name).split())
    if not 1 <= len(label) <= NAME_LIMIT:
        raise InvalidToken("name", _("Give the token a name of at most %(limit)s characters.") % {"limit": NAME_LIMIT})
    if not wanted or not wanted <= tokens.SCOPES.keys():
        raise InvalidToken("scopes", _("Choose at least one scope."))
    if not 1 <= days <= tokens.LONGEST:
        raise InvalidToken("days", _("A token can last 1 to %(days)s days.") % {"days": tokens.LONGEST})
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)  # two requests at once do not count past each other
        if ApiToken.objects.usable().filter(user=owner).count() >= TOKENS_LIMIT:
            raise InvalidToken("name", _("There are %(limit)s tokens of this account already. Revoke one first.") % {"limit": TOKENS_LIMIT})
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
