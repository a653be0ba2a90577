"""Responses, by the openai package against a running server: created, streamed, gone on from, looked at, erased."""

from collections.abc import Callable
from functools import partial
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.api.openai.server import Server
from tests.api.openai.test_clients import assert_no_trace, until
from tests.api.openai.test_helpers import ASKED, CALLS, FAILS, words

pytestmark = pytest.mark.server

HELLO = "Hello there"


def run_of(server: Server, response: Any) -> dict[str, Any]:
    return server.run(response.id.replace("resp_", "run_"))


def has_status(server: Server, response: Any, status: str) -> bool:
    return bool(run_of(server, response)["status"] == status)


class TestCreate:
    def test_answers(self, server: Server, ada: OpenAI) -> None:
        answer = ada.responses.create(model="echo", input=HELLO, metadata={"order": "4711"}, instructions="Be brief.")
        assert (answer.object, answer.status, answer.model, answer.metadata) == ("response", "completed", "echo", {"order": "4711"})
        assert HELLO in answer.output_text
        assert "Be brief." in answer.output_text  # as data beside the message, which this model repeats
        assert answer.instructions == "Be brief."
        assert answer.usage
        assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
        run = run_of(server, answer)
        assert (run["is_ephemeral"], run["status"], run["input"]) == (0, "completed", HELLO)
        assert answer.session_id == run["session_id"]  # type: ignore[attr-defined]

    async def test_answers_the_async_client(self, aclient: Callable[[str], AsyncOpenAI]) -> None:
        async with aclient("ada") as ada:
            assert (await ada.responses.create(model="echo", input=HELLO)).output_text == HELLO

    def test_takes_messages_in_all_their_forms(self, server: Server, ada: OpenAI) -> None:
        """What was said before is told to the agent, and stays with the chat."""
        said: Any = [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "One " * 100},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Two " * 100, "annotations": []}]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HELLO}]},
        ]
        short = ada.responses.create(model="quick", input=[said[0], said[-1]])
        longer = ada.responses.create(model="quick", input=said)
        assert short.usage
        assert longer.usage
        assert longer.usage.input_tokens - short.usage.input_tokens == 200  # a quarter of the characters
        after = ada.responses.create(model="quick", input=HELLO, previous_response_id=longer.id)
        assert after.usage
        assert after.usage.input_tokens > longer.usage.input_tokens

    def test_tells_thoughts_and_tools_beside_the_answer(self, ada: OpenAI) -> None:
        answer: Any = ada.responses.create(model="tour", input=HELLO)
        assert [item.type for item in answer.output] == ["reasoning", "message"]
        assert answer.output[0].summary[0].text
        assert [event["kind"] for event in answer.agent_events] == ["tool_started", "tool_finished"] * 2
        assert answer.tools == []

    def test_leaves_no_trace_where_it_is_not_stored(self, server: Server, ada: OpenAI) -> None:
        answer = ada.responses.create(model="echo", input="CANARY", store=False, metadata={"a": "CANARY"}, instructions="CANARY")
        assert answer.model_dump()["store"] is False
        assert answer.metadata == {"a": "CANARY"}
        run = run_of(server, answer)
        assert_no_trace(run, "completed")
        assert "CANARY" not in str(run)
        with pytest.raises(openai.NotFoundError):
            ada.responses.retrieve(answer.id)
        with pytest.raises(openai.BadRequestError) as caught:
            ada.responses.create(model="echo", input=HELLO, previous_response_id=answer.id)
        assert (caught.value.param, caught.value.code) == ("previous_response_id", "previous_response_not_found")

    def test_is_done_once_under_a_key(self, server: Server, ada: OpenAI) -> None:
        key = {"Idempotency-Key": "responses-once"}
        first, again = (ada.responses.create(model="echo", input=HELLO, extra_headers=key) for _ in range(2))
        assert first.id == again.id
        more = {"Idempotency-Key": "responses-twice"}
        after, repeated = (
            ada.responses.create(model="echo", input="And?", previous_response_id=first.id, extra_headers=more) for _ in range(2)
        )
        assert after.id == repeated.id


