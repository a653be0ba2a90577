"""The openai package against a running server: what its users get, and which of its exceptions they catch."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.api.openai.server import AGENTS, Server

pytestmark = pytest.mark.server

HELLO: Any = [{"role": "user", "content": "Hello there"}]
WAIT = 20.0


def text(chunks: Iterable[Any]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def until(look: Callable[[], Any]) -> Any:
    """Return what ``look`` finds as soon as it finds something."""
    over = time.monotonic() + WAIT
    while not (found := look()):
        assert time.monotonic() < over
        time.sleep(0.1)
    return found


class TestModels:
    def test_are_the_agents_that_the_owner_of_the_token_may_use(self, ada: OpenAI) -> None:
        assert {model.id for model in ada.models.list()} == set(AGENTS)

    def test_can_be_looked_at(self, ada: OpenAI) -> None:
        model = ada.models.retrieve("echo")
        assert (model.id, model.object, model.owned_by, model.name) == ("echo", "model", "agentos", "Echo")  # type: ignore[attr-defined]
        assert abs(model.created - time.time()) < 600
        assert "SECRET" not in model.model_dump_json()

    @pytest.mark.parametrize("name", ["closed", "nothing", "../models", "é"])
    def test_that_one_may_not_use_do_not_exist(self, ada: OpenAI, name: str) -> None:
        with pytest.raises(openai.NotFoundError):
            ada.models.retrieve(name)


class TestChat:
    def test_answers(self, ada: OpenAI) -> None:
        answer = ada.chat.completions.create(model="echo", messages=HELLO)
        choice = answer.choices[0]
        assert (choice.message.content, choice.message.role, choice.finish_reason) == ("Hello there", "assistant", "stop")
        assert answer.model == "echo"
        assert answer.usage
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0

    def test_streams_the_same_answer(self, ada: OpenAI) -> None:
        whole = ada.chat.completions.create(model="steady", messages=HELLO).choices[0].message.content
        chunks = list(ada.chat.completions.create(model="steady", messages=HELLO, stream=True))
        assert text(chunks).strip() == whole
        assert chunks[0].choices[0].delta.role == "assistant"
        assert [chunk.choices[0].finish_reason for chunk in chunks] == [*[None] * (len(chunks) - 1), "stop"]
        assert len({chunk.id for chunk in chunks}) == 1
        assert all(chunk.usage is None for chunk in chunks)
        assert len(chunks) > 4  # it came in pieces

    def test_tells_the_usage_of_a_stream_to_whoever_asks(self, ada: OpenAI) -> None:
        *others, last = ada.chat.completions.create(model="quick", messages=HELLO, stream=True, stream_options={"include_usage": True})
        assert last.choices == []
        assert last.usage
        assert last.usage.completion_tokens == 30
        assert all(chunk.usage is None for chunk in others)

    async def test_answers_the_async_client(self, aclient: Callable[[str], AsyncOpenAI]) -> None:
        async with aclient("ada") as ada:
            assert "echo" in [model.id async for model in ada.models.list()]
            answer = await ada.chat.completions.create(model="echo", messages=HELLO)
            assert answer.choices[0].message.content == "Hello there"
            stream = await ada.chat.completions.create(model="echo", messages=HELLO, stream=True)
            assert text([chunk async for chunk in stream]) == "Hello there"

    def test_works_with_the_stream_helper(self, ada: OpenAI) -> None:
        with ada.chat.completions.stream(model="echo", messages=HELLO) as stream:
            assert stream.get_final_completion().choices[0].message.content == "Hello there"

    def test_tells_tools_and_thoughts_beside_the_answer(self, ada: OpenAI) -> None:
        message: Any = ada.chat.completions.create(model="tour", messages=HELLO).choices[0].message
        assert message.tool_calls is None
        assert [event["kind"] for event in message.agent_events] == ["tool_started", "tool_finished"] * 2
        assert message.agent_events[0]["args"] == {"a": 127, "b": 89}
        assert message.agent_events[1]["result"] == "11303"
        assert message.reasoning_content

        chunks = list(ada.chat.completions.create(model="tour", messages=HELLO, stream=True))
        deltas: list[Any] = [chunk.choices[0].delta for chunk in chunks]
        events = [event for delta in deltas for event in getattr(delta, "agent_events", [])]
        assert sorted(event["kind"] for event in events) == ["tool_finished"] * 2 + ["tool_started"] * 2
        assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas).strip() == message.reasoning_content
        assert not any(delta.tool_calls for delta in deltas)
        assert {chunk.choices[0].finish_reason for chunk in chunks} == {None, "stop"}

    def test_takes_earlier_messages_into_account(self, ada: OpenAI) -> None:
        short = ada.chat.completions.create(model="quick", messages=HELLO)
        earlier = [{"role": "user", "content": "One " * 100}, {"role": "assistant", "content": "Two " * 100}]
        longer = ada.chat.completions.create(model="quick", messages=[*earlier, *HELLO])  # type: ignore[list-item]
        assert short.usage
        assert longer.usage
        assert longer.usage.prompt_tokens - short.usage.prompt_tokens == 200  # a quarter of the characters

    def test_ignores_how_a_client_would_sample(self, ada: OpenAI) -> None:
        answer = ada.chat.completions.create(
            model="echo", messages=HELLO, temperature=0.1, max_tokens=1, top_p=0.5, seed=7, user="ada", presence_penalty=1, n=1, tools=[]
        )
        assert answer.choices[0].message.content == "Hello there"


class TestErrors:
    @pytest.mark.parametrize(
        ("person", "kind"),
        [
            ("expired", openai.AuthenticationError),
            ("suspended", openai.AuthenticationError),
            ("sk-something-else", openai.AuthenticationError),
            ("agentos_" + "0" * 36, openai.AuthenticationError),
            ("reader", openai.PermissionDeniedError),
        ],
    )
    @pytest.mark.parametrize("stream", [False, True])
    def test_of_tokens(self, client: Callable[..., OpenAI], person: str, kind: type[openai.APIStatusError], stream: bool) -> None:
        with pytest.raises(kind) as caught:
            client(person).chat.completions.create(model="echo", messages=HELLO, stream=stream)
        assert caught.value.code == ("insufficient_scope" if person == "reader" else "invalid_api_key")
        assert caught.value.request_id

    def test_of_tokens_that_may_not_list(self, client: Callable[..., OpenAI]) -> None:
        with pytest.raises(openai.PermissionDeniedError, match="agents:read"):
            client("sender").models.list()

    def test_name_the_parameter(self, ada: OpenAI) -> None:
        with pytest.raises(openai.BadRequestError, match="n must be 1") as caught:
            ada.chat.completions.create(model="echo", messages=HELLO, n=2)
        assert (caught.value.param, caught.value.code, caught.value.type) == ("n", "unsupported_parameter", "invalid_request_error")

    def test_of_models_that_are_not_there(self, ada: OpenAI) -> None:
        for stream in (False, True):
            with pytest.raises(openai.NotFoundError) as caught:
                ada.chat.completions.create(model="closed", messages=HELLO, stream=stream)
            assert (caught.value.code, caught.value.param) == ("model_not_found", "model")

    @pytest.mark.parametrize("stream", [False, True])
    def test_of_models_that_fail_before_a_word(self, ada: OpenAI, stream: bool) -> None:
        with pytest.raises(openai.InternalServerError, match="could not be reached") as caught:
            ada.chat.completions.create(model="broken", messages=HELLO, stream=stream)
        assert caught.value.status_code == 503
        assert "saved" not in str(caught.value)
        with pytest.raises(openai.BadRequestError) as rejected:
            ada.chat.completions.create(model="too-long", messages=HELLO, stream=stream)
        assert rejected.value.code == "context_length_exceeded"

    def test_in_the_middle_are_raised_after_what_was_said(self, ada: OpenAI) -> None:
        said: list[Any] = []
        with pytest.raises(openai.APIError, match="connection to it broke") as caught:
            said.extend(ada.chat.completions.create(model="breaks", messages=HELLO, stream=True))
        assert len(text(said).split()) > 1
        assert caught.value.code == "model_unreachable"

    def test_have_one_shape_below_v1(self, server: Server) -> None:
        root = server.url
        key = {"Authorization": f"Bearer {server.tokens['ada']}"}
        path = f"{root}/chat/completions"
        answers = [
            (404, httpx.get(f"{root}/")),
            (404, httpx.get(f"{root}/embeddings", headers=key)),
            (405, httpx.get(path, headers=key)),
            (401, httpx.get(f"{root}/models")),
            (401, httpx.post(path, json={})),
            (400, httpx.post(path, json={}, headers=key)),
            (400, httpx.post(path, content="{", headers={**key, "Content-Type": "application/json"})),
            (415, httpx.post(path, content="{}", headers=key)),
            (413, httpx.post(path, json={"model": "x" * 11_000_000}, headers=key)),
            (400, httpx.get(f"{root}/models", headers={**key, "Host": "evil.example"})),
        ]
        for status, answer in answers:
            assert answer.status_code == status, answer.text
            assert list(answer.json()) == ["error"]
            assert list(answer.json()["error"]) == ["message", "type", "param", "code"]
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["X-Request-ID"]


ENDPOINTS = (
    ("GET", "/models", "agents:read"),
    ("GET", "/models/echo", "agents:read"),
    ("POST", "/chat/completions", "runs:write"),
    ("POST", "/responses", "runs:write"),
)
SCOPES = {"ada": ("agents:read", "runs:write"), "reader": ("agents:read",), "sender": ("runs:write",)}


class TestEndpoints:
    @pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS)
    @pytest.mark.parametrize("person", ["ada", "reader", "sender", "expired", "suspended", "nobody", "basic", "in the query"])
    def test_open_to_a_token_with_the_scope(self, server: Server, method: str, path: str, scope: str, person: str) -> None:
        token = server.tokens.get(person, server.tokens["ada"])
        headers = {"nobody": {}, "in the query": {}, "basic": {"Authorization": f"Basic {token}"}}.get(
            person, {"Authorization": f"Bearer {token}"}
        )
        query = f"?api_key={token}&access_token={token}" if person == "in the query" else ""
        body = {"json": {"model": "echo", "messages": HELLO, "input": HELLO}} if method == "POST" else {}
        answer = httpx.request(method, server.url + path + query, headers=headers, **body)  # type: ignore[arg-type]
        expected = 401 if person not in SCOPES else 200 if scope in SCOPES[person] else 403
        assert answer.status_code == expected


class TestSessions:
    def test_hold_the_message_and_its_answer(self, server: Server, ada: OpenAI) -> None:
        session = server.sessions["echo"].pop()
        messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Lost"}, *HELLO]
        first = ada.chat.completions.create(model="echo", messages=HELLO, metadata={"session_id": session})
        assert first.session_id == session  # type: ignore[attr-defined]
        chunks = list(ada.chat.completions.create(model="echo", messages=messages, extra_headers={"X-Session-ID": session}, stream=True))
        assert {chunk.session_id for chunk in chunks} == {session}  # type: ignore[attr-defined]
        turns = server.turns(session)
        assert [[turn["turn"], turn["input"]] for turn in turns] == [[1, "Hello there"], [2, "Lost\n\nHello there"]]
        assert [turn["status"] for turn in turns] == ["completed"] * 2
        assert turns[0]["answer"] == "Hello there"
        assert "Be brief." in turns[1]["answer"]  # as data beside the message, which this model repeats
        kept = server.run(first.id)
        assert (kept["is_ephemeral"], kept["erased_at"]) == (0, None)

    def test_are_opened_by_the_word_new(self, server: Server, ada: OpenAI) -> None:
        answer = ada.chat.completions.with_raw_response.create(model="echo", messages=HELLO, metadata={"session_id": "new"}, stream=True)
        session = answer.headers["X-Session-ID"]
        assert text(answer.parse()) == "Hello there"
        again = ada.chat.completions.create(model="echo", messages=HELLO, metadata={"session_id": session})
        assert server.run(again.id)["turn"] == 2

    def test_of_others_do_not_exist(self, server: Server, client: Callable[..., OpenAI]) -> None:
        session = server.sessions["echo"].pop()
        for named in (session, "session_00000000000000000000"):
            with pytest.raises(openai.NotFoundError, match="no such session"):
                client("bob").chat.completions.create(model="echo", messages=HELLO, metadata={"session_id": named})
        assert server.turns(session) == []

    def test_belong_to_their_agent(self, server: Server, ada: OpenAI) -> None:
        session = server.sessions["echo"].pop()
        with pytest.raises(openai.BadRequestError, match="of the agent echo"):
            ada.chat.completions.create(model="quick", messages=HELLO, metadata={"session_id": session})

    def test_that_wait_for_a_person_say_so_and_are_not_asked_again(self, server: Server, client: Callable[..., OpenAI]) -> None:
        session = server.sessions["approve"].pop()
        patient = client("ada", max_retries=2)
        with pytest.raises(openai.ConflictError, match=f"Open session {session}"):
            patient.chat.completions.create(model="approve", messages=HELLO, metadata={"session_id": session})
        assert [turn["status"] for turn in server.turns(session)] == ["waiting"]

    @pytest.mark.parametrize("stream", [False, True])
    def test_that_wait_for_a_person_take_nothing_else(self, server: Server, client: Callable[..., OpenAI], stream: bool) -> None:
        session = server.sessions["approve"].pop()
        patient = client("ada", max_retries=2)
        for sentence in (f"Open session {session}", "Nothing was sent"):
            with pytest.raises(openai.ConflictError, match=sentence) as caught:
                patient.chat.completions.create(model="approve", messages=HELLO, metadata={"session_id": session}, stream=stream)
            assert caught.value.code == "waiting_for_approval"
            assert caught.value.response.headers["X-Session-ID"] == session
            assert caught.value.response.headers["x-should-retry"] == "false"
        assert [turn["status"] for turn in server.turns(session)] == ["waiting"]

    def test_keep_the_answer_of_a_client_that_hangs_up(self, server: Server, ada: OpenAI) -> None:
        session = server.sessions["steady"].pop()
        stream = ada.chat.completions.create(model="steady", messages=HELLO, metadata={"session_id": session}, stream=True)
        next(iter(stream))
        stream.close()
        until(lambda: server.turns(session)[0]["status"] == "completed")
        assert len(server.turns(session)[0]["answer"].split()) == 60

    def test_take_a_repeated_message_once(self, server: Server, ada: OpenAI) -> None:
        session = server.sessions["echo"].pop()
        for _ in range(2):
            ada.chat.completions.create(
                model="echo", messages=HELLO, metadata={"session_id": session}, extra_headers={"Idempotency-Key": f"once-{session}"}
            )
        assert len(server.turns(session)) == 1


def assert_no_trace(run: dict[str, Any], status: str) -> None:
    assert run["status"] == status
    assert run["is_ephemeral"]
    assert run["erased_at"]
    assert run["events"] == []
    texts = ("input", "answer", "context", "parts", "messages", "requirements", "answers", "given_history", "title")
    assert {name: run[name] for name in texts if run[name] not in {"", "[]", "{}"}} == {}
    assert run["agno_output"] is None


class TestWithoutASession:
    def test_nothing_is_left_but_a_run(self, server: Server, ada: OpenAI) -> None:
        messages: Any = [
            {"role": "system", "content": "CANARY"},
            {"role": "user", "content": "CANARY"},
            {"role": "assistant", "content": "CANARY"},
        ]
        answer = ada.chat.completions.create(model="echo", messages=[*messages, {"role": "user", "content": "A CANARY sings"}])
        assert "CANARY" in (answer.choices[0].message.content or "")
        found = server.run(answer.id)
        assert_no_trace(found, "completed")
        assert found["input_tokens"] + found["output_tokens"] > 0
        assert "CANARY" not in json.dumps(server.sql("SELECT * FROM audit_auditrecord"))
        assert found["audit"] == ["chat.message.sent", "chat.run.completed", "chat.run.erased"]

    def test_its_hidden_session_cannot_be_named(self, server: Server, ada: OpenAI) -> None:
        run = server.run(ada.chat.completions.create(model="echo", messages=HELLO).id)
        assert run["session_id"].startswith("session_")
        with pytest.raises(openai.NotFoundError):
            ada.chat.completions.create(model="echo", messages=HELLO, metadata={"session_id": run["session_id"]})

    def test_a_stream_leaves_nothing_either(self, server: Server, ada: OpenAI) -> None:
        chunks = list(ada.chat.completions.create(model="tool", messages=HELLO, stream=True))
        found = until(lambda: (run := server.run(chunks[0].id))["erased_at"] and run)
        assert_no_trace(found, "completed")

    def test_a_client_that_hangs_up_stops_the_run(self, server: Server, ada: OpenAI) -> None:
        stream = ada.chat.completions.create(model="slow", messages=HELLO, stream=True)
        first = next(iter(stream))
        stream.close()
        found = until(lambda: (run := server.run(first.id))["erased_at"] and run)
        assert_no_trace(found, "stopped")

    def test_a_client_that_hangs_up_before_the_answer_stops_it_too(self, server: Server, client: Callable[..., OpenAI]) -> None:
        bob = client("bob", timeout=0.7)
        with pytest.raises(openai.APITimeoutError):
            bob.chat.completions.create(model="slow", messages=HELLO)
        found = until(lambda: (run := server.last_run("bob"))["erased_at"] and run)
        assert_no_trace(found, "stopped")

    def test_nobody_can_be_asked(self, server: Server, ada: OpenAI) -> None:
        with pytest.raises(openai.ConflictError, match="takes a session"):
            ada.chat.completions.create(model="approve", messages=HELLO)
        assert_no_trace(server.last_run("ada"), "stopped")

    def test_failures_leave_nothing(self, server: Server, ada: OpenAI) -> None:
        with pytest.raises(openai.InternalServerError):
            ada.chat.completions.create(model="breaks", messages=HELLO)
        assert_no_trace(server.last_run("ada"), "failed")


class TestStreams:
    def test_end_with_the_right_to_read_them(self, server: Server, client: Callable[..., OpenAI]) -> None:
        stream = client("leaving").chat.completions.create(model="slow", messages=HELLO, stream=True)
        began = time.monotonic()
        chunks = iter(stream)
        first = next(chunks)
        server.suspend("leaving")
        with pytest.raises(openai.APIError, match=r"revoked or has expired|account was suspended"):
            list(chunks)
        assert time.monotonic() - began < 10
        assert_no_trace(until(lambda: (run := server.run(first.id))["erased_at"] and run), "stopped")

    def test_hold_no_thread(self, server: Server, ada: OpenAI) -> None:
        before = server.threads()
        streams = [ada.chat.completions.create(model="slow", messages=HELLO, stream=True) for _ in range(30)]
        for stream in streams:
            next(iter(stream))
        assert server.threads() - before < 15
        for stream in streams:
            stream.close()
