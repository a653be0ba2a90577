"""Running an agent, through Agno and the scripted models: what comes out, in which order, and how it ends."""

import asyncio
import json
import logging
import re
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
from agno.agent import Agent
from agno.run.cancel import acancel_run
from agno.tools import Toolkit

from agentos.agents import runtime, scripts
from agentos.agents.events import Event, Failed, Finished, ReasoningDelta, TextDelta, ToolFailed, ToolFinished, ToolStarted, Usage, Waiting
from agentos.agents.runtime import building, calculator, facade, models, text, tools
from agentos.agents.runtime.scripted import ScriptedModel
from agentos.agents.runtime.translation import Translation
from tests.agents.fakes import Behaviour, Exchange, FakeServer, kinds, play, spec, text_of

ENDS = (Finished, Failed, Waiting)


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await runtime.close()


@pytest.fixture
async def serve(settings):
    """Start a server of models that does as it is told; its models are ``openai-like:...``."""
    servers: list[FakeServer] = []

    async def start(behaviour: Behaviour) -> FakeServer:
        server = await FakeServer(behaviour).__aenter__()
        servers.append(server)
        settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
        return server

    yield start
    for server in servers:
        await server.__aexit__()


def only(events: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def test_a_translation_goes_with_its_run() -> None:
    """And does not wait for the garbage collector."""
    translation = weakref.ref(Translation(steps=1))
    assert translation() is None


class TestRun:
    async def test_gives_the_text_the_tokens_used_and_the_end(self) -> None:
        events = await play("scripted:5x0")
        assert kinds(events) == ["text", "usage", "finished"]
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "This answer is written by "
        assert only(events, Usage) == [Usage(input_tokens=1, output_tokens=5)]

    @pytest.mark.parametrize("script", [*sorted(scripts._PLAIN - {"tour"}), "3x0", "0x0", "fail@0", "fail@2"])
    async def test_ends_once_and_last_whatever_happens(self, script: str) -> None:
        events = await play(f"scripted:{script}")
        assert [isinstance(event, ENDS) for event in events] == [False] * (len(events) - 1) + [True]

    @pytest.mark.parametrize(
        ("script", "code"),
        [
            ("busy", "model_busy"),
            ("auth", "model_auth"),
            ("long", "context_too_long"),
            ("fail", "model_unreachable"),
            ("flaky", "model_unreachable"),
            ("raise", "model_error"),
            ("empty", "model_empty"),
            ("0x0", "model_empty"),
        ],
    )
    async def test_ends_with_a_code(self, script: str, code: str) -> None:
        end = (await play(f"scripted:{script}"))[-1]
        assert isinstance(end, Failed)
        assert end.code == code

    async def test_keeps_what_was_said_before_a_failure(self) -> None:
        events = await play("scripted:fail@3")
        assert text_of(events) == "This answer is "
        assert events[-1].kind == "failed"

    async def test_tells_the_journal_no_text_of_an_error(self) -> None:
        end = (await play("scripted:auth"))[-1]
        assert end.data() == {"code": "model_auth"}

    async def test_keeps_keys_out_of_the_operators_log_as_well(self) -> None:
        end = (await play("scripted:auth"))[-1]
        assert isinstance(end, Failed)
        assert "Incorrect API key" in end.detail
        assert "sk-scripted" not in end.detail

    @pytest.mark.parametrize("model", ["openai:gpt-5.4", "nowhere:x", "x", "scripted:nonsense", "local:smollm2"])
    async def test_says_that_an_agent_is_not_available(self, model: str) -> None:
        end = (await play(model))[-1]
        assert isinstance(end, Failed)
        assert end.code == "agent_unavailable"
        assert runtime.availability(model).reason in end.detail

    async def test_answers_many_at_once_without_mixing_them(self) -> None:
        agent = spec("scripted:echo", "calculator", "reasoning")
        answers = await asyncio.gather(*(play(agent, f"I am number {n}", run_id=f"run-{n}") for n in range(50)))
        assert [text_of(events) for events in answers] == [f"I am number {n}" for n in range(50)]

    async def test_answers_after_a_first_failure_when_it_is_tried_again(self) -> None:
        assert (await play("scripted:flaky", run_id="a"))[-1].kind == "failed"
        assert (await play("scripted:flaky", run_id="a"))[-1].kind == "finished"
        assert (await play("scripted:flaky", run_id="b"))[-1].kind == "failed"

    async def test_logs_what_breaks_outside_of_the_model(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setattr(building, "Agent", lambda **_: 1 / 0)
        assert (await play("scripted:1x0")) == [Failed("internal", "ZeroDivisionError: division by zero")]
        assert "division by zero" in caplog.text

    def test_works_on_one_loop_after_the_other(self) -> None:
        """Clients are bound to the loop that first used them; ours are kept by loop."""

        async def once() -> str:
            try:
                return text_of(await play("scripted:echo", "Hello"))
            finally:
                await runtime.close()

        assert [asyncio.run(once()) for _ in range(3)] == ["Hello"] * 3

    async def test_shares_the_model_between_runs(self) -> None:
        assert await models.model("scripted:1x0") is await models.model("scripted:1x0")

    async def test_sends_nothing_to_the_makers_of_agno(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AGNO_TELEMETRY", raising=False)
        agent = await building.built(spec("scripted:1x0"), [], ["Hi"], run_id="r", user_id="1", session_id="s")
        assert isinstance(agent, Agent)
        agent.initialize_agent()
        assert agent.telemetry is False
        assert agent.resolve_in_context is False
        assert agent.id == "assistant"
        assert agent.db is None


class TestStopping:
    @pytest.mark.parametrize("script", ["hang", "hang@3", "1000x10"])
    async def test_takes_effect_at_once(self, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
        spoken, speaking = ScriptedModel._spoken, asyncio.Event()

        def noted(*args: Any) -> Any:
            speaking.set()
            return spoken(*args)

        monkeypatch.setattr(ScriptedModel, "_spoken", noted)
        task = asyncio.create_task(play(f"scripted:{script}"))
        await asyncio.wait_for(speaking.wait(), 10)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 0.5

    async def test_takes_effect_while_a_tool_works(self, monkeypatch: pytest.MonkeyPatch) -> None:
        working, gate = threading.Event(), threading.Event()

        def multiply(a: int, b: int) -> str:
            """Wait for the test."""
            working.set()
            gate.wait(10)
            return "late"

        monkeypatch.setitem(tools.FACTORIES, "calculator", lambda: Toolkit(name="calculator", tools=[multiply]))
        seen: list[Event] = []

        async def watch() -> None:
            seen.extend(await play("scripted:tool"))

        task = asyncio.create_task(watch())
        assert await asyncio.to_thread(working.wait, 10)
        task.cancel()
        try:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 1)
        finally:
            gate.set()
        assert seen == []

    async def test_hangs_up_on_the_server_of_the_model(self, serve) -> None:
        async def slow(exchange: Exchange) -> None:
            await exchange.start()
            for n in range(1000):
                await exchange.delta(content=f"{n} ")
                await asyncio.sleep(0.01)

        server = await serve(slow)
        task = asyncio.create_task(play("openai-like:m"))
        while not server.exchanges:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 2)

    async def test_leaves_nothing_behind_when_its_task_is_cancelled_by_what_it_tells(self, serve) -> None:
        async def slow(exchange: Exchange) -> None:
            await exchange.start()
            for n in range(1000):
                await exchange.delta(content=f"{n} ")
                await asyncio.sleep(0.01)

        server = await serve(slow)

        def go(_: Event) -> None:
            task.cancel()

        task = asyncio.create_task(play("openai-like:m", on_event=go))
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 2)

    async def test_through_agno_is_a_failure_and_not_an_answer(self) -> None:
        """Agno says RunCancelled and then RunCompleted."""
        cancelling: list[asyncio.Future[bool]] = []

        def cancel(_: Event) -> None:
            if not cancelling:
                cancelling.append(asyncio.ensure_future(acancel_run("cancelled")))

        events = await play("scripted:50x10", run_id="cancelled", on_event=cancel)
        assert kinds(events) == ["text", "failed"]
        assert isinstance(events[-1], Failed)
        assert events[-1].code == "interrupted"


class TestTools:
    async def test_are_shown_with_arguments_and_result(self) -> None:
        events = await play("scripted:tool")
        assert kinds(events) == ["usage", "tool_started", "tool_finished", "text", "usage", "finished"]
        (started,), (finished,) = only(events, ToolStarted), only(events, ToolFinished)
        assert isinstance(started, ToolStarted)
        assert isinstance(finished, ToolFinished)
        assert (started.name, started.args) == ("multiply", {"a": 17, "b": 25})
        assert (finished.call_id, finished.name, finished.result) == (started.call_id, "multiply", "425")
        assert 0 < finished.seconds < 5
        assert text_of(events).endswith("425")

    @pytest.mark.parametrize("script", ["badjson", "notool"])
    async def test_that_cannot_be_called_are_shown_as_failed_and_do_not_end_the_run(self, script: str) -> None:
        events = await play(f"scripted:{script}")
        assert kinds(events) == ["usage", "tool_started", "tool_failed", "text", "usage", "finished"]
        (failed,) = only(events, ToolFailed)
        assert isinstance(failed, ToolFailed)
        assert re.search("does not exist|Error while decoding", failed.error)

    async def test_that_fail_say_why(self, serve) -> None:
        async def divides(exchange: Exchange) -> None:
            if exchange.number:
                await exchange.say("By zero.")
                return
            await exchange.start()
            await exchange.call("divide", '{"a": 1, "b": 0}')
            await exchange.done()

        server = await serve(divides)
        events = await play(spec("openai-like:m", "calculator"))
        (failed,) = only(events, ToolFailed)
        assert isinstance(failed, ToolFailed)
        assert failed.error == "Division by zero has no result."
        assert server.asked.messages("tool")[-1]["content"] == "Division by zero has no result."
        assert events[-1].kind == "finished"

    async def test_run_in_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        threads: list[threading.Thread] = []

        def multiply(a: int, b: int) -> str:
            """Note the thread."""
            threads.append(threading.current_thread())
            return calculator.multiply(a, b)

        monkeypatch.setitem(tools.FACTORIES, "calculator", lambda: Toolkit(name="calculator", tools=[multiply]))
        await play("scripted:tool")
        assert threads
        assert threads[0] is not threading.main_thread()

    async def test_have_a_limit(self, settings) -> None:
        settings.AGENTOS_TOOL_STEPS = 3
        events = await play("scripted:loop")
        assert len(only(events, ToolStarted)) == len(only(events, ToolFinished)) == 3
        assert events[-1] == Failed("tool_limit")

    async def test_beyond_the_limit_may_be_answered_without(self, serve, settings) -> None:
        settings.AGENTOS_TOOL_STEPS = 2

        async def adds(exchange: Exchange) -> None:
            if any("limit reached" in message["content"] for message in exchange.messages("tool")):
                await exchange.say("Then without.")
                return
            await exchange.start()
            await exchange.call("add", '{"a": 1, "b": 1}')
            await exchange.done()

        await serve(adds)
        events = await play(spec("openai-like:m", "calculator"))
        assert len(only(events, ToolStarted)) == 2
        assert text_of(events) == "Then without."
        assert events[-1].kind == "finished"

    async def test_that_do_not_exist_are_not_asked_for_for_ever(self, serve, settings) -> None:
        """Agno does not count the calls that it refuses."""
        settings.AGENTOS_TOOL_STEPS = 2

        async def insists(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.call("launch_rocket", "{}")
            await exchange.done()

        server = await serve(insists)
        assert (await play(spec("openai-like:m", "calculator")))[-1] == Failed("tool_limit")
        assert len(server.exchanges) <= 2 + 2

    async def test_have_an_id_of_their_own_though_the_provider_numbers_them_anew(self, serve, settings) -> None:
        async def adds(exchange: Exchange) -> None:
            if exchange.number == 2:
                await exchange.say("Done.")
                return
            await exchange.start()
            await exchange.call("add", json.dumps({"a": 1, "b": exchange.number}), call_id="call_0")
            await exchange.done()

        await serve(adds)
        events = await play(spec("openai-like:m", "calculator"))
        started = [event.call_id for event in events if isinstance(event, ToolStarted)]
        finished = [event.call_id for event in events if isinstance(event, ToolFinished)]
        assert started == finished
        assert len(set(started)) == 2

    async def test_in_one_batch_are_each_shown(self, serve) -> None:
        async def both(exchange: Exchange) -> None:
            if exchange.number:
                await exchange.say("Done.")
                return
            await exchange.start()
            await exchange.call("add", '{"a": 1, "b": 1}', "a", 0)
            await exchange.call("divide", '{"a": 1, "b": 0}', "b", 1)
            await exchange.done()

        await serve(both)
        events = await play(spec("openai-like:m", "calculator"))
        assert kinds(events) == ["usage", "tool_started", "tool_finished", "tool_failed", "text", "usage", "finished"]

    async def test_of_reasoning_are_shown_as_reasoning(self, serve) -> None:
        async def thinks(exchange: Exchange) -> None:
            if exchange.number:
                await exchange.say("Four.")
                return
            await exchange.start()
            await exchange.call("think", '{"title": "Sum", "thought": "Two and two are four."}')
            await exchange.done()

        await serve(thinks)
        events = await play(spec("openai-like:m", "reasoning"))
        assert kinds(events) == ["usage", "reasoning", "text", "usage", "finished"]
        (said,) = only(events, ReasoningDelta)
        assert isinstance(said, ReasoningDelta)
        assert "Sum\nTwo and two are four." in said.text

    async def test_that_an_agent_may_not_have_end_the_run_before_it_starts(self, serve) -> None:
        server = await serve(lambda exchange: exchange.say("Hm."))
        end = (await play(spec("openai-like:m", "calculator", "shell")))[-1]
        assert isinstance(end, Failed)
        assert end.code == "agent_unavailable"
        assert "shell" in end.detail
        assert server.exchanges == []

    async def test_give_results_of_a_bounded_length(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def multiply(a: int, b: int) -> str:
            """Say much."""
            return "long " * 10_000

        monkeypatch.setitem(tools.FACTORIES, "calculator", lambda: Toolkit(name="calculator", tools=[multiply]))
        (finished,) = only(await play("scripted:tool"), ToolFinished)
        assert isinstance(finished, ToolFinished)
        assert len(finished.result) == text.RESULT_LIMIT
        assert finished.result.endswith(text.CUT)


class TestText:
    @pytest.mark.parametrize("raw", ["plain", "Zoë → 🎉", "", "a\nb\t\u2028"])
    def test_is_left_alone_where_it_can_be_stored(self, raw: str) -> None:
        assert text.clean(raw) == raw

    @pytest.mark.parametrize(("raw", "wanted"), [("a\0b", "ab"), ("\ud83d x", "? x"), ("é\0\udc00", "é?")])
    def test_loses_what_no_database_takes(self, raw: str, wanted: str) -> None:
        assert text.clean(raw) == wanted

    async def test_from_a_model_is_clean_everywhere(self, serve) -> None:
        async def odd(exchange: Exchange) -> None:
            if exchange.number:
                await exchange.say("a\0b", "\ud83d")
                return
            await exchange.start()
            await exchange.call("text_statistics", json.dumps({"text": "x\0\ud83dy"}))
            await exchange.done()

        await serve(odd)
        events = await play(spec("openai-like:m", "text"))
        assert text_of(events) == "ab\ufffd"
        stored = json.dumps([event.data() for event in events] + [event.messages for event in events if isinstance(event, Finished)])
        assert "\\u0000" not in stored.replace("\\\\u0000", "")
        assert "\\ud83d" not in stored.replace("\\\\ud83d", "")

    def test_of_any_data_can_be_stored_as_json(self) -> None:
        odd = {1: float("nan"), "x": (1, {2}, b"z"), "y": float("inf"), "z": "\0"}
        assert json.loads(json.dumps(text.jsonable(odd), allow_nan=False)) == {"1": "nan", "x": [1, "{2}", "b'z'"], "y": "inf", "z": ""}


class TestScriptedModels:
    async def test_say_the_same_each_time(self) -> None:
        assert text_of(await play("scripted:200x0")) == text_of(await play("scripted:200x0"))

    async def test_let_others_work_while_they_do_not_pause(self) -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        await play("scripted:2000x0")
        ticking.cancel()
        assert ticks > 20

    async def test_give_a_tour_of_what_there_is_to_see(self) -> None:
        events = await play("scripted:tour")
        assert kinds(events) == ["reasoning", "usage", "tool_started", "tool_finished", "text", "usage", "finished"]
        said = text_of(events)
        assert "scripted answer" in said
        assert "11303" in said
        assert "Europe/Berlin" in said
        for piece in ("```python\n", "| Where a model lives |", "- Agents belong", "](https://docs.agno.com)"):
            assert piece in said

    async def test_are_refused_where_they_are_off(self, settings) -> None:
        settings.AGENTOS_SCRIPTED_MODELS = False
        end = (await play("scripted:tour"))[-1]
        assert isinstance(end, Failed)
        assert end.code == "agent_unavailable"


class TestEngine:
    def test_is_there(self) -> None:
        state = runtime.engine()
        assert (state.ok, state.reason) == (True, "")
        assert state.version.startswith("3.1.")

    async def test_that_does_not_load_is_a_reason_and_no_crash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(facade, "_STREAMING", "agentos.agents.runtime.not_there")
        facade.engine.cache_clear()
        try:
            state = runtime.engine()
            assert not state.ok
            assert "Agno cannot be loaded" in state.reason
            end = (await play("scripted:1x0"))[-1]
            assert isinstance(end, Failed)
            assert end.code == "agent_unavailable"
        finally:
            facade.engine.cache_clear()

    async def test_is_loaded_by_the_first_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, facade._STREAMING)
        facade.engine.cache_clear()
        assert text_of(await play("scripted:echo", "Hello")) == "Hello"

    def test_is_quiet(self) -> None:
        """Agno resets its loggers to INFO at every run; what holds it back are the handlers of the settings."""
        asyncio.run(play("scripted:raise"))
        handlers = [handler for handler in logging.getLogger("agno").handlers if type(handler) is logging.StreamHandler]
        assert handlers
        assert all(handler.level >= logging.CRITICAL for handler in handlers)