class TestStream:
    @pytest.mark.parametrize("agent", sorted(set(ASKED) - set(FAILS)))
    @pytest.mark.parametrize("store", [True, False])
    def test_comes_to_the_whole_answer(self, ada: OpenAI, agent: str, store: bool) -> None:
        with ada.responses.stream(model=agent, input=HELLO, store=store) as stream:
            events = list(stream)
            final: Any = stream.get_final_response()
        kinds = [event.type for event in events]
        assert kinds[:2] == ["response.created", "response.in_progress"]
        assert kinds[-1] == "response.completed"
        assert [event.sequence_number for event in events] == list(range(len(events)))
        said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert said == final.output_text
        whole: Any = ada.responses.create(model=agent, input=HELLO, store=False)
        assert words(whole.output_text) == words(said)
        assert [item.type for item in whole.output] == [item.type for item in final.output]
        assert len(getattr(final, "agent_events", None) or []) == 2 * CALLS.get(agent, 0)
        assert final.usage.total_tokens > 0
        assert final.store is store

    @pytest.mark.parametrize("agent", FAILS)
    def test_says_why_there_is_no_answer(self, ada: OpenAI, agent: str) -> None:
        try:
            *_, last = ada.responses.create(model=agent, input=HELLO, stream=True)
        except openai.APIStatusError as error:  # before a word was said
            code = error.code
        else:
            assert last.type == "response.failed"
            assert last.response.status == "failed"
            assert last.response.error
            assert last.response.error.message
            code = last.response.error.code
        assert code == FAILS[agent]
        with pytest.raises(openai.APIStatusError) as caught:
            ada.responses.create(model=agent, input=HELLO)
        assert caught.value.code == FAILS[agent]

    def test_that_its_client_leaves_goes_on_where_it_is_stored(self, server: Server, ada: OpenAI) -> None:
        for store, status in ((True, "completed"), (False, "stopped")):
            stream = ada.responses.create(model="steady", input=HELLO, store=store, stream=True)
            first: Any = next(iter(stream))
            stream.close()
            until(partial(has_status, server, first.response, status))


