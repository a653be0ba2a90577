"""What models can and what they cost: what is known, what is not, and where an operator says otherwise."""

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from agentos.agents import abilities, prices
from agentos.agents.abilities import CARRIED, abilities_of, history_of, media_of
from agentos.agents.model_cards import told
from agentos.agents.models import DjangoAgent
from agentos.agents.prices import Cost, Used, cost_of, price_of
from agentos.agents.providers import PROVIDERS
from agentos.agents.runtime.building import parameters
from agentos.agents.specs import AgentSpec
from agentos.agents.summaries import is_long
from tests.api.calls import ROOT

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "sees", "hears", "pdf", "thinks"),
    [
        ("openai:gpt-5.4", True, False, True, True),
        ("openai:gpt-4o-audio-preview", False, False, False, False),  # it hears, but Agno drops sound on the way to Responses
        ("openai-chat:gpt-4o-audio-preview", False, True, False, False),
        ("openrouter:openai/gpt-5.4", True, False, True, True),
        ("azure-openai:gpt-4.1", True, False, False, False),  # whose files nobody has tried
        ("openai:gpt-3.5-turbo", False, False, False, False),
        ("anthropic:claude-sonnet-5-5", True, False, True, True),
        ("aws-bedrock:us.anthropic.claude-sonnet-4-5-v1:0", True, False, False, True),
        ("google:gemini-3.7-flash", True, True, True, True),
        ("ollama:llama3.1", False, False, False, False),
        ("ollama:llama3.2-vision", True, False, False, False),
        ("ollama:gemma3:1b", False, False, False, False),
        ("groq:meta-llama/llama-4-scout", True, False, False, False),
        ("cerebras:gpt-oss-120b", False, False, False, True),
        ("openai-like:mystery", None, None, False, None),
        ("local:smollm2", False, False, False, False),
        ("scripted:given", True, True, True, False),
    ],
)
def test_are_known_by_provider_and_family(model: str, sees: bool | None, hears: bool | None, pdf: bool, thinks: bool | None) -> None:
    able = media_of(model)
    assert (able.sees, able.hears, able.reads_pdf, able.thinks) == (sees, hears, pdf, thinks)


@pytest.mark.django_db
def test_are_said_of_providers_that_there_are() -> None:
    assert set(CARRIED) <= set(PROVIDERS)
    assert all(told(f"{slug}:some-model") for slug in PROVIDERS)


def test_an_operator_may_say_otherwise() -> None:
    assert media_of("openai-like:mystery", {"sees": True, "temperature": 1}).sees is True
    assert abilities_of("ollama:llama3.2-vision", {"sees": False, "context": 4096}).context == 4096
    spec = AgentSpec("a", "A", "openai:gpt-5.4", model_options={"sees": False, "context": 9000, "temperature": 0.2})
    assert parameters(spec) == {"temperature": 0.2}  # the model itself is asked as ever


def test_a_short_context_leaves_less_room_for_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "_CONTEXTS", {})
    usual = PROVIDERS["openai"].history
    assert history_of("openai:gpt-3.5-turbo") == usual  # nobody has looked it up yet, and nothing is imported for it
    prices.warm("openai:gpt-3.5-turbo")
    assert history_of("openai:gpt-3.5-turbo") == 16385 * abilities.CHARACTERS_A_TOKEN // 2
    prices.warm("openai:gpt-5.4")
    assert history_of("openai:gpt-5.4") == PROVIDERS["openai"].history  # a million tokens would be paid for at every turn
    from agentos.agents.history import Turn

    assert is_long("openai:gpt-3.5-turbo", [Turn("x" * 20_000, "")], 20)
    assert not is_long("openai:gpt-5.4", [Turn("x" * 20_000, "")], 20)


