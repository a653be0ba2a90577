"""How the SDKs of the providers are told to behave: one request for one, and no copy of a chat left there.

Where an SDK is not installed, what its model would be built with is looked at instead.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentos.agents import providers, runtime
from agentos.agents.events import Usage
from agentos.agents.runtime import models
from tests.agents.fakes import Behaviour, Exchange, FakeServer, play, refuses, text_of

BASES = {
    "anthropic": ("ANTHROPIC_BASE_URL", ""),
    "google": ("GOOGLE_GEMINI_BASE_URL", ""),
    "google-interactions": ("GOOGLE_GEMINI_BASE_URL", ""),
    "groq": ("GROQ_BASE_URL", ""),
    "cerebras": ("CEREBRAS_BASE_URL", ""),
    "openai": ("OPENAI_BASE_URL", "/v1"),
    "openai-chat": ("OPENAI_BASE_URL", "/v1"),
    "openai-responses": ("OPENAI_BASE_URL", "/v1"),
    "ollama": ("OLLAMA_HOST", ""),
}


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await runtime.close()


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a provider its keys, and the address of a server; skip those whose package is not here."""

    def of(slug: str, url: str) -> str:
        provider = providers.PROVIDERS[slug]
        if not all(map(providers.installed, provider.packages)):
            pytest.skip(f"{provider.pip} is not installed.")
        for group in provider.keys:
            monkeypatch.setenv(group[0], "key-of-a-test")
        variable, path = BASES[slug]
        monkeypatch.setenv(variable, url + path)
        return f"{slug}:some-model"

    return of


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("slug", BASES)
async def test_a_refusal_is_asked_for_once(set_up: Any, slug: str, status: int) -> None:
    async with FakeServer(refuses(status, {"error": {"message": "no", "code": status, "status": "RESOURCE_EXHAUSTED"}})) as server:
        (end,) = await play(set_up(slug, server.url))
        assert end.kind == "failed"
        assert len([exchange for exchange in server.exchanges if "warming" not in exchange.path]) == 1


@pytest.mark.parametrize("slug", ["openai", "openai-chat", "openai-responses"])
async def test_leaves_no_chat_at_the_provider(set_up: Any, slug: str) -> None:
    async with FakeServer(refuses(400)) as server:
        await play(set_up(slug, server.url))
        assert server.asked.body["store"] is False


def responding(*events: dict[str, Any]) -> Behaviour:
    async def behaviour(exchange: Exchange) -> None:
        await exchange.start()
        for number, event in enumerate(events):
            await exchange.send(f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode())
        await exchange.end()

    return behaviour


WORD = {"item_id": "m", "output_index": 0, "content_index": 0}
DETAILS = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
USAGE = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7, **DETAILS}
RESPONSE = {"id": "r", "object": "response", "created_at": 1, "model": "m", "output": [], "tools": [], "usage": USAGE}


async def test_a_response_that_is_cut_says_so(set_up: Any) -> None:
    cut = {**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    said = {"type": "response.output_text.delta", "delta": "Once", **WORD}
    async with FakeServer(responding(said, {"type": "response.incomplete", "response": cut})) as server:
        events = await play(set_up("openai-responses", server.url))
    assert text_of(events) == "Once"
    assert [event for event in events if isinstance(event, Usage)] == [Usage(5, 2)]
    assert getattr(events[-1], "cut", None) == "length"


async def test_a_response_that_refuses_is_the_answer(set_up: Any) -> None:
    said = {"type": "response.refusal.delta", "delta": "I cannot.", **WORD}
    done = {"type": "response.completed", "response": {**RESPONSE, "status": "completed"}}
    async with FakeServer(responding(said, done)) as server:
        events = await play(set_up("openai-responses", server.url))
    assert text_of(events) == "I cannot."
    assert events[-1].kind == "finished"


async def test_a_response_that_fails_does(set_up: Any) -> None:
    broken = {**RESPONSE, "status": "failed", "error": {"code": "server_error", "message": "It broke."}}
    async with FakeServer(responding({"type": "response.failed", "response": broken})) as server:
        events = await play(set_up("openai-responses", server.url))
    assert getattr(events[-1], "code", None) == "model_error"


async def test_asks_servers_of_ones_own_for_nothing_they_may_not_know(settings) -> None:
    async with FakeServer(refuses(400)) as server:
        settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
        await play("openai-like:m")
        assert "store" not in server.asked.body


@pytest.mark.parametrize("bases", [{"Gemini"}, {"GeminiInteractions"}])
def test_google_is_asked_once(bases: set[str]) -> None:
    assert models._client_params(bases)["http_options"]["retry_options"] == {"attempts": 1}
