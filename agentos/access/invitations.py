"""Invitations into a team, or to the site alone: a link that one person can follow once, within a week.

Of the link's text only a digest is kept. Nothing is taken by looking at the page it leads to: programs that look through mails do that.

InvalidInvitation     what is asked of an invitation cannot be; names the field
InvitationIsOver      it was used, revoked, is too old, or is somebody else's
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import MaxLengthValidator, validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from agentos.access import actions, outbox, queries
from agentos.access.models import Invitation, Membership, Team
from agentos.access.users import User
from agentos.audit.actions import record
from agentos.conf import app_settings
from agentos.core import clock, mail, people
from agentos.core.ratelimit import limits
from agentos.core.security.invisible import visible
from agentos.core.text import shorten

LIFE = timedelta(days=7)
EMAIL_LIMIT = 254  # characters
OPEN_A_TEAM = 200
AN_HOUR = 60  # by one person
SECRET_BYTES = 32
KEY = "invitation"  # in a session: the digest of the one that was followed
CONSOLE = "django.core.mail.backends.console.EmailBackend"
NAME_SHOWN = 40  # characters of a team's name: what others chose travels in our mails

TEXT = """Hello,

{inviter} invites you to {place}, as {email}.

{link}

The link works once, until {until}. Whoever has it can use it: pass it on to nobody. If you do not know what this is about, do nothing.
"""


class InvalidInvitation(actions.AccessError):
    status = 422

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class InvitationIsOver(actions.AccessError):
    status = 410

    def __init__(self) -> None:
        super().__init__(_("This invitation does not work any more: it was used or taken back, or it is older than a week."))


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def open_invitations() -> QuerySet[Invitation]:
    return Invitation.objects.filter(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=clock.now()).select_related("team", "by")


def of_token(token: str) -> Invitation | None:
    return open_invitations().filter(digest=digest_of(token)).first()


def remember(session: Any, invitation: Invitation) -> None:
    session[KEY] = invitation.digest


def of_session(session: Any) -> Invitation | None:
    """Return the invitation that this browser has followed, as long as it works."""
    digest = session.get(KEY)
    return open_invitations().filter(digest=digest).first() if digest else None


def forget(session: Any) -> None:
    session.pop(KEY, None)


def mails_work() -> bool:
    return settings.EMAIL_BACKEND != CONSOLE


@transaction.atomic
def invite(*, email: str, team: Team | None, role: str = Membership.Role.MEMBER, by: User) -> tuple[Invitation, str]:
    """Make an invitation and mail it, where mail works. Returns it, and the link where it was not mailed, known nowhere else then.

    Without ``team`` it makes an account and nothing more. Raises InvalidInvitation, NotYourTeam, ``Problem`` 429.
    """
    if not may_invite(team, by):
        raise actions.NotYourTeam(_("Only the owners and admins of the team, and operators, invite people."))
    email = email.strip().lower()
    _check(email, team, role, by)
    limits.check(
        "invite", str(by.pk), limit=AN_HOUR, seconds=3600, sentence=_("You invited many people in a short time. Go on in an hour.")
    )
    Invitation.objects.filter(expires_at__lte=clock.now()).delete()
    open_invitations().filter(email=email, team=team).update(revoked_at=clock.now())  # the newest counts
    if team and open_invitations().filter(team=team).count() >= OPEN_A_TEAM:
        raise InvalidInvitation("email", _("There are %(limit)s open invitations already. Take some back first.") % {"limit": OPEN_A_TEAM})
    token = secrets.token_urlsafe(SECRET_BYTES)
    is_mailed = mails_work()
    invitation = Invitation.objects.create(
        email=email, team=team, role=role, by=by, digest=digest_of(token), is_mailed=is_mailed, expires_at=clock.now() + LIFE
    )
    record("access.invitation.created", by=by, object_type="invitation", object_id=str(invitation.pk), team=team and team.pk, role=role)
    if not is_mailed:
        return invitation, link_of(token)
    outbox.post(_letter(invitation, token), what="an invitation")
    return invitation, ""


def may_invite(team: Team | None, by: User) -> bool:
    """Into a team, or to the site alone."""
    return queries.manages(team, by) if team else people.is_operator(by)


def _check(email: str, team: Team | None, role: str, by: User) -> None:
    try:
        validate_email(email)
        MaxLengthValidator(EMAIL_LIMIT)(email)
    except ValidationError:
        raise InvalidInvitation("email", _("Enter an e-mail address, such as olga@example.com.")) from None
    if role not in Membership.Role.values:
        raise InvalidInvitation("role", _("Choose one of the roles."))
    if team is None:
        if User.objects.filter(**{User.get_email_field_name(): email}).exists():
            raise InvalidInvitation("email", _("There is an account with this e-mail address already."))
        return
    if role == Membership.Role.OWNER and queries.role_of_manager(team, by) != Membership.Role.OWNER:
        raise InvalidInvitation("role", _("Owners are made by owners."))
    if Membership.objects.filter(team=team, **{f"user__{User.get_email_field_name()}": email}).exists():
        raise InvalidInvitation("email", _("%(person)s is in the team %(team)s already.") % {"person": email, "team": team})


def link_of(token: str) -> str:
    return f"{mail.site()}{reverse('dashboard:invitation', args=[token])}"


def _letter(invitation: Invitation, token: str) -> EmailMessage:
    inviter = shorten(visible(people.name_of(invitation.by)), NAME_SHOWN)
    place = f"the team “{shorten(str(invitation.team), NAME_SHOWN)}” on {mail.site()}" if invitation.team else mail.site()
    until = f"{invitation.expires_at:%d %B %Y}"
    text = TEXT.format(inviter=inviter, place=place, email=invitation.email, link=link_of(token), until=until)
    return EmailMessage(f"{inviter} invites you", text, to=[invitation.email])


@transaction.atomic
def revoke(*, invitation: Invitation, by: User) -> None:
    """Take an invitation back. To do so twice changes nothing. Raises NotYourTeam."""
    if not may_invite(invitation.team, by):
        raise actions.NotYourTeam(_("Only the owners and admins of the team, and operators, take invitations back."))
    if open_invitations().filter(pk=invitation.pk).update(revoked_at=clock.now()):
        record("access.invitation.revoked", by=by, object_type="invitation", object_id=str(invitation.pk))


@transaction.atomic
def accept(*, invitation: Invitation, by: User) -> None:
    """Let this user in, once, however many ask at the same moment. Raises InvitationIsOver."""
    is_theirs = people.address_of(by).lower() == invitation.email
    if not is_theirs or not open_invitations().filter(pk=invitation.pk).update(used_at=clock.now()):
        raise InvitationIsOver
    record("access.invitation.accepted", by=by, object_type="invitation", object_id=str(invitation.pk))
    if invitation.team and not Membership.objects.filter(team=invitation.team, user=by).exists():
        actions.add_member(team=invitation.team, user=by, role=invitation.role, by=by)


def can_sign_up() -> bool:
    """Whether there is a page here on which an account is made."""
    try:
        reverse("account_signup")
    except NoReverseMatch:
        return False
    return app_settings.SIGN_UP != "closed"
