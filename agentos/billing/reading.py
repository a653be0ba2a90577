"""Reading a subscription at Stripe, and writing what it says. Nothing else opens or closes what is paid for.

An event only says that there is something to read: so it does not matter in which order events come, how often, and whether all do.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from agentos.access.models import Membership, Subscription
from agentos.audit.actions import record
from agentos.billing import remote
from agentos.billing.models import SOURCE, Paid, Payer, Price
from agentos.billing.remote import Sent
from agentos.core import clock
from agentos.core.repeated import warn

GRACE = timedelta(days=7)  # for who has not paid in time; and for what Stripe has not told us in time
LAST_HOURS = timedelta(hours=36)  # of a period: seats that nobody has are given back then. More than a day: it is looked at once a day.


@dataclass(frozen=True, slots=True)
class Said:
    """What Stripe says of a subscription, as far as we ask."""

    stripe_id: str
    payer: str
    status: str
    price: str
    item: str
    quantity: int
    period_end: datetime | None
    ends_at: datetime | None
    trial_end: datetime | None
    created_at: datetime


def said_by(sent: Sent) -> Said:
    """Read an answer. Since 2025 the period is the item's; a subscription of ours has one item."""
    item = sent["items"]["data"][0]
    period_end = _time(item.get("current_period_end"))
    return Said(
        stripe_id=sent["id"],
        payer=sent["customer"] if isinstance(sent["customer"], str) else sent["customer"]["id"],
        status=sent["status"],
        price=item["price"]["id"],
        item=item["id"],
        quantity=item.get("quantity") or 1,
        period_end=period_end,
        ends_at=_time(sent.get("cancel_at")) or (period_end if sent.get("cancel_at_period_end") else None),
        trial_end=_time(sent.get("trial_end")),
        created_at=_time(sent["created"]) or clock.now(),
    )


def read(stripe_id: str) -> Paid | None:
    """Read a subscription afresh and write what it says; then let its seats follow the team. Returns None for one of nobody here.

    Raises Away and NotAccepted. It waits for Stripe: not in a transaction, not on the loop.
    """
    paid = write(said_by(remote.subscription(stripe_id)))
    if paid and (change := seats_to_change(paid)):
        once = f"seats-{paid.stripe_id}-{paid.quantity}-{change['items'][0]['quantity']}-{int(paid.read_at.timestamp()) // 60}"
        paid = write(said_by(remote.change_subscription(stripe_id, change, once=once)))
    return paid


@transaction.atomic
def write(said: Said) -> Paid | None:
    payer = Payer.objects.select_for_update().filter(stripe_id=said.payer).select_related("customer").first()
    if payer is None:
        warn("nobody's subscription", "The subscription %s at Stripe is of a customer that nobody here is.", said.stripe_id)
        return None
    before = Paid.objects.filter(stripe_id=said.stripe_id).first()
    price = Price.objects.filter(stripe_id=said.price).first()
    if price is None:
        warn("unknown price", "The subscription %s at Stripe has a price that is no plan's here: %s.", said.stripe_id, said.price)
    past_due_since = (before and before.past_due_since) or clock.now() if said.status == Paid.Status.PAST_DUE else None
    paid: Paid
    paid, _ = Paid.objects.update_or_create(
        stripe_id=said.stripe_id,
        defaults={
            "payer": payer,
            "status": said.status,
            "plan_id": price.plan_id if price else None,
            "price_id": said.price,
            "item_id": said.item,
            "quantity": said.quantity,
            "period_end": said.period_end,
            "ends_at": said.ends_at,
            "trial_end": said.trial_end,
            "past_due_since": past_due_since,
            "opens_until": _opens_until(said, past_due_since),
            "created_at": said.created_at,
            "read_at": clock.now(),
        },
    )
    if before is None or (before.status, before.plan_id, before.quantity) != (paid.status, paid.plan_id, paid.quantity):
        _record("billing.subscription.changed", payer, subscription=paid.stripe_id, status=paid.status, seats=paid.quantity)
    settle(payer)
    return paid


