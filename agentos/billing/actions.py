"""Paying for a plan, changing it, looking after a payment; and the prices of plans, for operators.

What asks Stripe is a coroutine: the request's thread and its connection are given back, and a thread of its own waits for the answer.
"""

import asyncio
import re
import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from agentos.access.models import Customer, Plan, Team
from agentos.access.users import User
from agentos.audit.actions import record
from agentos.billing import queries, remote, waiting
from agentos.billing.models import Paid, Payer, Price
from agentos.billing.problems import CannotPay, NotAccepted
from agentos.billing.remote import Sent
from agentos.core import db, people
from agentos.core.ratelimit import limits

CHECKOUTS_A_MINUTE = 20
TRIAL_LIMIT = 730  # days, as Stripe has it
SESSION = re.compile(r"cs_\w{1,250}", re.ASCII)
PRICE = re.compile(r"price_\w{1,240}", re.ASCII)
PAID, MOMENT, CHANGED, CLOSED = "paid", "moment", "changed", "closed"


@dataclass(frozen=True, slots=True)
class Order:
    """Somebody wants a plan: for themselves, or for their team."""

    by: User
    team: Team | None
    price: Price
    buyer: queries.Buyer
    once: str


def order(*, by: User, price_pk: int, team_pk: int | None, once: str) -> Order | None:
    """Return what somebody wants to pay for; None when there is no such price or team for them. Raises CannotPay."""
    limits.check("checkout", str(by.pk), limit=CHECKOUTS_A_MINUTE, seconds=60)
    price = Price.objects.select_related("plan").filter(pk=price_pk, is_offered=True).first()
    team = queries.owned_teams(by).filter(pk=team_pk).first() if team_pk else None
    if price is None or (team_pk and team is None) or price.per_seat != (team is not None):
        return None
    buyer = queries.buyer(by, team)
    if buyer.held and buyer.held.price_id == price.stripe_id:
        raise CannotPay(_("This is paid already."))
    if buyer.is_blocked:
        raise CannotPay(_("A payment has failed or is paused. Set it right under “Payment and invoices” first."))
    return Order(by, team, price, buyer, once)


async def carry_out(*, wanted: Order, back: str, done: str, by: User) -> str:
    """Return the address where it is paid; empty when the plan was changed at once. ``back``, ``done``: where Stripe sends people to.

    Raises BillingProblem.
    """
    if wanted.buyer.held:
        await _change(wanted, wanted.buyer.held)
        return ""
    payer = await db.read(queries.payer_of, wanted.by, wanted.team) or await _make_payer(wanted)
    try:
        session = await _checkout(wanted, payer, back, done)
    except NotAccepted as refused:
        if refused.because != remote.GONE or refused.about != "customer":
            raise
        payer = await _make_payer(wanted, instead_of=payer)  # it was deleted there, or made with another key
        session = await _checkout(wanted, payer, back, done)
    return str(session["url"])


async def portal(*, payer: Payer, back: str, by: User) -> str:
    """Return the address where payments, invoices and the end of a subscription are looked after. Raises BillingProblem."""
    made = await asyncio.to_thread(remote.make_portal, {"customer": payer.stripe_id, "return_url": back})
    return str(made["url"])


async def come_back(*, session_id: str, by: User) -> str:
    """Somebody comes from Checkout: read what they have paid, without waiting for an event. Returns PAID, or MOMENT when it is not
    known yet; empty for what is nobody's here. Raises BillingProblem."""
    if not SESSION.fullmatch(session_id):
        return ""
    found = await asyncio.to_thread(remote.checkout, session_id)
    is_mine = await db.read(lambda: queries.payers_of(by).filter(stripe_id=found["customer"]).exists())
    if not is_mine:
        return ""
    if not found["subscription"]:
        return MOMENT
    await asyncio.to_thread(waiting.read_now, found["subscription"])
    paid = await db.read(lambda: Paid.objects.filter(stripe_id=found["subscription"]).first())
    return PAID if paid and paid.is_open() else MOMENT


async def add_price(*, by: User, plan: Plan, stripe_id: str, per_seat: bool, trial_days: int) -> Price:
    """Offer a plan for a price of Stripe's, whose figures are read there. Raises BillingProblem."""
    if not PRICE.fullmatch(stripe_id):
        raise CannotPay(_("The id of a price begins with price_. Stripe shows it beside the price."))
    if not 0 <= trial_days <= TRIAL_LIMIT:
        raise CannotPay(_("A trial has at most %(limit)s days.") % {"limit": TRIAL_LIMIT})
    try:
        sent = await asyncio.to_thread(remote.price, stripe_id)
    except NotAccepted as refused:
        if refused.because == remote.GONE:
            raise CannotPay(_("Stripe knows no price with this id.")) from None
        raise
    return await db.write(_keep_price, by=by, plan=plan, sent=sent, per_seat=per_seat, trial_days=trial_days)


