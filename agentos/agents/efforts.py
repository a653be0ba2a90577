"""How hard a model tries: quick, normal, thorough, as the fields of its class in Agno say it. Data, no Agno.

Normal is what the model does by itself. A model that is not in here knows no other effort, and nobody is offered one.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agentos.agents.providers import split

QUICK, NORMAL, THOROUGH = EFFORTS = ("quick", "normal", "thorough")
LABELS: Mapping[str, Promise] = {QUICK: _("Quick"), NORMAL: _("Normal"), THOROUGH: _("Thorough")}

Fields = Mapping[str, Any]

_REASONING: Mapping[str, Fields] = {QUICK: {"reasoning_effort": "low"}, THOROUGH: {"reasoning_effort": "high"}}
_CLAUDE: Mapping[str, Fields] = {
    QUICK: {},
    THOROUGH: {"thinking": {"type": "enabled", "budget_tokens": 8_000}, "max_tokens": 16_000},
}
_OF_OPENAI = ("openai", "openai-chat", "openai-responses", "azure-openai", "azure-openai-responses", "openrouter")

# By the slug of a provider: which of its models, and their fields by effort.
TABLE: Mapping[str, tuple[tuple[str, Mapping[str, Fields]], ...]] = {
    **dict.fromkeys(_OF_OPENAI, ((r"(?:.*/)?(?:gpt-5|gpt-oss|o\d)", _REASONING),)),
    "openai-like": ((r"(?:.*/)?gpt-oss", _REASONING),),
    **dict.fromkeys(("anthropic", "aws-claude", "vertexai-claude", "azure-foundry-claude"), ((r"claude-(?!3-[05])", _CLAUDE),)),
    "google": (
        ("gemini-3", {QUICK: {"thinking_level": "low"}, THOROUGH: {"thinking_level": "high"}}),
        (r"gemini-2\.5", {QUICK: {"thinking_budget": 512}, THOROUGH: {"thinking_budget": 16_000}}),
    ),
    "scripted": (("effort$", {QUICK: {"effort": QUICK}, THOROUGH: {"effort": THOROUGH}}),),
}


def fields_of(model: str, effort: str) -> Fields:
    """Return what the model's class is built with for this effort."""
    return _of(model).get(effort, {})


def knows_efforts(model: str) -> bool:
    return bool(_of(model))


def _of(model: str) -> Mapping[str, Fields]:
    slug, model_id = split(model)
    return next((fields for pattern, fields in TABLE.get(slug, ()) if re.match(pattern, model_id)), {})
