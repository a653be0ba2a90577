"""What a model can, in words: for the form of a draft, the settings, and the command. The same words in each place."""

from dataclasses import replace
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from agentos.agents.abilities import Abilities, abilities_of
from agentos.agents.own_prices import price_of
from agentos.agents.prices import Price
from agentos.agents.providers import PROVIDERS, SCRIPTED, split


def told(model: str) -> tuple[str, ...]:
    """Return what is known of a model, a few words each, and at last what is not. May take a moment (``prices``)."""
    provider = PROVIDERS.get(split(model)[0])
    if provider is None:
        return ()
    return in_words(known_of(model), formats=provider.formats, gaps=provider is not SCRIPTED)


def known_of(model: str) -> Abilities:
    """Return what it can, with what it costs here."""
    return replace(abilities_of(model), price=price_of(model))


def in_words(able: Abilities, *, formats: bool = False, gaps: bool = True) -> tuple[str, ...]:
    """``gaps``: say what is not known, too."""
    can = (
        (able.sees, _("Sees pictures"), _("pictures")),
        (able.hears, _("Hears audio"), _("audio")),
        (able.reads_pdf, _("Reads PDF"), ""),
        (able.thinks, _("Thinks"), _("thinking")),
    )
    found = [words for is_able, words, _name in can if is_able]
    found.append(_("Uses tools") if able.tools else _("No tools"))
    if formats:
        found.append(_("Structured answers"))
    if able.context:
        found.append(_("Reads %(count)s tokens at once") % {"count": number_format(able.context, force_grouping=True)})
    if able.price:
        found.append(price_in_words(able.price))
    unknown = [name for is_able, _words, name in can if is_able is None]
    unknown += [name for value, name in ((able.context, _("length")), (able.price, _("price"))) if value is None]
    if unknown and gaps:
        found.append(_("Not known: %(names)s") % {"names": ", ".join(unknown)})
    return tuple(found)


def price_in_words(price: Price) -> str:
    if not price.read and not price.written and price.read is not None:
        return _("Costs nothing")
    words = {"read": dollars(price.read), "written": dollars(price.written)}
    if price.varies:
        return _("A million tokens: from %(read)s read, %(written)s written") % words
    return _("A million tokens: %(read)s read, %(written)s written") % words


def dollars(amount: Decimal | None) -> str:
    """In dollars, with two digits after the point, or those that there are of a fraction of a cent."""
    if amount is None:
        return "?"
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"${number_format(amount, decimal_pos=places)}"
