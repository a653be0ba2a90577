"""Prices that whoever runs the site has set, which count before those of ``prices``: for models that nobody else knows the price of, and
for those that cost here what they do not cost elsewhere.

Asked at the end of every answer, so they are remembered for some seconds. Only what is used from then on is counted by them.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP

from agentos.agents import prices
from agentos.agents.models import OwnPrice
from agentos.agents.prices import Cost, Price, Used

SECONDS = 10.0  # until a change that another process made is noticed


class _Known:
    rows: Mapping[str, OwnPrice] = {}
    until = 0.0


def price_of(model: str) -> Price | None:
    """Return what the model costs here now, or None when nobody knows."""
    own = _own(model)
    return Price(own.read, own.written) if own else prices.price_of(model)


def cost_of(model: str, used: Used, at: datetime) -> Cost | None:
    """Return what one request has cost, or None when nobody here knows."""
    own = _own(model)
    if own is None:
        return prices.cost_of(model, used, at)
    cached = min(used.cached, used.read)
    of_cached = own.read if own.cached is None else own.cached
    micro = (used.read - cached) * own.read + cached * of_cached + used.written * own.written  # dollars a million: millionths a token
    return Cost(int(micro.to_integral_value(ROUND_HALF_UP)), source="own")


def all_prices() -> list[OwnPrice]:
    return list(OwnPrice.objects.all())


def price_with_key(pk: int) -> OwnPrice | None:
    return OwnPrice.objects.filter(pk=pk).first()


def forget() -> None:
    _Known.until = 0.0


def _own(model: str) -> OwnPrice | None:
    now = time.monotonic()
    if _Known.until <= now:
        _Known.rows = {row.model: row for row in OwnPrice.objects.all()}
        _Known.until = now + SECONDS
    return _Known.rows.get(model)