@transaction.atomic
def offer_price(*, price: Price, offered: bool, by: User) -> None:
    """Offer a price, or do so no more: who pays it goes on."""
    price.is_offered = offered
    price.save(update_fields=["is_offered"])
    record("billing.price.offered" if offered else "billing.price.withdrawn", by=by, object_type="plan", object_id=str(price.plan_id))


@transaction.atomic
def _keep_price(*, by: User, plan: Plan, sent: Sent, per_seat: bool, trial_days: int) -> Price:
    every = sent.get("recurring")
    if not sent.get("active") or not every or sent.get("unit_amount") is None:
        raise CannotPay(_("A plan needs a price that is active, recurring, and the same for each unit."))
    try:
        with transaction.atomic():
            price = Price.objects.create(
                plan=plan,
                stripe_id=sent["id"],
                amount=sent["unit_amount"],
                currency=sent["currency"],
                interval=every["interval"],
                interval_count=every.get("interval_count") or 1,
                per_seat=per_seat,
                trial_days=trial_days,
            )
    except IntegrityError:
        raise CannotPay(_("This price is a plan's already.")) from None
    record("billing.price.added", by=by, object_type="plan", object_id=str(plan.pk), price=price.stripe_id)
    for stripe_id in Paid.objects.live().filter(price_id=price.stripe_id).values_list("stripe_id", flat=True):
        waiting.want(stripe_id)  # paid before its price was known here
    return price


async def _change(wanted: Order, held: Paid) -> None:
    """Another price for what is paid already; the difference comes with the next invoice."""
    item = {"id": held.item_id, "price": wanted.price.stripe_id, "quantity": wanted.buyer.seats}
    params = {"items": [item], "proration_behavior": "create_prorations"}
    await asyncio.to_thread(remote.change_subscription, held.stripe_id, params, once=_once(wanted, "change"))
    await asyncio.to_thread(waiting.read_now, held.stripe_id)
    await db.write(_note_change, wanted)


def _note_change(wanted: Order) -> None:
    _record("billing.plan.chosen", wanted)


async def _checkout(wanted: Order, payer: Payer, back: str, done: str) -> Sent:
    subscription: dict[str, Any] = {"metadata": {"agentos": "team" if wanted.team else "user"}}
    if wanted.price.trial_days and wanted.buyer.may_try:
        subscription["trial_period_days"] = wanted.price.trial_days
    params = {
        "mode": "subscription",
        "customer": payer.stripe_id,
        "line_items": [{"price": wanted.price.stripe_id, "quantity": wanted.buyer.seats}],
        "success_url": f"{done}?session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": back,
        "subscription_data": subscription,
    }
    return await asyncio.to_thread(remote.make_checkout, params, once=_once(wanted, payer.stripe_id))


async def _make_payer(wanted: Order, *, instead_of: Payer | None = None) -> Payer:
    address = people.address_of(wanted.by)
    name = str(wanted.team) if wanted.team else people.name_of(wanted.by)
    params = {"name": name, **({"email": address} if address else {})}
    made = await asyncio.to_thread(
        remote.make_customer, params, once=_once(wanted, f"{name} {address} {instead_of.stripe_id if instead_of else ''}")
    )
    return await db.write(_keep_payer, wanted, made["id"], instead_of)


@transaction.atomic
def _keep_payer(wanted: Order, stripe_id: str, instead_of: Payer | None) -> Payer:
    whose = {"team": wanted.team} if wanted.team else {"user": wanted.by}
    customer, _created = Customer.objects.get_or_create(**whose)
    if instead_of:
        Payer.objects.filter(pk=instead_of.pk).update(stripe_id=stripe_id)
    payer, _created = Payer.objects.get_or_create(customer=customer, defaults={"stripe_id": stripe_id})
    _record("billing.payer.created", wanted)
    return payer


def _record(verb: str, wanted: Order) -> None:
    kind, key = ("team", wanted.team.pk) if wanted.team else ("user", wanted.by.pk)
    record(verb, by=wanted.by, object_type=kind, object_id=str(key), plan=wanted.price.plan.name)


def _once(wanted: Order, what: str) -> str:
    """A doubled click is one request; two forms, and two sites with one account at Stripe, are two."""
    key = wanted.once or uuid.uuid4().hex
    said = f"{wanted.by.pk} {wanted.team.pk if wanted.team else ''} {wanted.price.pk} {wanted.buyer.seats} {key} {what}"
    return salted_hmac("agentos.billing.once", said, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
