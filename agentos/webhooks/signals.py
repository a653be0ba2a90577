"""A service identity is no person: whoever saves it, it keeps no password and no staff rights, so that nobody signs in as it."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.db.models.signals import pre_save
from django.dispatch import receiver

from agentos.access.models import User
from agentos.webhooks.models import SERVICE_DOMAIN, WebhookEndpoint


def is_service(user: User) -> bool:
    return user.email.endswith(f"@{SERVICE_DOMAIN}") or WebhookEndpoint.objects.filter(identity=user.pk).exists()


@receiver(pre_save, sender=User)
def keep_out(instance: User, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    if update_fields is not None and not update_fields & {"password", "is_staff", "is_superuser", "email"}:
        return
    if (instance.has_usable_password() or instance.is_staff or instance.is_superuser) and is_service(instance):
        instance.set_unusable_password()
        instance.is_staff = instance.is_superuser = False


@receiver(user_logged_in)
def refuse_session(user: User, request: Any, **kwargs: Any) -> None:
    """The last net, under every way of signing in that there may ever be."""
    if is_service(user):
        request.session.flush()
        raise PermissionDenied
