"""A Stripe of ours for each test, and who pays there."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentos.access.models import Customer, Plan, Team, User
from agentos.billing import waiting
from agentos.billing.models import Payer, Price
from tests.billing.fake import KEY, SECRET, Fake, served, signed


@pytest.fixture
def stripe(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """What is due is read when a test says so, and not by a thread."""
    monkeypatch.setattr(waiting, "wake", lambda: None)
    with served() as fake:
        settings.AGENTOS_STRIPE_KEY, settings.AGENTOS_STRIPE_WEBHOOK_SECRET, settings.AGENTOS_STRIPE_URL = KEY, SECRET, fake.url
        yield fake


@pytest.fixture
def price(stripe: Fake, pro: Plan) -> Price:
    """Of the plan Pro, for one person."""
    return Price.objects.create(plan=pro, stripe_id=stripe.price(900), amount=900, currency="eur", interval="month")


@pytest.fixture
def seats(stripe: Fake) -> Price:
    """Of the plan Crew, for each person of a team."""
    plan = Plan.objects.create(name="Crew")
    return Price.objects.create(plan=plan, stripe_id=stripe.price(500), amount=500, currency="eur", interval="month", per_seat=True)


def payer_of(stripe: Fake, *, user: User | None = None, team: Team | None = None) -> Payer:
    customer, _ = Customer.objects.get_or_create(user=user, team=team)
    return Payer.objects.create(customer=customer, stripe_id=stripe._add("customer")["id"])


def deliver(event: dict[str, Any], **how: Any) -> Any:
    body, mark = signed(event, **how)
    return Client().post(reverse("billing:events"), body, content_type="application/json", headers={"Stripe-Signature": mark})


def told(stripe: Fake) -> None:
    """All that happened there comes here, in its order, and is read."""
    for event in stripe.events:
        assert deliver(event).status_code == 200
    stripe.events.clear()
    waiting.read_due()
