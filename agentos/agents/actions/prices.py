"""Prices of models that the site's operators set."""

from decimal import Decimal

from django.db import transaction

from agentos.access.users import User
from agentos.agents import own_prices
from agentos.agents.models import OwnPrice
from agentos.audit.actions import record
from agentos.core import clock


@transaction.atomic
def set_price(*, model: str, read: Decimal, written: Decimal, cached: Decimal | None = None, by: User | None) -> OwnPrice:
    """Say what a model costs from now on, in dollars for a million tokens; what was counted before stays. ``cached``: None: like what is
    read otherwise."""
    numbers = {"read": read, "written": written, "cached": cached}
    price, _is_new = OwnPrice.objects.update_or_create(model=model, defaults={**numbers, "updated_at": clock.now()})
    record("agents.price.set", by=by, object_type="price", object_id=model, **{name: str(number) for name, number in numbers.items()})
    transaction.on_commit(own_prices.forget)
    return price


@transaction.atomic
def delete_price(*, price: OwnPrice, by: User | None) -> None:
    """Let the model cost what it costs elsewhere."""
    record("agents.price.deleted", by=by, object_type="price", object_id=price.model)
    price.delete()
    transaction.on_commit(own_prices.forget)
