"""What a model can: see, hear, read PDF, think, call tools, and how much it reads at once. Data, no Agno.

Nothing in Agno says so, and what its class of a provider has no place for it drops without a word. So two tables are read together: what
goes through to a provider at all (``CARRIED``), and what families of models are known to take (``FAMILIES``). What neither says is
"not known": it is tried, and a provider that refuses is told of in words. An operator may know better (``blueprint.ModelOptions``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentos.agents import scripts
from agentos.agents.prices import Price, context_if_known, context_of, price_of
from agentos.agents.providers import CODE, LOCAL, PROVIDERS, SCRIPTED, split

PICTURES, AUDIO, PDF = "pictures", "audio", "pdf"
CHARACTERS_A_TOKEN = 3
LOCAL_CONTEXT = 8_192  # tokens, in all
OVERRIDES = ("sees", "hears", "reads_pdf", "context")

Kinds = frozenset[str]

_NOTHING: Kinds = frozenset()
_SEEN: Kinds = frozenset({PICTURES})
_CHAT: Kinds = frozenset({PICTURES, AUDIO})  # OpenAI's protocol of chat completions; its part for files is understood by few
_PAGES: Kinds = frozenset({PICTURES, PDF})

# What Agno 3.1.10 passes on, and the provider's protocol has a place for. All others speak OpenAI's chat completions.
CARRIED: Mapping[str, Kinds] = {
    **dict.fromkeys(("openai", "openai-responses", "anthropic", "aws-claude", "vertexai-claude", "azure-foundry-claude"), _PAGES),
    **dict.fromkeys(("google", "google-interactions", "openai-chat", "openrouter"), _CHAT | _PAGES),
    **dict.fromkeys(
        ("azure-openai-responses", "ollama-responses", "open-responses", "openrouter-responses", "ramp", "xai-responses"), _SEEN
    ),
    **dict.fromkeys(("aws-bedrock", "azure-ai-foundry", "cohere", "groq", "huggingface", "ibm", "meta", "mistral", "ollama"), _SEEN),
    **dict.fromkeys(("cerebras", "cerebras-openai", "llama-openai", LOCAL.slug), _NOTHING),
}


@dataclass(frozen=True, slots=True)
class _Family:
    """``None``: not known. ``pdf`` counts only where it is known."""

    pattern: str
    sees: bool | None = False
    hears: bool | None = False
    pdf: bool = False
    thinks: bool | None = False


# By the model's own id, without a maker's name before it; the first one counts.
FAMILIES: tuple[_Family, ...] = (
    _Family(r"gpt-4o(-mini)?-audio|gpt-audio", sees=False, hears=True),
    _Family(r"gpt-(4o|4\.1|4-turbo|4-vision)|chatgpt-4o", sees=True, pdf=True),
    _Family(r"gpt-oss", thinks=True),
    _Family(r"gpt-5.*-chat", sees=True, pdf=True),
    _Family(r"gpt-[5-9]", sees=True, pdf=True, thinks=True),
    _Family(r"o1-mini|o1-preview|o3-mini", thinks=True),
    _Family(r"o[134](-|$)", sees=True, pdf=True, thinks=True),
    _Family(r"gpt-(3|4)"),
    _Family(r"claude-(2|instant)"),
    _Family(r"claude-3-(opus|sonnet|haiku)", sees=True),
    _Family(r"claude-3-5", sees=True, pdf=True),
    _Family(r"claude", sees=True, pdf=True, thinks=True),
    _Family(r"gemini-(1|2\.0)", sees=True, hears=True, pdf=True),
    _Family(r"gemini", sees=True, hears=True, pdf=True, thinks=True),
    _Family(r"pixtral|mistral-(small|medium)", sees=True),
    _Family(r"voxtral", hears=True),
    _Family(r"magistral", sees=None, thinks=True),
    _Family(r"mistral-large|ministral", sees=None),
    _Family(r"mistral|mixtral|codestral|devstral"),
    _Family(r"(baklla|llama?-?)va|llava|moondream|minicpm-v|molmo|internvl", sees=True),
    _Family(r"llama-?3\.2-(vision|11b|90b)|llama-?4|llama-guard-4", sees=True),
    _Family(r"llama"),
    _Family(r"gemma-?3n?:?(270m|1b)|gemma-?3-1b"),
    _Family(r"gemma-?3", sees=True),
    _Family(r"gemma"),
    _Family(r"qwen[\d.]*-?omni", sees=True, hears=True),
    _Family(r"qwen[\d.]*-?vl|qvq", sees=True, thinks=None),
    _Family(r"qwq|qwen-?3", sees=False, thinks=True),
    _Family(r"qwen2"),
    _Family(r"granite.*vision|phi-?[34].*(vision|multimodal)|command-a-vision|deepseek-vl", sees=True),
    _Family(r"deepseek-(r1|reasoner)", thinks=True),
    _Family(r"deepseek-(chat|coder|v[23])"),
    _Family(r"grok-(2-vision)", sees=True),
    _Family(r"grok-3-mini", thinks=True),
    _Family(r"grok-[23]"),
    _Family(r"grok-4", sees=True, thinks=True),
    _Family(r"sonar-(reasoning|deep)", sees=None, thinks=True),
    _Family(r"command-(r|a|light)|granite|phi-?[34]|smollm"),
)
_UNKNOWN = _Family("", sees=None, hears=None, thinks=None)


@dataclass(frozen=True, slots=True)
class Abilities:
    """``None``: not known. ``context``: tokens that it reads at once. Only ``takes`` decides what it is sent."""

    sees: bool | None
    hears: bool | None
    reads_pdf: bool
    thinks: bool | None
    tools: bool
    context: int | None = None
    price: Price | None = None

    def takes(self, kind: str) -> bool | None:
        """Whether it takes pictures, audio or PDF; None: not known."""
        return {PICTURES: self.sees, AUDIO: self.hears, PDF: self.reads_pdf}[kind]


def abilities_of(model: str, options: Mapping[str, Any] | None = None) -> Abilities:
    """Return what is known, with the price. ``options``: the settings of the agent's own model, where an operator may say otherwise.

    May import the price list, which takes a moment: not for the event loop."""
    found = replace(media_of(model), context=_context_of(model), price=price_of(model))
    return _overridden(found, options)


def media_of(model: str, options: Mapping[str, Any] | None = None) -> Abilities:
    """The same without price and context, and so at no cost."""
    slug, model_id = split(model)
    provider = PROVIDERS.get(slug)
    if slug == CODE.slug or provider is None:
        return _overridden(Abilities(None, None, reads_pdf=False, thinks=None, tools=True), options)
    if slug == SCRIPTED.slug:
        script = scripts.parse(model_id)
        takes = script.takes_media if script else None
        found = Abilities(takes, takes, reads_pdf=bool(takes), thinks=False, tools=True)
        return _overridden(found, options)
    carried, family = CARRIED.get(slug, _CHAT), _family(model_id)
    found = Abilities(
        sees=family.sees if PICTURES in carried else False,
        hears=family.hears if AUDIO in carried else False,
        reads_pdf=family.pdf and PDF in carried,
        thinks=family.thinks,
        tools=provider.tools,
    )
    return _overridden(found, options)


def history_of(model: str, options: Mapping[str, Any] | None = None) -> int:
    """Return how many characters of a request earlier turns may take: half of what the model reads, where that is known and less than is
    usual."""
    context = (options or {}).get("context") or context_if_known(model)
    usual = PROVIDERS[split(model)[0]].history
    return min(usual, context * CHARACTERS_A_TOKEN // 2) if context else usual


def _overridden(found: Abilities, options: Mapping[str, Any] | None) -> Abilities:
    said = {name: options[name] for name in OVERRIDES if name in options} if options else {}
    return replace(found, **said) if said else found


def _context_of(model: str) -> int | None:
    return LOCAL_CONTEXT if split(model)[0] == LOCAL.slug else context_of(model)


def _family(model_id: str) -> _Family:
    name = model_id.lower().rpartition("/")[2]
    name = name.rpartition(".")[2] if re.match(r"[a-z-]+\.[a-z]+\.", name) else re.sub(r"^[a-z]+\.(?=[a-z])", "", name)  # Amazon's names
    return next((family for family in FAMILIES if re.match(family.pattern, name)), _UNKNOWN)
