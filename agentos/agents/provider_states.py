"""The providers of models as whoever runs the site sees them: which can be used, and what is missing to use the others. Asks no server."""

from dataclasses import dataclass

from agentos.agents.efforts import TABLE
from agentos.agents.model_cards import told
from agentos.agents.models import DjangoAgent
from agentos.agents.providers import CODE, LOCAL, PROVIDERS, SCRIPTED, Provider, objections, split

STAND_IN = {LOCAL.slug: "smollm2", SCRIPTED.slug: "echo"}  # models by which these are looked at


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model that is suggested. ``able``: what it can, and what it costs, a few words each."""

    model: str
    able: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderState:
    """``missing``: each a sentence that says what to do. ``agents``: how many active ones have it for their own model."""

    slug: str
    label: str
    missing: tuple[str, ...]
    models: tuple[ModelState, ...]
    able: tuple[str, ...]
    agents: int

    @property
    def is_ready(self) -> bool:
        return not self.missing


def provider_states() -> list[ProviderState]:
    """Return all, those that can be used first, then by name. One query."""
    models = DjangoAgent.objects.filter(is_active=True, kind__in=DjangoAgent.ASKS_A_MODEL).values_list("model", flat=True)
    used = [split(model)[0] for model in models]
    states = [_state(provider, used.count(provider.slug)) for provider in PROVIDERS.values() if provider is not CODE]
    return sorted(states, key=lambda state: (not state.is_ready, not state.agents, state.label.casefold()))


def _state(provider: Provider, agents: int) -> ProviderState:
    able = (
        "uses tools" if provider.tools else "no tools",
        *(("structured answers",) if provider.formats else ()),
        *(("efforts",) if provider.slug in TABLE else ()),
    )
    missing = tuple(objections(provider, STAND_IN.get(provider.slug, "model")))
    models = tuple(ModelState(model, told(model)) for model in (f"{provider.slug}:{model_id}" for model_id in provider.models))
    return ProviderState(provider.slug, provider.label, missing, models, able, agents)
