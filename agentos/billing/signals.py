"""What changes here and has to be told to Stripe: who is in a team that pays by seats, and payers who are deleted."""

from typing import Any

from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver

from agentos.access.models import Membership
from agentos.billing import queries, remote, waiting
from agentos.billing.models import Paid, Price


@receiver(post_save, sender=Membership)
@receiver(post_delete, sender=Membership)
def seats_changed(*, instance: Membership, **_kwargs: Any) -> None:
    if remote.is_on():
        for stripe_id in Paid.objects.seated().filter(payer__customer__team=instance.team_id).values_list("stripe_id", flat=True):
            waiting.want(stripe_id)


@receiver(post_save, sender=Price)
@receiver(post_delete, sender=Price)
def prices_changed(**_kwargs: Any) -> None:
    queries.forget_offered()


@receiver(pre_delete, sender=Paid)
def payer_is_deleted(*, instance: Paid, **_kwargs: Any) -> None:
    """Nobody is to go on paying for an account that is not there."""
    if instance.status in Paid.LIVE:
        waiting.want(instance.stripe_id, to_end=True)
