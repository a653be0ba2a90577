"""Models on servers: OpenAI's protocol and Ollama's, spoken with small servers on loopback, and all the ways in which one can fail."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from agentos.agents import failures, providers, runtime
from agentos.agents.events import Event, Failed, ReasoningDelta, ToolFinished, Usage
from agentos.agents.providers import Provider
from agentos.agents.runtime import models
from site_config.logs import Line
from tests.agents.fakes import Behaviour, Exchange, FakeServer, kinds, play, refuses, says, spec, text_of

SECRET = "sk-proj-abcdefghijklmnopqrstuvwx"


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await runtime.close()


@pytest.fixture
async def serve(settings):
    """Start a server that does as it is told; its models are ``openai-like:...``."""
    servers: list[FakeServer] = []

    async def start(behaviour: Behaviour) -> FakeServer:
        server = await FakeServer(behaviour).__aenter__()
        servers.append(server)
        settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
        return server

    yield start
    for server in servers:
        await server.__aexit__()


@pytest.fixture
async def ollama(monkeypatch: pytest.MonkeyPatch):
    servers: list[FakeServer] = []

    async def start(behaviour: Behaviour) -> FakeServer:
        server = await FakeServer(behaviour).__aenter__()
        servers.append(server)
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        return server

    yield start
    for server in servers:
        await server.__aexit__()


def code(events: list[Event]) -> str:
    end = events[-1]
    assert isinstance(end, Failed), end
    assert end.code in failures.CODES
    return end.code


async def free_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": "out", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}, "strict": True},
}


class TestOpenAILike:
    async def test_answers(self, serve, settings) -> None:
        settings.AGENTOS_OPENAI_LIKE_API_KEY = "key-of-mine"
        server = await serve(says("Hello", " there"))
        events = await play("openai-like:qwen/qwen3", "Hi")
        assert text_of(events) == "Hello there"
        assert kinds(events) == ["text", "usage", "finished"]
        assert [event for event in events if isinstance(event, Usage)] == [Usage(7, 3)]
        asked = server.asked
        assert (asked.path, asked.body["model"], asked.body["stream"]) == ("/v1/chat/completions", "qwen/qwen3", True)
        assert asked.headers["authorization"] == "Bearer key-of-mine"
        assert asked.body["stream_options"] == {"include_usage": True}

    async def test_is_asked_again_with_a_new_key_once_that_is_set(self, serve, settings) -> None:
        server = await serve(says("Yes"))
        for key in ("one", "two"):
            settings.AGENTOS_OPENAI_LIKE_API_KEY = key
            await play("openai-like:m")
            assert server.asked.headers["authorization"] == f"Bearer {key}"

    async def test_is_given_the_tools_of_the_agent(self, serve) -> None:
        server = await serve(says("Yes"))
        await play(spec("openai-like:m", "clock"))
        assert [tool["function"]["name"] for tool in server.asked.body["tools"]] == ["current_time"]

    async def test_is_asked_for_the_form_of_the_answer(self, serve) -> None:
        server = await serve(says('{"a": 1}'))
        for wanted in ({"type": "json_object"}, SCHEMA):
            assert text_of(await play(replace(spec("openai-like:m"), answer_format=wanted))) == '{"a": 1}'
            assert server.asked.body["response_format"] == wanted
        await play("openai-like:m")
        assert "response_format" not in server.asked.body

    async def test_is_asked_in_the_words_of_responses_too(self, serve, monkeypatch: pytest.MonkeyPatch) -> None:
        server = await serve(says("x"))
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        await play(replace(spec("openai-responses:gpt"), answer_format=SCHEMA))
        assert server.asked.path == "/v1/responses"
        asked = server.asked.body["text"]["format"]
        assert (asked["type"], asked["name"], asked["schema"]) == ("json_schema", "out", SCHEMA["json_schema"]["schema"])

    async def test_shows_what_it_thinks(self, serve) -> None:
        async def thinks(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.delta(reasoning_content="Hm. ")
            await exchange.delta(reasoning_content="Ah.")
            await exchange.delta(content="Yes")
            await exchange.done()

        await serve(thinks)
        events = await play("openai-like:m")
        assert kinds(events) == ["reasoning", "text", "usage", "finished"]
        assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Hm. Ah."

    async def test_works_on_one_loop_after_the_other(self, serve) -> None:
        """Its client is bound to the loop that first used it."""
        await serve(says("Yes"))

        def elsewhere() -> str:
            async def once() -> str:
                try:
                    return text_of(await play("openai-like:m"))
                finally:
                    await runtime.close()

            return asyncio.run(once())

        assert text_of(await play("openai-like:m")) == "Yes"
        assert [await asyncio.to_thread(elsewhere) for _ in range(2)] == ["Yes"] * 2
        assert text_of(await play("openai-like:m")) == "Yes"

    async def test_is_built_once_for_many_runs(self, serve) -> None:
        await serve(says("Yes"))
        made = await asyncio.gather(*(models.model("openai-like:m") for _ in range(5)))
        assert len(set(map(id, made))) == 1
        assert made[0].get_async_client().max_retries == 0  # type: ignore[attr-defined]


SPEAK_OPENAI = [
    provider
    for provider in providers.AGNO
    if all(map(providers.installed, provider.packages)) and "openai" in provider.packages and provider.slug != "azure-ai-foundry"
]


class TestEveryOpenAIProvider:
    @pytest.mark.parametrize("provider", SPEAK_OPENAI, ids=lambda provider: provider.slug)
    async def test_has_our_timeouts_and_repeats_nothing(self, provider: Provider, settings, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.AGENTOS_CONNECT_TIMEOUT, settings.AGENTOS_SILENCE_TIMEOUT = 3, 33
        for group in provider.keys:
            monkeypatch.setenv(group[0], "https://models.example.com" if group[0].endswith(("_ENDPOINT", "_URL")) else "key")
        client = (await models.model(f"{provider.slug}:some-model")).get_async_client()  # type: ignore[attr-defined]
        assert (client.timeout.connect, client.timeout.read, client.max_retries) == (3, 33, 0)


class TestFailure:
    @pytest.mark.parametrize(
        ("status", "wanted"),
        [
            (400, "model_rejected"),
            (401, "model_auth"),
            (402, "model_quota"),
            (403, "model_auth"),
            (404, "model_missing"),
            (413, "context_too_long"),
            (422, "model_rejected"),
            (429, "model_busy"),
            (500, "model_error"),
            (503, "model_unreachable"),
            (529, "model_busy"),
        ],
    )
    async def test_of_a_status_has_its_code_and_is_not_repeated(self, serve, status: int, wanted: str) -> None:
        server = await serve(refuses(status))
        assert code(await play("openai-like:m")) == wanted
        assert len(server.exchanges) == 1

    @pytest.mark.parametrize(
        "error",
        [
            {"code": "context_length_exceeded", "message": "Too much."},
            {"message": "This model's maximum context length is 8192 tokens."},
            {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"},
        ],
    )
    async def test_of_a_chat_that_is_too_long_says_so(self, serve, error: dict[str, Any]) -> None:
        await serve(refuses(400, {"error": error}))
        assert code(await play("openai-like:m")) == "context_too_long"

    @pytest.mark.parametrize(
        ("status", "error", "wanted"),
        [
            (429, {"code": "insufficient_quota", "message": "You exceeded your current quota, please check your plan."}, "model_quota"),
            (429, {"message": "Rate limit reached for requests per minute"}, "model_busy"),
            (429, {"message": "You exceeded your current quota. Please retry in 12.5s."}, "model_busy"),
            (400, {"message": "Your credit balance is too low to access the API."}, "model_quota"),
            (403, {"message": "This project has no billing account"}, "model_quota"),
            (400, {"message": "registry.ollama.ai/library/tiny does not support tools"}, "model_no_tools"),
            (404, {"message": "No endpoints found that support tool use."}, "model_no_tools"),
            (400, {"message": '"auto" tool choice requires --enable-auto-tool-choice'}, "model_no_tools"),
            (400, {"message": "`tools` is not supported with this model"}, "model_no_tools"),
            (400, {"message": "tool calling is not supported"}, "model_no_tools"),
            (404, {"code": "model_not_found", "message": "The model `x` does not exist or you have no access."}, "model_missing"),
            (400, {"message": "Invalid model: x"}, "model_missing"),
            (400, {"code": "content_filter", "message": "The prompt triggered Azure's content management policy."}, "content_policy"),
            (400, {"code": "content_policy_violation", "message": "No."}, "content_policy"),
            (400, {"message": "API key not valid. Please pass a valid API key."}, "model_auth"),
            (401, {"message": "invalid x-api-key"}, "model_auth"),
            (400, {"message": "prompt is too long: 200001 tokens > 200000 maximum"}, "context_too_long"),
            (400, {"message": "Input is too long for requested model."}, "context_too_long"),
            (400, {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."}, "context_too_long"),
            (400, {"message": "temperature must be below 2"}, "model_rejected"),
        ],
    )
    async def test_is_told_by_what_the_provider_says(self, serve, status: int, error: dict[str, Any], wanted: str) -> None:
        await serve(refuses(status, {"error": error}))
        assert code(await play("openai-like:m")) == wanted

    async def test_names_the_seconds_after_which_to_ask_again(self, serve) -> None:
        async def busy(exchange: Exchange) -> None:
            await exchange.start("application/json\r\nRetry-After: 7", 429)
            await exchange.send(b'{"error": {"message": "Slow down"}}')
            await exchange.end()

        await serve(busy)
        (end,) = await play("openai-like:m")
        assert (code([end]), getattr(end, "wait", None)) == ("model_busy", 7)

    @pytest.mark.parametrize("key", ["sk-abc", "plainkey"])
    async def test_names_no_key_however_short(self, serve, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
        monkeypatch.setenv("AGENTOS_OPENAI_LIKE_API_KEY", key)
        await serve(refuses(401, {"error": {"message": f"bad key {key}"}}))
        (end,) = await play("openai-like:m")
        assert isinstance(end, Failed)
        assert key not in end.detail
        line = logging.LogRecord("agentos", logging.WARNING, "", 0, "Refused: %s", (f"bad key {key}",), None)
        assert key not in Line("{message}", style="{").format(line)

    async def test_of_a_server_that_is_not_there(self, settings) -> None:
        settings.AGENTOS_OPENAI_LIKE_URL = f"http://127.0.0.1:{await free_port()}/v1"
        assert code(await play("openai-like:m")) == "model_unreachable"

    async def test_of_a_server_that_says_nothing(self, serve, settings) -> None:
        settings.AGENTOS_SILENCE_TIMEOUT = 1

        async def hangs(exchange: Exchange) -> None:
            await asyncio.sleep(30)

        server = await serve(hangs)
        began = time.monotonic()
        assert code(await play("openai-like:m")) == "model_silent"
        assert 0.8 < time.monotonic() - began < 3
        assert len(server.exchanges) == 1

    async def test_of_a_server_that_falls_silent(self, serve, settings) -> None:
        settings.AGENTOS_SILENCE_TIMEOUT = 1

        async def stops(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.delta(content="Once ")
            await asyncio.sleep(30)

        await serve(stops)
        events = await play("openai-like:m")
        assert (text_of(events), code(events)) == ("Once ", "model_silent")

    async def test_of_a_connection_that_breaks(self, serve) -> None:
        async def breaks(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.delta(content="Once ")

        server = await serve(breaks)
        events = await play("openai-like:m")
        assert (text_of(events), code(events)) == ("Once ", "model_unreachable")
        assert len(server.exchanges) == 1

    async def test_of_a_server_that_hangs_up(self, serve) -> None:
        async def hangs_up(exchange: Exchange) -> None:
            pass

        await serve(hangs_up)
        assert code(await play("openai-like:m")) == "model_unreachable"

    async def test_of_a_server_that_talks_nonsense(self, serve) -> None:
        async def nonsense(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.send(b"data: {not json\n\n")
            await exchange.end()

        await serve(nonsense)
        assert code(await play("openai-like:m")) == "model_error"

    async def test_in_the_middle_of_a_stream(self, serve) -> None:
        async def fails(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.delta(content="Once ")
            await exchange.send(b'data: {"error": {"message": "overloaded", "code": 500}}\n\n')
            await exchange.end()

        await serve(fails)
        events = await play("openai-like:m")
        assert (text_of(events), code(events)) == ("Once ", "model_error")

    async def test_text_is_in_no_event_and_no_secret_in_the_log(self, serve) -> None:
        await serve(refuses(401, {"error": {"message": f"Incorrect API key {SECRET} for http://user:pass123@10.0.0.1/"}}))
        (end,) = await play("openai-like:m")
        assert isinstance(end, Failed)
        assert "Incorrect" in end.detail
        assert "Incorrect" not in json.dumps(end.data())
        assert SECRET not in end.detail
        assert "pass123" not in end.detail


def told(*messages: dict[str, Any], status: int = 200) -> Behaviour:
    """Answer as Ollama does: a line of JSON a message."""

    async def behaviour(exchange: Exchange) -> None:
        await exchange.start("application/x-ndjson", status)
        if status != 200:
            await exchange.send(json.dumps(messages[0]).encode())
        for number, message in enumerate(messages if status == 200 else ()):
            last = number == len(messages) - 1
            line = {"model": "m", "created_at": "2026-11-22T00:00:00Z", "message": {"role": "assistant", **message}, "done": last}
            counts = {"prompt_eval_count": 11, "eval_count": 2, "done_reason": "stop"} if last else {}
            await exchange.send(json.dumps(line | counts).encode() + b"\n")
        await exchange.end()

    return behaviour


class TestOllama:
    async def test_answers(self, ollama) -> None:
        server = await ollama(told({"content": "Hel"}, {"content": "lo"}, {"content": ""}))
        events = await play("ollama:llama3.1", "Hi")
        assert text_of(events) == "Hello"
        assert kinds(events) == ["text", "usage", "finished"]
        assert [event for event in events if isinstance(event, Usage)] == [Usage(11, 2)]
        assert (server.asked.path, server.asked.body["model"]) == ("/api/chat", "llama3.1")

    async def test_is_the_one_that_is_set_even_with_a_key(self, ollama, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a key Agno would go to Ollama's cloud."""
        monkeypatch.setenv("OLLAMA_API_KEY", "k")
        server = await ollama(told({"content": "Here"}))
        assert text_of(await play("ollama:llama3.1")) == "Here"
        assert server.asked.headers["authorization"] == "Bearer k"

    async def test_is_the_one_that_is_set_for_its_responses_as_well(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
        client = (await models.model("ollama-responses:gpt-oss")).get_async_client()  # type: ignore[attr-defined]
        assert str(client.base_url) == "http://127.0.0.1:9/v1/"

    async def test_calls_tools(self, ollama) -> None:
        async def adds(exchange: Exchange) -> None:
            if exchange.messages("tool"):
                await told({"content": "Three."})(exchange)
            else:
                await told({"content": "", "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1, "b": 2}}}]})(exchange)

        server = await ollama(adds)
        events = await play(spec("ollama:llama3.1", "calculator"))
        assert [event.result for event in events if isinstance(event, ToolFinished)] == ["3"]
        assert text_of(events) == "Three."
        assert server.asked.messages("tool")[0]["content"] == "3"

    async def test_that_lacks_the_model_is_the_operators_affair(self, ollama) -> None:
        await ollama(told({"error": "model 'x' not found"}, status=404))
        assert code(await play("ollama:x")) == "model_missing"

    async def test_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{await free_port()}")
        assert code(await play("ollama:llama3.1")) == "model_unreachable"

    async def test_that_says_nothing(self, ollama, settings) -> None:
        settings.AGENTOS_SILENCE_TIMEOUT = 1

        async def hangs(exchange: Exchange) -> None:
            await asyncio.sleep(30)

        await ollama(hangs)
        assert code(await play("ollama:llama3.1")) == "model_silent"

    async def test_hears_of_a_stop(self, ollama) -> None:
        async def slow(exchange: Exchange) -> None:
            await exchange.start("application/x-ndjson")
            await asyncio.sleep(30)

        server = await ollama(slow)
        task = asyncio.create_task(play("ollama:llama3.1"))
        while not server.exchanges:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 2)
