"""Counts the version of everybody's rights up whenever something that decides them changes, whoever changed it.

Actions, the admin and a shell all save through these models. ``QuerySet.update`` and ``bulk_create`` send no signal: who uses them
on these models calls ``rights.changed()`` in the same transaction.
"""

from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from agentos.access import rights
from agentos.access.models import Customer, Membership, Plan, Subscription, Team
from agentos.access.users import User

HOLDINGS: tuple[type[Model], ...] = (Team, Membership, Plan, Customer, Subscription)


@receiver(post_delete, sender=User)
def count_up(sender: type[Model], **kwargs: Any) -> None:
    rights.changed()


for model in HOLDINGS:
    post_save.connect(count_up, sender=model)
    post_delete.connect(count_up, sender=model)


@receiver(post_save, sender=User)
def user_saved(*, created: bool, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    """Count up unless the save cannot matter: a new user holds nothing yet, and a sign-in only writes its own time."""
    if not created and (update_fields is None or "is_active" in update_fields):
        rights.changed()