class TestGoingOn:
    def test_is_in_the_same_chat(self, server: Server, ada: OpenAI) -> None:
        first = ada.responses.create(model="echo", input="One")
        second = ada.responses.create(model="echo", input="Two", previous_response_id=first.id)
        assert second.previous_response_id == first.id
        runs = [run_of(server, each) for each in (first, second)]
        assert runs[0]["session_id"] == runs[1]["session_id"]
        assert [run["turn"] for run in runs] == [1, 2]

    def test_is_in_a_fork_where_the_chat_has_gone_on(self, server: Server, ada: OpenAI) -> None:
        first = ada.responses.create(model="quick", input="One " * 100)
        second = ada.responses.create(model="quick", input="Two", previous_response_id=first.id)
        other = ada.responses.create(model="quick", input="Two", previous_response_id=first.id)
        assert run_of(server, other)["session_id"] != run_of(server, second)["session_id"]
        assert second.usage
        assert other.usage
        assert other.usage.input_tokens == second.usage.input_tokens  # the same was said before
        assert [turn["input"] for turn in server.turns(run_of(server, second)["session_id"])] == [("One " * 100).strip(), "Two"]

    def test_may_leave_no_trace(self, server: Server, ada: OpenAI) -> None:
        first = ada.responses.create(model="quick", input="One " * 100)
        second = ada.responses.create(model="quick", input="Two", previous_response_id=first.id, store=False)
        assert_no_trace(run_of(server, second), "completed")
        assert second.usage
        assert first.usage
        assert second.usage.input_tokens > first.usage.input_tokens
        assert len(server.turns(run_of(server, first)["session_id"])) == 1

    def test_knows_items_by_their_ids(self, ada: OpenAI) -> None:
        first: Any = ada.responses.create(model="quick", input=HELLO)
        said: Any = [{"role": "user", "content": HELLO}, {"role": "assistant", "content": first.output_text}]
        reference: Any = [said[0], {"type": "item_reference", "id": first.output[0].id}]
        whole, referred = (ada.responses.create(model="quick", input=[*each, said[0]], store=False) for each in (said, reference))
        assert whole.usage == referred.usage

    def test_belongs_to_its_agent_and_its_owner(self, server: Server, ada: OpenAI, client: Callable[..., OpenAI]) -> None:
        first: Any = ada.responses.create(model="echo", input=HELLO)
        with pytest.raises(openai.BadRequestError, match="of the agent echo"):
            ada.responses.create(model="quick", input=HELLO, previous_response_id=first.id)
        bob = client("bob")
        with pytest.raises(openai.BadRequestError, match="no response"):
            bob.responses.create(model="echo", input=HELLO, previous_response_id=first.id)
        with pytest.raises(openai.NotFoundError):
            bob.responses.create(model="echo", input=[{"type": "item_reference", "id": first.output[0].id}])
        with pytest.raises(openai.NotFoundError):
            bob.responses.create(model="echo", input=HELLO, conversation=first.session_id)
        for act in (bob.responses.retrieve, bob.responses.delete, bob.responses.cancel, bob.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                act(first.id)
        again = ada.responses.create(model="echo", input="And?", conversation=first.session_id)
        assert run_of(server, again)["turn"] == 2

    @pytest.mark.parametrize("stream", [False, True])
    def test_waits_for_no_person(self, server: Server, ada: OpenAI, stream: bool) -> None:
        session = server.sessions["approve"].pop()
        for sentence in ("Open session", "Nothing was sent"):
            with pytest.raises(openai.ConflictError, match=sentence) as caught:
                ada.responses.create(model="approve", input=HELLO, conversation=session, stream=stream)
            assert caught.value.code == "waiting_for_approval"
        (turn,) = server.turns(session)
        found = ada.responses.retrieve(turn["run_id"].replace("run_", "resp_"))
        assert found.status == "incomplete"
        assert found.incomplete_details
        assert found.incomplete_details.reason == "waiting_for_approval"


class TestStored:
    def test_is_found_as_it_was_answered(self, ada: OpenAI) -> None:
        answer = ada.responses.create(model="tour", input=HELLO, metadata={"order": "4711"}, instructions="Be brief.")
        assert ada.responses.retrieve(answer.id).model_dump() == answer.model_dump()
        item: Any = ada.responses.input_items.list(answer.id).data[0]
        assert item.content[0].text == HELLO

    def test_is_written_in_the_background(self, ada: OpenAI) -> None:
        answer = ada.responses.create(model="steady", input=HELLO, background=True)
        assert answer.status in {"queued", "in_progress"}
        assert answer.usage is None
        done = until(lambda: (found := ada.responses.retrieve(answer.id)).status == "completed" and found)
        assert len(done.output_text.split()) == 60

    def test_is_stopped(self, server: Server, ada: OpenAI) -> None:
        answer = ada.responses.create(model="slow", input=HELLO, background=True)
        until(lambda: ada.responses.retrieve(answer.id).output)
        stopped = ada.responses.cancel(answer.id)
        assert stopped.status == "cancelled"
        assert stopped.output_text
        assert run_of(server, answer)["status"] == "stopped"
        assert ada.responses.cancel(answer.id).status == "cancelled"

    def test_is_erased(self, server: Server, ada: OpenAI) -> None:
        first = ada.responses.create(model="echo", input="CANARY")
        second = ada.responses.create(model="echo", input="Two", previous_response_id=first.id)
        ada.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            ada.responses.retrieve(first.id)
        run = run_of(server, first)
        assert "CANARY" not in str(run)
        assert (run["is_hidden"], run["deleted_at"]) == (1, None)
        assert ada.responses.retrieve(second.id).output_text == "Two"
        third = ada.responses.create(model="echo", input="Three", previous_response_id=second.id)
        for each in (second, third):
            ada.responses.delete(each.id)
        assert run_of(server, third)["deleted_at"]
        assert run_of(server, third)["audit"][-1] == "chat.run.erased"

    def test_takes_the_scopes_of_sessions(self, ada: OpenAI, client: Callable[..., OpenAI]) -> None:
        answer = ada.responses.create(model="echo", input=HELLO)
        for act in ("retrieve", "delete"):
            with pytest.raises(openai.PermissionDeniedError, match="sessions:"):
                getattr(client("scoped").responses, act)(answer.id)


class Out(BaseModel):
    a: int


class TestForm:
    def test_is_what_was_asked_for(self, ada: OpenAI) -> None:
        answer = ada.responses.parse(model="echo", input='{"a": 7}', text_format=Out)
        assert answer.output_parsed == Out(a=7)
        assert answer.text
        assert answer.text.format
        assert answer.text.format.type == "json_schema"
        with ada.responses.stream(model="echo", input='{"a": 7}', text_format=Out) as stream:
            assert stream.get_final_response().output_parsed == Out(a=7)
        asked: Any = [{"role": "user", "content": '{"a": 7}'}]
        assert ada.chat.completions.parse(model="echo", messages=asked, response_format=Out).choices[0].message.parsed == Out(a=7)
        with ada.chat.completions.stream(model="echo", messages=asked, response_format=Out) as chunks:
            assert chunks.get_final_completion().choices[0].message.parsed == Out(a=7)

    def test_is_not_asked_of_agents_with_tools(self, ada: OpenAI) -> None:
        with pytest.raises(openai.BadRequestError, match="uses tools") as caught:
            ada.responses.parse(model="tour", input=HELLO, text_format=Out)
        assert caught.value.param == "text.format"
        with pytest.raises(openai.BadRequestError, match="uses tools") as caught:
            ada.chat.completions.parse(model="tour", messages=[{"role": "user", "content": HELLO}], response_format=Out)
        assert caught.value.param == "response_format"


class TestRefused:
    @pytest.mark.parametrize(
        ("more", "param"),
        [
            ({"tool_choice": "required"}, "tool_choice"),
            ({"prompt": {"id": "pmpt_1"}}, "prompt"),
            ({"top_logprobs": 2}, "top_logprobs"),
            ({"background": True, "store": False}, "store"),
            ({"background": True, "stream": True}, "background"),
            ({"store": False, "conversation": "session_00000000000000000000"}, "store"),
            ({"metadata": {"a": "x" * 513}}, "metadata"),
            ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
            ({"previous_response_id": "resp_1"}, "previous_response_id"),
            (
                {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/a.png"}]}]},
                "input.0.content",
            ),
            ({"input": [{"type": "function_call_output", "call_id": "c", "output": "42"}]}, "input.0"),
            ({"input": [{"role": "king", "content": "x"}]}, "input.0.role"),
            ({"input": [{"role": "assistant", "content": "x"}]}, "input"),
            ({"input": [{"role": [], "content": "x"}]}, "input.0.role"),
            ({"input": [{"role": "user", "content": [{"type": {}}]}]}, "input.0.content"),
            ({"input": ""}, "input"),
            ({"input": []}, "input"),
            ({"text": {"format": {"type": "grammar"}}}, "text.format"),
            ({"text": {"format": {"type": []}}}, "text.format"),
            ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format"),
            ({"text": {"format": {"type": "json_schema", "name": "a", "schema": []}}}, "text.format"),
        ],
        ids=str,
    )
    def test_says_what_cannot_be_and_where(self, ada: OpenAI, more: dict[str, Any], param: str) -> None:
        with pytest.raises(openai.BadRequestError) as caught:
            ada.responses.create(**{"model": "echo", "input": HELLO, **more})
        assert caught.value.param == param
        assert caught.value.code

    def test_of_models_that_are_not_there(self, ada: OpenAI) -> None:
        for store in (True, False):
            with pytest.raises(openai.NotFoundError) as caught:
                ada.responses.create(model="closed", input=HELLO, store=store)
            assert caught.value.code == "model_not_found"
