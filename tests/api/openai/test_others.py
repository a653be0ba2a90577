"""Libraries of others that speak OpenAI's protocols, as their users use them: pydantic-ai, and Vercel's AI SDK."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel, OpenAIResponsesModelSettings
from pydantic_ai.providers.openai import OpenAIProvider

from tests import npm
from tests.api.openai.server import Server
from tests.api.openai.test_helpers import FAILS, words

pytestmark = pytest.mark.server

AGENTS = ("echo", "tour", "tool", "approve", "breaks", "broken")


class Out(BaseModel):
    a: int


@pytest.mark.parametrize("kind", [OpenAIResponsesModel, OpenAIChatModel])
class TestPydanticAI:
    @pytest.fixture
    async def model(self, kind: type, aclient: Callable[[str], AsyncOpenAI]) -> AsyncIterator[Any]:
        async with aclient("ada") as client:
            yield lambda name: kind(name, provider=OpenAIProvider(openai_client=client))

    @pytest.mark.parametrize("name", AGENTS)
    async def test_runs_whatever_an_agent_does(self, model: Any, name: str) -> None:
        agent = Agent(model(name), instructions="Be brief.")
        if name in FAILS:
            with pytest.raises(ModelHTTPError) as caught:
                await agent.run("Hello there")
            assert caught.value.body["code"] == FAILS[name]  # type: ignore[index]
            return
        first = await agent.run("Hello there")
        assert first.usage.input_tokens > 0
        second = await agent.run("Hello there", message_history=first.all_messages())
        assert words(second.output) == words(first.output)
        assert second.usage.input_tokens > first.usage.input_tokens  # it was told what was said before
        async with agent.run_stream("Hello there") as streamed:
            assert words(await streamed.get_output()) == words(first.output)

    async def test_goes_on_by_ids(self, model: Any) -> None:
        settings = OpenAIResponsesModelSettings(openai_previous_response_id="auto")
        agent = Agent(model("echo"), model_settings=settings)
        first = await agent.run("One")
        assert (await agent.run("Two", message_history=first.all_messages())).output == "Two"

    async def test_is_given_the_form_that_it_asks_for(self, model: Any) -> None:
        assert (await Agent(model("echo"), output_type=NativeOutput(Out)).run('{"a": 7}')).output == Out(a=7)
        with pytest.raises(ModelHTTPError, match="uses tools"):
            await Agent(model("tour"), output_type=NativeOutput(Out)).run("Hello")
        with pytest.raises(ModelHTTPError, match="tool_choice"):
            await Agent(model("echo"), output_type=ToolOutput(Out)).run("Hello")


class TestVercel:
    def test_is_told_the_same_through_each_provider(self, server: Server) -> None:
        env = {"BASE_URL": server.url, "TOKEN": server.tokens["ada"], "AGENTS": ",".join(AGENTS)}
        found = npm.run(npm.program("vercel"), environment=env)
        assert set(found) == {"responses", "chat", "compatible"}
        for provider, answers in found.items():
            assert answers.pop("structured") == {"a": 7}
            for name, ways in answers.items():
                if name in FAILS:
                    assert all("failed" in result for result in ways.values()), ways
                    assert FAILS[name] in ways["generated"]["failed"]
                    continue
                assert "Hello there" in ways["generated"]["text"] or name != "echo"
                assert ways["goneOn"]["more"] > 0, ways
                for way in ("generated", "streamed"):
                    assert (ways[way]["finish"], ways[way]["tokens"] > 0) == ("stop", True), ways
                    assert bool(ways[way]["thoughts"]) is (name == "tour" and provider != "chat")
