"""Stripe's API: the only place that imports its package, at the first request, and only where there is a key.

Each call waits for an answer, so it is made in a thread that nobody else waits for. Raises Away and NotAccepted.
"""

import logging
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from agentos.billing.problems import Away, NotAccepted
from agentos.conf import app_settings
from agentos.core.repeated import warn

log = logging.getLogger(__name__)

CONNECT, ANSWER = 5, 15  # seconds
RETRIES = 1
GONE = "resource_missing"
Sent = dict[str, Any]


class BadSignature(Exception):
    """An event that Stripe has not signed, or long ago."""


def is_on() -> bool:
    return bool(app_settings.STRIPE_KEY)


def event_of(body: bytes, signature: str) -> Sent:
    """Return what a signed event says. Raises BadSignature."""
    stripe = import_module("stripe")
    try:
        found: Sent = _client().construct_event(body, signature, app_settings.STRIPE_WEBHOOK_SECRET).to_dict()
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise BadSignature from error
    return found


def subscription(stripe_id: str) -> Sent:
    return _asked(lambda v1: v1.subscriptions.retrieve(stripe_id))


def change_subscription(stripe_id: str, params: Sent, *, once: str) -> Sent:
    return _asked(lambda v1: v1.subscriptions.update(stripe_id, params=params, options={"idempotency_key": once}))


def end_subscription(stripe_id: str) -> Sent:
    return _asked(lambda v1: v1.subscriptions.cancel(stripe_id))


def subscriptions() -> Iterator[Sent]:
    """Yield all that have not ended."""
    page = _page({"limit": 100})
    yield from page["data"]
    while page["has_more"]:
        page = _page({"limit": 100, "starting_after": page["data"][-1]["id"]})
        yield from page["data"]


def _page(params: Sent) -> Sent:
    return _asked(lambda v1: v1.subscriptions.list(params=params))


def price(stripe_id: str) -> Sent:
    return _asked(lambda v1: v1.prices.retrieve(stripe_id))


def make_customer(params: Sent, *, once: str) -> Sent:
    return _asked(lambda v1: v1.customers.create(params=params, options={"idempotency_key": once}))


def make_checkout(params: Sent, *, once: str) -> Sent:
    return _asked(lambda v1: v1.checkout.sessions.create(params=params, options={"idempotency_key": once}))


def checkout(stripe_id: str) -> Sent:
    return _asked(lambda v1: v1.checkout.sessions.retrieve(stripe_id))


def make_portal(params: Sent) -> Sent:
    return _asked(lambda v1: v1.billing_portal.sessions.create(params=params))


def _asked(ask: Callable[[Any], Any]) -> Sent:
    stripe = import_module("stripe")
    try:
        found: Sent = ask(_client().v1).to_dict()
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        warn("stripe", "Stripe does not answer: %s", type(error).__name__)
        raise Away from error
    except stripe.StripeError as error:
        if (error.http_status or 500) >= 500:  # noqa: PLR2004 - the server's own fault
            warn("stripe", "Stripe answers with %s.", error.http_status)
            raise Away from error
        log.error("Stripe refused a request (%s, %s): %s", error.http_status, error.code, error.user_message)  # noqa: TRY400
        raise NotAccepted(error.code or "", getattr(error, "param", None) or "") from error
    return found


def _client() -> Any:
    return _made(app_settings.STRIPE_KEY, app_settings.STRIPE_URL)


@cache
def _made(key: str, url: str) -> Any:
    stripe = import_module("stripe")
    return stripe.StripeClient(
        key,
        base_addresses={"api": url.rstrip("/")} if url else {},
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=(CONNECT, ANSWER)),
    )
