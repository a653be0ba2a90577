"""The helpers of the openai packages, Python's and npm's, which put a streamed answer together by rules of their own: whatever we add
to an answer has to survive them, whatever an agent does."""

import re
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests import npm
from tests.api.openai.server import AGENTS, Server

pytestmark = pytest.mark.server

HELLO: Any = [{"role": "user", "content": "Hello there"}]
# What every agent comes to that ends; the others are answered as the table says, before a word or after some.
FAILS = {
    "approve": "waiting_for_approval",
    "ask": "waiting_for_approval",
    "auth": "model_auth",
    "breaks": "model_unreachable",
    "broken": "model_unreachable",
    "busy": "model_busy",
    "empty": "model_empty",
    "loop": "tool_limit",
    "raise": "model_error",
    "too-long": "context_length_exceeded",
}
ASKED = sorted(set(AGENTS) - {"silent", "slow"})
CALLS = {"tour": 2, "tool": 1, "badjson": 1, "notool": 1}


class TestPython:
    @pytest.mark.parametrize("agent", sorted(set(ASKED) - set(FAILS)))
    def test_is_told_the_whole_answer(self, ada: OpenAI, agent: str) -> None:
        with ada.chat.completions.stream(model=agent, messages=HELLO, stream_options={"include_usage": True}) as stream:
            pieces = [event.delta for event in stream if event.type == "content.delta"]
            completion = stream.get_final_completion()
        message: Any = completion.choices[0].message
        whole: Any = ada.chat.completions.create(model=agent, messages=HELLO).choices[0].message
        assert "".join(pieces) == message.content
        assert words(message.content) == words(whole.content)
        assert completion.usage
        told, known = getattr(message, "agent_events", None) or [], whole.agent_events or []
        assert len(told) == len(known) == 2 * CALLS.get(agent, 0)
        assert [event["index"] for event in told] == list(range(len(told)))
        assert sorted(map(said, told)) == sorted(map(said, known))
        assert getattr(message, "reasoning_content", "").strip() == (whole.reasoning_content or "")

    @pytest.mark.parametrize("agent", FAILS)
    def test_is_told_why_there_is_none(self, ada: OpenAI, agent: str) -> None:
        with (
            pytest.raises(openai.APIError) as caught,
            ada.chat.completions.stream(model=agent, messages=HELLO) as stream,
        ):
            stream.get_final_completion()
        assert caught.value.code == FAILS[agent]

    async def test_streams_to_the_async_client(self, aclient: Callable[[str], AsyncOpenAI]) -> None:
        async with aclient("ada") as ada, ada.chat.completions.stream(model="tour", messages=HELLO) as stream:
            message: Any = (await stream.get_final_completion()).choices[0].message
        assert len(message.agent_events) == 4


class TestNpm:
    def test_is_told_the_same_by_each_helper(self, server: Server) -> None:
        env = {"BASE_URL": server.url, "TOKEN": server.tokens["ada"], "AGENTS": ",".join(ASKED)}
        for agent, helpers in npm.run(npm.program("helpers"), environment=env).items():
            assert set(helpers) == {"responded", "respondedStreamed", "created", "streamed", "runTools", "runToolsStreamed"}
            responded = helpers.pop("respondedStreamed")
            if agent in FAILS:
                assert "text" not in responded  # its error has no code where the answer has begun
                assert {result.get("code") for result in helpers.values()} == {FAILS[agent]}, helpers
                continue
            assert len({tuple(words(result["text"])) for result in helpers.values()}) == 1, helpers
            assert words(responded["text"]) == words(helpers["created"]["text"])
            assert responded["pieces"] == responded["text"]
            assert responded["tokens"] > 0
            streamed = helpers["streamed"]
            assert streamed["pieces"] == streamed["text"] != ""
            assert streamed["tokens"] > 0
            assert len(streamed["events"]) == 2 * CALLS.get(agent, 0)
            assert bool(streamed["thoughts"]) is (agent == "tour")
            assert streamed["finish"] == helpers["created"]["finish"] == "stop"
            assert helpers["runTools"]["calls"] is None


def words(text: str) -> list[str]:
    """What is said, but for the time of day."""
    return re.sub(r"\d", "0", text).split()


def said(event: dict[str, Any]) -> tuple[str, ...]:
    """What does not differ between two runs, nor by the order in which calls end."""
    return event["kind"], event["name"], *words(str(event.get("args") or event.get("result") or event.get("error")))
