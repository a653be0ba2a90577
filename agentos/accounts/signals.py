"""What happens with accounts, wherever it is done: one address for each user, one row for each sign-in, audit records."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import (
    email_added,
    email_changed,
    email_removed,
    password_changed,
    password_reset,
    password_set,
    user_signed_up,
)
from allauth.account.signals import user_logged_in as signed_in_by_allauth
from allauth.mfa.signals import authenticator_added, authenticator_removed
from allauth.socialaccount.signals import social_account_added, social_account_removed
from allauth.usersessions import signals as theirs
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from agentos.access.users import User
from agentos.accounts import sessions, welcoming
from agentos.audit.actions import record

signed_in_by_allauth.disconnect(theirs.on_user_logged_in)  # it looks at every old session by itself: 74 queries with 17 of them
password_changed.disconnect(theirs.on_password_changed)
password_set.disconnect(theirs.on_password_changed)

HOURS = 12  # that a sign-in by a provider lasts

VERBS = {
    password_changed: "access.password.changed",
    password_set: "access.password.set",
    password_reset: "access.password.reset",
    email_added: "access.address.added",
    email_changed: "access.address.changed",
    email_removed: "access.address.removed",
    authenticator_added: "access.factor.added",
    authenticator_removed: "access.factor.removed",
    user_signed_up: "access.user.signed_up",
}


@receiver(post_save, sender=User)
def keep_address(instance: Any, *, created: bool, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    """Whoever makes an account for somebody vouches for the address: it counts as verified, and is the primary one."""
    if getattr(instance, "has_addresses", False) or not instance.email:
        return
    if created:
        EmailAddress.objects.create(user=instance, email=instance.email.lower(), verified=True, primary=True)
    elif update_fields is None or "email" in update_fields:
        EmailAddress.objects.filter(user=instance, primary=True).exclude(email=instance.email.lower()).update(
            email=instance.email.lower(), verified=True
        )


@receiver(user_logged_in)
def keep_session(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    if request is not None and hasattr(request, "session") and request.META.get("REMOTE_ADDR"):
        sessions.note(request, user)


@receiver(signed_in_by_allauth)
def end_sooner(request: HttpRequest, sociallogin: Any = None, **kwargs: Any) -> None:
    """Whoever was let in by a provider is looked at by it again before long: they may have left."""
    if sociallogin is not None:
        request.session.set_expiry(HOURS * 3600)


@receiver([password_changed, password_set])
def keep_session_with_new_password(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    sessions.note(request, user)


def keep_record(signal: Any, user: Any, **kwargs: Any) -> None:
    record(VERBS[signal], by=user, object_type="user", object_id=str(user.pk))


for signal in VERBS:
    signal.connect(keep_record)


@receiver(social_account_added)
def keep_record_of_connecting(request: HttpRequest, sociallogin: Any, **kwargs: Any) -> None:
    provider = sociallogin.account.provider
    record("access.provider.connected", by=sociallogin.user, object_type="user", object_id=str(sociallogin.user.pk), provider=provider)


@receiver(social_account_removed)
def keep_record_of_disconnecting(request: HttpRequest, socialaccount: Any, **kwargs: Any) -> None:
    user = socialaccount.user
    record("access.provider.disconnected", by=user, object_type="user", object_id=str(user.pk), provider=socialaccount.provider)


@receiver(user_signed_up)
def join_by_invitation(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    welcoming.take_invitation(request, user)
