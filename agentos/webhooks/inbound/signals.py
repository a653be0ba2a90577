"""A service identity is no person: whoever saves it, it keeps no password and no staff rights, so that nobody signs in as it."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.db.models.signals import pre_save
from django.dispatch import receiver

from agentos.access.users import User
from agentos.core.people import address_columns, address_of
from agentos.webhooks.inbound.models import SERVICE_DOMAIN, WebhookEndpoint

POWERS = ("is_staff", "is_superuser")


def is_service(user: User) -> bool:
    is_named = any(text.endswith(f"@{SERVICE_DOMAIN}") for text in (address_of(user), user.get_username()))
    return is_named or WebhookEndpoint.objects.filter(identity=user.pk).exists()


@receiver(pre_save, sender=User)
def keep_out(instance: User, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    if update_fields is not None and not update_fields & {"password", *POWERS, *address_columns()}:
        return
    powers = [name for name in POWERS if getattr(instance, name, False)]
    if (instance.has_usable_password() or powers) and is_service(instance):
        instance.set_unusable_password()
        for name in powers:
            setattr(instance, name, False)


@receiver(user_logged_in)
def refuse_session(user: User, request: Any, **kwargs: Any) -> None:
    """The last net, under every way of signing in that there may ever be."""
    if is_service(user):
        request.session.flush()
        raise PermissionDenied
