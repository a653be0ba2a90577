"""What models cost, and how much they read at once, as the package ``genai-prices`` has it: data in its wheel, no network.

The package takes a quarter of a second to import, so nothing that serves a person waits for it on the event loop: ``warm`` does it in the
thread that builds a model, and ``context_if_known`` never imports.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.utils.formats import number_format

from agentos.agents.providers import LOCAL, SCRIPTED, split
from agentos.core import clock

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

USD = "USD"
MICRO = 1_000_000
KNOWN_MODELS = 1000

# Our slug, and the package's. A provider that is not in here has no price that is known.
_IDS: Mapping[str, str] = {
    **dict.fromkeys(("openai", "openai-chat", "openai-responses"), "openai"),
    **dict.fromkeys(("azure-openai", "azure-openai-responses", "azure-ai-foundry", "azure-foundry-claude"), "azure"),
    **dict.fromkeys(("aws-bedrock", "aws-claude"), "aws"),
    **dict.fromkeys(("google", "google-interactions", "vertexai-claude"), "google"),
    **dict.fromkeys(("openrouter", "openrouter-responses"), "openrouter"),
    **dict.fromkeys(("cerebras", "cerebras-openai"), "cerebras"),
    **dict.fromkeys(("meta", "llama-openai"), "meta"),
    **dict.fromkeys(("xai", "xai-responses"), "x-ai"),
    **{slug: slug for slug in ("anthropic", "cloudflare", "cohere", "deepseek", "fireworks", "groq", "minimax", "mistral", "perplexity")},
    "moonshot": "moonshotai",
    "together": "together",
}
# Nothing is paid for these: they run on machines of whoever runs the site, or not at all.
_FREE = frozenset({LOCAL.slug, SCRIPTED.slug, "ollama", "ollama-responses"})


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens, in dollars. ``None`` where it is not known. ``varies``: by the time of day or the length of a request."""

    read: Decimal | None
    written: Decimal | None
    varies: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """``micro``: millionths of the currency. ``source``: ``provider`` (it said so itself), ``list`` (by its price list), ``free``,
    ``own`` (agents/own_prices.py)."""

    micro: int
    currency: str = USD
    source: str = "list"


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens of one request. ``read`` has those that were cached in it, ``written`` those of reasoning. ``told``: the provider's own
    figure, in dollars."""

    read: int
    written: int
    cached: int = 0
    cached_anew: int = 0
    told: Decimal | None = None


FREE = Cost(0, source="free")


def price_of(model: str) -> Price | None:
    """Return what the model costs now, or None when nobody here knows."""
    if is_free(model):
        return Price(Decimal(0), Decimal(0))
    found = _found(model)
    if found is None:
        return None
    prices = found[0].get_prices(clock.now())
    (read, first), (written, second) = _per_million(getattr(prices, "input_mtok", None)), _per_million(getattr(prices, "output_mtok", None))
    if read is None and written is None:
        return None
    return Price(read, written, varies=first or second or isinstance(found[0].prices, list))


def cost_of(model: str, used: Used, at: datetime) -> Cost | None:
    """Return what one request has cost, or None when nobody here knows: never nothing for what is not known."""
    if used.told is not None:
        return Cost(_micro(used.told), source="provider")
    if is_free(model):
        return FREE
    found = _found(model) if used.read or used.written else None
    if found is None:
        return None
    info, provider = found
    from genai_prices import Usage  # noqa: PLC0415 - see above

    usage = Usage(
        input_tokens=used.read,
        output_tokens=used.written,
        cache_read_tokens=min(used.cached, used.read),
        cache_write_tokens=min(used.cached_anew, max(0, used.read - used.cached)),
    )
    try:
        return Cost(_micro(info.calc_price(usage, provider, genai_request_timestamp=at).total_price))
    except (LookupError, ValueError, ArithmeticError):  # what its tables have no rule for
        return None


def in_all(costs: Iterable[Cost | None]) -> Cost | None:
    """Return what several requests have cost together: not known as soon as one of them is not, and without any."""
    found = list(costs)
    known = [cost for cost in found if cost is not None]
    if not known or len(known) < len(found):
        return None
    sources = {cost.source for cost in known}
    source = next(source for source in ("list", "provider", "free") if source in sources)
    return Cost(sum(cost.micro for cost in known), known[0].currency, source)


def in_words(micro: int, currency: str) -> str:
    """Return an amount as people read it: in cents from a dollar on, with two digits of what is less."""
    amount = Decimal(micro) / MICRO
    digits = min(6, max(2, 1 - amount.adjusted())) if amount else 2
    written = number_format(round(amount, digits), decimal_pos=digits, force_grouping=True)
    return f"${written}" if currency == USD else f"{written} {currency}"


def context_of(model: str) -> int | None:
    """Return how many tokens the model reads at once."""
    found = _found(model)
    return found[0].context_window if found else None


def context_if_known(model: str) -> int | None:
    """The same from memory alone: None, too, for a model that nobody has looked up yet."""
    return _CONTEXTS.get(model)


def warm(model: str) -> None:
    """Look a model up, which later costs nothing. Takes a quarter of a second the first time in a process."""
    if context := context_of(model):
        _CONTEXTS[model] = context


def is_free(model: str) -> bool:
    slug, model_id = split(model)
    return slug in _FREE and not model_id.endswith(("-cloud", ":cloud"))  # which Ollama passes on to a service of its makers


_CONTEXTS: dict[str, int] = {}


@lru_cache(maxsize=KNOWN_MODELS)
def _found(model: str) -> "tuple[ModelInfo, Provider] | None":
    """Asked of the package once: who looks for a name that it does not know goes through all that it has."""
    slug, model_id = split(model)
    if slug not in _IDS or not model_id:
        return None
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    try:
        provider, info = get_snapshot().find_provider_model(model_id, None, _IDS[slug], None)
    except LookupError:
        return None
    return info, provider


def _per_million(price: Any) -> tuple[Decimal | None, bool]:
    """Return a price, and whether it is only that of short requests."""
    base = getattr(price, "base", None)
    return (Decimal(base), True) if base is not None else (None if price is None else Decimal(price), False)


def _micro(amount: Decimal) -> int:
    return int((amount * MICRO).to_integral_value(ROUND_HALF_UP))
