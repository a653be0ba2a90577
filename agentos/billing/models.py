"""What is paid: prices of plans, who pays, their subscriptions as Stripe last told of them, and what has to be read there.

What a payment opens is an ``access.Subscription`` with the source ``SOURCE``, which ``billing.reading`` alone writes.
"""

from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from agentos.access.models import Customer, Plan
from agentos.core import clock

SOURCE = "stripe"
ID = 255  # characters, as Stripe has it


class Price(models.Model):
    """What a plan costs: a price of Stripe's. The figures are Stripe's own, read when it was added."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="prices")
    stripe_id = models.CharField("Stripe's id", max_length=ID, unique=True, help_text="It begins with price_.")
    amount = models.PositiveBigIntegerField(help_text="In the smallest unit of the currency.")
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=5)
    interval_count = models.PositiveSmallIntegerField(default=1)
    per_seat = models.BooleanField(default=False, help_text="For teams: paid for each person in it.")
    trial_days = models.PositiveSmallIntegerField(default=0, help_text="Free days before the first payment, once for each customer.")
    is_offered = models.BooleanField(default=True, help_text="Off: nobody new; who has it keeps it.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("plan", "amount", "pk")

    def __str__(self) -> str:
        return self.stripe_id


class Payer(models.Model):
    """A user or a team as Stripe knows them."""

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, related_name="payer")
    stripe_id = models.CharField("Stripe's id", max_length=ID, unique=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return str(self.customer)


class PaidQuerySet(models.QuerySet["Paid"]):
    def live(self) -> "PaidQuerySet":
        """Those that Stripe still works on: they are paid, or are to be."""
        return self.filter(status__in=Paid.LIVE)

    def seated(self) -> "PaidQuerySet":
        """Those whose seats are to follow a team."""
        return self.filter(status__in=Paid.SEATED)


class Paid(models.Model):
    """A subscription, as Stripe said when it was last read."""

    class Status(models.TextChoices):
        INCOMPLETE = "incomplete", "Waits for the first payment"
        INCOMPLETE_EXPIRED = "incomplete_expired", "Was never paid"
        TRIALING = "trialing", "Free trial"
        ACTIVE = "active", "Paid"
        PAST_DUE = "past_due", "Payment failed"
        UNPAID = "unpaid", "Not paid"
        PAUSED = "paused", "Paused"
        CANCELED = "canceled", "Ended"

    LIVE = (Status.INCOMPLETE, Status.TRIALING, Status.ACTIVE, Status.PAST_DUE, Status.UNPAID, Status.PAUSED)
    SEATED = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE)

    payer = models.ForeignKey(Payer, on_delete=models.CASCADE, related_name="subscriptions")
    stripe_id = models.CharField("Stripe's id", max_length=ID, unique=True)
    status = models.CharField(max_length=20, choices=Status.choices)
    plan = models.ForeignKey(
        Plan, null=True, on_delete=models.SET_NULL, related_name="paid", help_text="None: its price is no plan's here."
    )
    price_id = models.CharField("Stripe's price", max_length=ID)
    item_id = models.CharField(max_length=ID)
    quantity = models.PositiveIntegerField(default=1)
    period_end = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True, help_text="When it ends because somebody cancelled it.")
    trial_end = models.DateTimeField(null=True)
    past_due_since = models.DateTimeField(null=True)
    opens_until = models.DateTimeField(null=True, help_text="Its plan is open until then, unless Stripe says more. None: it is closed.")
    created_at = models.DateTimeField(help_text="At Stripe.")
    read_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[Any] = PaidQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = "paid subscription"

    def __str__(self) -> str:
        return self.stripe_id

    def is_open(self, at: datetime | None = None) -> bool:
        return self.opens_until is not None and self.opens_until > (at or clock.now())


class Event(models.Model):
    """An event that Stripe has told of, so that one told twice is known."""

    stripe_id = models.CharField("Stripe's id", max_length=ID, unique=True)
    kind = models.CharField(max_length=100)
    subscription = models.CharField(max_length=ID, blank=True)
    received_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        ordering = ("-received_at", "-pk")

    def __str__(self) -> str:
        return f"{self.kind} ({self.stripe_id})"


class Reading(models.Model):
    """A subscription that has to be read at Stripe, or ended there."""

    stripe_id = models.CharField("Stripe's id", max_length=ID, unique=True)
    is_to_end = models.BooleanField(default=False, help_text="Whoever paid it is deleted here.")
    stamp = models.PositiveIntegerField(
        default=0, help_text="Counted up by each one who wants it, so that none is lost who comes meanwhile."
    )
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=clock.now, db_index=True)
    taken_until = models.DateTimeField(null=True, help_text="Somebody reads it now.")

    class Meta:
        ordering = ("due_at",)

    def __str__(self) -> str:
        return self.stripe_id


class Comparison(models.Model):
    """One row: when everything was last compared with Stripe, and what was found."""

    done_at = models.DateTimeField(null=True, help_text="Empty until it was done once.")
    has_failed = models.BooleanField(default=False, help_text="The last time that it was tried.")
    next_at = models.DateTimeField(help_text="When it is due again.")
    compared = models.PositiveIntegerField(default=0)
    different = models.PositiveIntegerField(default=0)
    foreign = models.PositiveIntegerField(default=0, help_text="Subscriptions at Stripe of customers that nobody here is.")

    def __str__(self) -> str:
        return f"{self.done_at:%Y-%m-%d %H:%M}" if self.done_at else "never"