def settle(payer: Payer) -> None:
    """Open what the payer's subscriptions pay for, and close what they do not. In the caller's transaction."""
    paid = Paid.objects.filter(payer=payer, plan__isnull=False, opens_until__isnull=False).order_by("opens_until")
    wanted = dict(paid.values_list("plan", "opens_until"))  # of several for a plan the one that is open longest
    held = {one.plan_id: one for one in Subscription.objects.filter(customer=payer.customer_id, source=SOURCE).select_related("plan")}
    for plan_id, until in wanted.items():
        one = held.pop(plan_id, None) or Subscription(customer_id=payer.customer_id, plan_id=plan_id, source=SOURCE)
        _set(one, payer, Subscription.Status.ACTIVE, until)
    for one in held.values():
        _set(one, payer, Subscription.Status.CANCELED, one.current_period_end)


def differs(sent: Sent) -> bool:
    """Whether an answer says something else than what was last written of it. One of nobody here does not."""
    said = said_by(sent)
    paid = Paid.objects.filter(stripe_id=said.stripe_id).first()
    if paid is None:
        return Payer.objects.filter(stripe_id=said.payer).exists()
    price = Price.objects.filter(stripe_id=said.price).first()
    known = (paid.status, paid.price_id, paid.quantity, paid.period_end, paid.ends_at, paid.trial_end, paid.plan_id)
    told = (said.status, said.price, said.quantity, said.period_end, said.ends_at, said.trial_end, price.plan_id if price else None)
    return known != told or seats_to_change(paid) is not None


def seats_of(payer: Payer) -> int:
    """How many people a payer pays for."""
    if payer.customer.team_id is None:
        return 1
    return max(1, Membership.objects.filter(team=payer.customer.team_id, user__is_active=True).count())


def seats_to_change(paid: Paid) -> Sent | None:
    """Return what Stripe has to be told so that there is a seat for everybody in the team; None when it is right.

    One more is paid from now on, for the rest of the period. One less is given back at the end of the period: until then it is paid, and
    whoever comes takes it.
    """
    price = Price.objects.filter(stripe_id=paid.price_id).first()
    if price is None or not price.per_seat or paid.status not in Paid.SEATED:
        return None
    seats = seats_of(paid.payer)
    is_last = paid.period_end is not None and paid.period_end - clock.now() < LAST_HOURS
    if seats == paid.quantity or (seats < paid.quantity and not is_last):
        return None
    proration = "create_prorations" if seats > paid.quantity else "none"
    return {"items": [{"id": paid.item_id, "quantity": seats}], "proration_behavior": proration}


def _opens_until(said: Said, past_due_since: datetime | None) -> datetime | None:
    if said.status in {Paid.Status.ACTIVE, Paid.Status.TRIALING}:
        return said.ends_at or (said.period_end or clock.now()) + GRACE
    if past_due_since:
        until = past_due_since + GRACE
        return min(until, said.ends_at) if said.ends_at else until
    return None


def _set(one: Subscription, payer: Payer, status: str, until: datetime | None) -> None:
    if one.pk and (one.status, one.current_period_end) == (status, until):
        return
    was_open = bool(one.pk) and one.status == Subscription.Status.ACTIVE
    one.status, one.current_period_end = status, until
    one.save()
    if was_open != (status == Subscription.Status.ACTIVE):
        _record("billing.plan.closed" if was_open else "billing.plan.opened", payer, plan=one.plan.name)


def _record(verb: str, payer: Payer, **data: Any) -> None:
    customer = payer.customer
    kind, key = ("user", customer.user_id) if customer.user_id else ("team", customer.team_id)
    record(verb, by=None, object_type=kind, object_id=str(key), **data)


def _time(stamp: int | None) -> datetime | None:
    return datetime.fromtimestamp(stamp, UTC) if stamp else None
