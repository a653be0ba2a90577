"""What pages say about payments: ``{% load billing %}``."""

from django import template
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agentos.agents.queries import LockedAgent
from agentos.billing import queries, remote
from agentos.billing.models import Price

register = template.Library()

WITHOUT_CENTS = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"}
WITH_THOUSANDTHS = {"bhd", "jod", "kwd", "omr", "tnd"}


@register.simple_tag
def plans_are_paid() -> bool:
    """Whether plans can be paid for here: then there is a page of them."""
    return remote.is_on()


@register.simple_tag
def plan_to_pay(card: LockedAgent) -> str:
    """Return the address of the plan that opens a locked agent; empty where none can be paid for."""
    offered = queries.offered_plans() if card.plans and remote.is_on() else frozenset()
    return next((f"{reverse('billing:plans')}#plan-{plan}" for plan in card.plans if plan in offered), "")


@register.filter
def money(price: Price) -> str:
    """Return the amount of a price: ``9.00 EUR``."""
    places = 0 if price.currency in WITHOUT_CENTS else 3 if price.currency in WITH_THOUSANDTHS else 2
    return f"{price.amount / 10**places:,.{places}f} {price.currency.upper()}"


@register.filter
def period(price: Price) -> str:
    """Return how often it is paid: ``a month``, ``every 3 months``."""
    number = price.interval_count
    sentences = {
        "day": ngettext("a day", "every %(number)s days", number),
        "week": ngettext("a week", "every %(number)s weeks", number),
        "month": ngettext("a month", "every %(number)s months", number),
        "year": ngettext("a year", "every %(number)s years", number),
    }
    return sentences.get(price.interval, _("each period")) % {"number": number}
