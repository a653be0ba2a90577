"""Models that agents can be made with, and what each can."""

from typing import Annotated

from ninja import Query

from agentos.agents import queries
from agentos.agents.blueprint import MODEL_LENGTH
from agentos.agents.model_cards import known_of
from agentos.agents.prices import USD
from agentos.agents.providers import PROVIDERS, availability, model_choices, split
from agentos.api import workshop_resources as resources
from agentos.api.auth import ApiRequest
from agentos.api.errors import READ
from agentos.api.scopes import ScopedRouter
from agentos.api.workshop import NotAMaker

router = ScopedRouter(tags=["Workshop"])

Named = Annotated[str, Query("", max_length=MODEL_LENGTH, description="Only this one, as provider:model; it need not be suggested.")]


@router.get("/workshop/models/", url_name="models", operation_id="models", response={200: resources.ModelList, **READ}, summary="Models")
def models(request: ApiRequest, model: Named = "") -> resources.ModelList:
    """What is known of models. No provider is asked."""
    if not queries.makes_agents(request.auth):
        raise NotAMaker
    found = [model] if model else [choice.model for choice in model_choices()]
    return resources.ModelList(models=[_json(each) for each in found])


def _json(model: str) -> resources.Model:
    state, able = availability(model), known_of(model)
    provider = PROVIDERS.get(split(model)[0])
    return resources.Model(
        model=model,
        label=queries.model_label(model),
        available=state.ok,
        missing=state.reason,
        sees=able.sees,
        hears=able.hears,
        reads_pdf=able.reads_pdf,
        thinks=able.thinks,
        tools=able.tools,
        structured=bool(provider and provider.formats),
        context=able.context,
        price=resources.ModelPrice(
            currency=USD,
            read=None if able.price.read is None else format(able.price.read.normalize(), "f"),
            written=None if able.price.written is None else format(able.price.written.normalize(), "f"),
            varies=able.price.varies,
        )
        if able.price
        else None,
    )