class TestPrices:
    @pytest.mark.parametrize(
        ("model", "used", "cost"),
        [
            ("openai:gpt-4.1", Used(1000, 100), Cost(2000 + 800)),  # 2 and 8 dollars a million
            ("openai:gpt-4.1", Used(1000, 100, cached=500), Cost(1000 + 250 + 800)),  # what was cached costs a quarter
            ("anthropic:claude-sonnet-4-5", Used(1000, 0, cached_anew=1000), Cost(3750)),
            ("openai:gpt-4.1", Used(1000, 100, told=Decimal("0.0012346")), Cost(1235, source="provider")),
            ("openai:a-model-of-tomorrow", Used(1000, 100), None),
            ("openai-like:mystery", Used(1000, 100), None),
            ("openai:gpt-4.1", Used(0, 0), None),  # nothing was told, which is not nothing
            ("local:smollm2", Used(1000, 100), Cost(0, source="free")),
            ("ollama:llama3.1", Used(0, 0), Cost(0, source="free")),
            ("ollama:gpt-oss:120b-cloud", Used(1000, 100), None),
            ("code:theirs", Used(1000, 100), None),
        ],
    )
    def test_are_of_the_list_or_of_the_provider_or_not_known(self, model: str, used: Used, cost: Cost | None) -> None:
        assert cost_of(model, used, AT) == cost

    def test_are_of_a_million_tokens(self) -> None:
        price = price_of("openai:gpt-4.1")
        assert price is not None
        assert (price.read, price.written, price.varies) == (2, 8, False)
        longer = price_of("openai:gpt-5.4")
        assert longer is not None
        assert longer.varies  # long requests cost more

    def test_a_name_that_nobody_knows_is_looked_for_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert price_of("openai:never-heard-of") is None
        from genai_prices import data_snapshot

        monkeypatch.setattr(data_snapshot, "get_snapshot", None)
        assert price_of("openai:never-heard-of") is None


@pytest.mark.django_db
class TestAreShown:
    WORDS = ("Sees pictures", "Reads PDF", "Reads 1,050,000 tokens at once", "A million tokens: from $2.50 read, $15.00 written")

    @pytest.fixture(autouse=True)
    def key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "key")

    def test_in_the_settings(self, as_operator: Client) -> None:
        html = as_operator.get("/agentos/settings/models/?q=openai").content.decode()
        assert all(words in html for words in self.WORDS)

    def test_by_the_command(self) -> None:
        def said(*words: str) -> str:
            out = StringIO()
            call_command("agentos_models", *words, stdout=out)
            return out.getvalue()

        assert all(words in said("openai") for words in self.WORDS)
        one = said("openai-like:mystery")
        assert "AGENTOS_OPENAI_LIKE_URL is not set." in one
        assert "Not known: pictures, audio, thinking, length, price" in one
        assert "Anthropic" not in one

    def test_in_the_workshop(self, as_operator: Client, everyone_agent: DjangoAgent) -> None:
        url = f"/agentos/workshop/agent/{everyone_agent.agent_id}/"
        html = as_operator.get(url).content.decode()
        assert all(words in html for words in self.WORDS)
        assert 'name="model_options:sees"' in html

    def test_in_the_api(self, as_operator: Client, as_member: Client) -> None:
        def models(query: str = "") -> dict[str, Any]:
            found = as_operator.get(f"{ROOT}workshop/models/{query}").json()["models"]
            return {each["model"]: each for each in found}

        known = models()
        assert known["openai:gpt-5.4"]["price"] == {"currency": "USD", "read": "2.5", "written": "15", "varies": True}
        assert {"scripted:echo"} <= set(known)
        assert "anthropic:claude-opus-5" not in known
        (mystery,) = models("?model=openai-like:mystery").values()
        assert (mystery["sees"], mystery["price"], mystery["available"]) == (None, None, False)
        assert mystery["missing"] == "AGENTOS_OPENAI_LIKE_URL is not set."
        assert as_member.get(f"{ROOT}workshop/models/").status_code == 403
