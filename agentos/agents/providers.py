"""The providers of models: what each needs, and whether a model can be used here. Data, no Agno; a test holds it to Agno's own table."""

import importlib.util
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from agentos.agents import scripts
from agentos.agents.local_model.supervisor import local_model
from agentos.conf import app_settings

SMOLLM2 = "local:smollm2"


FORMATS = frozenset(
    {
        *("openai", "openai-chat", "openai-responses", "azure-openai", "azure-openai-responses", "openrouter"),
        *("openai-like", "vllm", "lmstudio", "llama-cpp", "local", "scripted"),  # a script says what it says
    }
)


@dataclass(frozen=True, slots=True)
class Provider:
    """``keys``: of each group, one variable has to be set. ``packages``: as they are imported. ``pip``: as they are installed.

    ``models`` are suggestions. ``history`` is what earlier turns may take of a request, in characters.
    """

    slug: str
    label: str
    packages: tuple[str, ...] = ("openai",)
    pip: str = "openai"
    keys: tuple[tuple[str, ...], ...] = ()
    models: tuple[str, ...] = ()
    history: int = 200_000
    tools: bool = True

    @property
    def formats(self) -> bool:
        """Whether its models can be held to JSON, and to a schema: known to be so, and reached by OpenAI's own fields."""
        return self.slug in FORMATS


@dataclass(frozen=True, slots=True)
class Availability:
    """``reason`` is a sentence for the operator, or ``for_all``; empty when the model can be used."""

    ok: bool
    reason: str = ""
    for_all: bool = False


@dataclass(frozen=True, slots=True)
class ModelChoice:
    model: str
    label: str


def _openai(slug: str, label: str, *keys: str, models: tuple[str, ...] = ()) -> Provider:
    """Return a provider that speaks OpenAI's protocol; each key may be written as alternatives, ``A|B``."""
    return Provider(slug, label, keys=tuple(tuple(key.split("|")) for key in keys), models=models)


def _other(slug: str, label: str, packages: str, pip: str, *keys: str, models: tuple[str, ...] = ()) -> Provider:
    """Return a provider with a package of its own (several are separated by blanks)."""
    return Provider(slug, label, tuple(packages.split()), pip, tuple(tuple(key.split("|")) for key in keys), models)


_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")

AGNO: tuple[Provider, ...] = (
    _openai("aimlapi", "AI/ML API", "AIMLAPI_API_KEY"),
    _other(
        "anthropic",
        "Anthropic",
        "anthropic",
        "anthropic",
        "ANTHROPIC_API_KEY|ANTHROPIC_AUTH_TOKEN",
        models=("claude-sonnet-5-5", "claude-opus-5"),
    ),
    _other("aws-bedrock", "Amazon Bedrock", "boto3 aioboto3", "boto3 aioboto3", *_AWS),
    _other("aws-claude", "Claude on Amazon Bedrock", "anthropic boto3", "'anthropic[bedrock]'", *_AWS),
    _other(
        "azure-ai-foundry",
        "Azure AI Foundry",
        "azure.ai.inference aiohttp",
        "azure-ai-inference aiohttp",
        "AZURE_API_KEY",
        "AZURE_ENDPOINT",
    ),
    _other(
        "azure-foundry-claude",
        "Claude on Azure",
        "anthropic",
        "anthropic",
        "ANTHROPIC_FOUNDRY_API_KEY",
        "ANTHROPIC_FOUNDRY_RESOURCE|ANTHROPIC_FOUNDRY_BASE_URL",
    ),
    _openai("azure-openai", "Azure OpenAI", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
    _openai("azure-openai-responses", "Azure OpenAI (Responses)", "AZURE_OPENAI_API_KEY|AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_ENDPOINT"),
    _other("cerebras", "Cerebras", "cerebras.cloud.sdk", "cerebras-cloud-sdk", "CEREBRAS_API_KEY", models=("gpt-oss-120b",)),
    _other("cerebras-openai", "Cerebras (OpenAI protocol)", "cerebras.cloud.sdk openai", "cerebras-cloud-sdk openai", "CEREBRAS_API_KEY"),
    _other("cohere", "Cohere", "cohere", "cohere", "CO_API_KEY", models=("command-a-03-2025",)),
    _openai("cometapi", "CometAPI", "COMETAPI_KEY"),
    _openai("cloudflare", "Cloudflare AI Gateway", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"),
    _openai("dashscope", "Alibaba DashScope", "DASHSCOPE_API_KEY|QWEN_API_KEY", models=("qwen-plus",)),
    _openai("deepinfra", "DeepInfra", "DEEPINFRA_API_KEY"),
    _openai("deepseek", "DeepSeek", "DEEPSEEK_API_KEY", models=("deepseek-v4-flash",)),
    _openai("fireworks", "Fireworks AI", "FIREWORKS_API_KEY"),
    _openai("flexai", "FlexAI", "FLEXAI_API_KEY"),
    _other("google", "Google Gemini", "google.genai", "google-genai", "GOOGLE_API_KEY|GOOGLE_CLOUD_PROJECT", models=("gemini-3.7-flash",)),
    _other("google-interactions", "Google Gemini (Interactions)", "google.genai", "google-genai", "GOOGLE_API_KEY"),
    _other("groq", "Groq", "groq", "groq", "GROQ_API_KEY", models=("openai/gpt-oss-120b",)),
    _openai("heabsy", "Heabsy", "HEABSY_API_KEY"),
    _other("huggingface", "Hugging Face", "huggingface_hub", "huggingface_hub", "HF_TOKEN"),
    _other("ibm", "IBM watsonx", "ibm_watsonx_ai", "ibm-watsonx-ai", "IBM_WATSONX_API_KEY", "IBM_WATSONX_PROJECT_ID"),
    _openai("inception", "Inception", "INCEPTION_API_KEY", models=("mercury-2",)),
    _openai("internlm", "InternLM", "INTERNLM_API_KEY"),
    _openai("langdb", "LangDB", "LANGDB_API_KEY", "LANGDB_PROJECT_ID"),
    _other("litellm", "LiteLLM", "litellm", "litellm"),
    _other("litellm-openai", "LiteLLM proxy", "litellm openai", "litellm openai", "LITELLM_API_KEY"),
    _openai("llama-cpp", "llama.cpp server"),
    _other("llama-openai", "Meta Llama API (OpenAI protocol)", "llama_api_client openai", "llama-api-client openai", "LLAMA_API_KEY"),
    _openai("llmman", "llmman"),
    _openai("lmstudio", "LM Studio"),
    _other("meta", "Meta Llama API", "llama_api_client", "llama-api-client", "LLAMA_API_KEY"),
    _openai("minimax", "MiniMax", "MINIMAX_API_KEY", models=("MiniMax-M3",)),
    _other("mistral", "Mistral AI", "mistralai", "mistralai", "MISTRAL_API_KEY", models=("mistral-large-latest",)),
    _openai("moonshot", "Moonshot AI", "MOONSHOT_API_KEY", models=("kimi-k3",)),
    _openai("n1n", "N1N", "N1N_API_KEY"),
    _openai("nebius", "Nebius", "NEBIUS_API_KEY"),
    _openai("neosantara", "Neosantara", "NEOSANTARA_API_KEY"),
    _openai("nexus", "Nexus"),
    _openai("nvidia", "NVIDIA", "NVIDIA_API_KEY"),
    _other("ollama", "Ollama", "ollama", "ollama", models=("llama3.1",)),
    _openai("ollama-responses", "Ollama (Responses)"),
    _openai("openai", "OpenAI", "OPENAI_API_KEY", models=("gpt-5.4", "gpt-5.4-mini")),
    _openai("openai-chat", "OpenAI (Chat Completions)", "OPENAI_API_KEY"),
    _openai("openai-responses", "OpenAI (Responses)", "OPENAI_API_KEY"),
    _openai("open-responses", "Open Responses server", "OPENAI_BASE_URL"),
    _openai("openrouter", "OpenRouter", "OPENROUTER_API_KEY", models=("openai/gpt-oss-20b",)),
    _openai("openrouter-responses", "OpenRouter (Responses)", "OPENROUTER_API_KEY"),
    _openai("perplexity", "Perplexity", "PERPLEXITY_API_KEY", models=("sonar",)),
    _other("portkey", "Portkey", "portkey_ai openai", "portkey-ai openai", "PORTKEY_API_KEY"),
    _openai("ramp", "Ramp Router", "RAMP_ROUTER_API_KEY"),
    _openai("requesty", "Requesty", "REQUESTY_API_KEY"),
    _openai("sambanova", "SambaNova", "SAMBANOVA_API_KEY"),
    _openai("siliconflow", "SiliconFlow", "SILICONFLOW_API_KEY"),
    _openai("synthorai", "Synthorai", "SYNTHORAI_API_KEY"),
    _openai("together", "Together AI", "TOGETHER_API_KEY"),
    _openai("tokenlab", "TokenLab", "TOKENLAB_API_KEY"),
    _openai("trustedrouter", "TrustedRouter", "TRUSTEDROUTER_API_KEY"),
    _openai("tuning-engines", "Tuning Engines", "TUNING_ENGINES_API_KEY"),
    _openai("vercel", "Vercel v0", "V0_API_KEY"),
    _other(
        "vertexai-claude",
        "Claude on Vertex AI",
        "anthropic google.auth",
        "'anthropic[vertex]'",
        "ANTHROPIC_VERTEX_PROJECT_ID",
        "CLOUD_ML_REGION",
    ),
    _openai("vllm", "vLLM", "VLLM_API_KEY"),
    _openai("xai", "xAI", "XAI_API_KEY"),
    _openai("xai-responses", "xAI (Responses)", "XAI_API_KEY"),
    _openai("xiaomi", "Xiaomi MiMo", "MIMO_API_KEY"),
    _openai("yapi", "YAPI", "YAPI_API_KEY"),
)

# Ours. The embedded model reads 8,192 tokens in all, and its template knows no tools.
OPENAI_LIKE = Provider("openai-like", "OpenAI-compatible server")
LOCAL = Provider("local", "Embedded model", ("openai",), models=("smollm2",), history=12_000, tools=False)
CODE = Provider("code", "in code", packages=(), pip="")  # a model that an agent in code brings along
SCRIPTED = Provider("scripted", "Scripted", packages=(), pip="", models=("tour", "echo", "200x20"))

PREFERRED = ("openai", "anthropic", "google", "mistral", "groq", "openrouter", "deepseek", "xai")  # where several can be used
PROVIDERS = MappingProxyType({provider.slug: provider for provider in (*AGNO, OPENAI_LIKE, LOCAL, CODE, SCRIPTED)})


def split(model: str) -> tuple[str, str]:
    """Return the provider's slug and the model's own id."""
    slug, _, model_id = model.partition(":")
    return slug, model_id


def availability(model: str) -> Availability:
    """Return whether the model can be used here. Looks at packages and settings; asks no server."""
    slug, model_id = split(model)
    provider = PROVIDERS.get(slug)
    if not slug or not model_id.strip():
        return Availability(False, "A model is written as provider:model, for example openai:gpt-5.4.")
    if provider is None:
        return Availability(False, f"Unknown provider '{slug}'.")
    for reason in objections(provider, model_id):
        return Availability(False, reason)
    return Availability(True)


def first_available(models: Iterable[str]) -> Availability:
    """Return that one of the models can be used, or why the first one cannot."""
    states = [availability(model) for model in models]
    return next((state for state in states if state.ok), states[0])


def best_model() -> str:
    """Return a known model of a provider whose key is here; empty without one."""
    models = (f"{slug}:{model_id}" for slug in PREFERRED for model_id in PROVIDERS[slug].models)
    return next((model for model in models if availability(model).ok), "")


def gives_titles(model: str) -> bool:
    """Return whether the model can be asked for the title of a chat: the embedded one is too small, and most scripts have none."""
    slug, model_id = split(model)
    if slug == LOCAL.slug or (slug == SCRIPTED.slug and scripts.parse(model_id) != scripts.Script("title")):
        return False
    return availability(model).ok


def objections(provider: Provider, model_id: str) -> Iterator[str]:
    """Give a sentence for each thing that is missing before this model of the provider can be used."""
    if provider is SCRIPTED:
        yield from _script_objections(model_id)
    elif provider is CODE:
        yield "Only agents in code have models that are made there."
    elif provider is LOCAL:
        yield from _local_objections(model_id)
    elif provider is OPENAI_LIKE and not app_settings.OPENAI_LIKE_URL:
        yield "AGENTOS_OPENAI_LIKE_URL is not set."
    missing = [name for name in provider.packages if not installed(name)]
    if missing:
        yield f"The package '{missing[0]}' is not installed: run `pip install {provider.pip}`."
    for group in provider.keys:
        if not any(os.environ.get(name) for name in group):
            yield f"{' or '.join(group)} is not set."


def _script_objections(model_id: str) -> Iterator[str]:
    if not app_settings.SCRIPTED_MODELS:
        yield "Scripted models are switched off: set AGENTOS_SCRIPTED_MODELS=1."
    if scripts.parse(model_id) is None:
        yield f"'{model_id}' is not a script; write for example scripted:200x20 or scripted:tour."


def _local_objections(model_id: str) -> Iterator[str]:
    if model_id != "smollm2":
        yield f"The embedded model is {SMOLLM2}; there is no '{model_id}'."
    elif local_model.state == "absent" or local_model.gave_up:
        yield local_model.sentence


@cache
def installed(name: str) -> bool:
    """Return whether a package can be imported, without importing it (but for the parents of a dotted name)."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def model_choices() -> list[ModelChoice]:
    """Return suggestions for a form: known models of the providers that can be used now."""
    return [
        ModelChoice(f"{provider.slug}:{model_id}", _label(provider, model_id))
        for provider in (LOCAL, *AGNO, SCRIPTED)
        for model_id in provider.models
        if _wanted(provider) and availability(f"{provider.slug}:{model_id}").ok
    ]


def _wanted(provider: Provider) -> bool:
    """Return whether somebody has set the provider up: a server that needs no key may well not be running."""
    return bool(provider.keys) or provider in {LOCAL, SCRIPTED} or (provider.slug == "ollama" and "OLLAMA_HOST" in os.environ)


def _label(provider: Provider, model_id: str) -> str:
    if provider is LOCAL:
        return "SmolLM2 135M, the embedded demo model"
    return f"{model_id} ({provider.label})"
