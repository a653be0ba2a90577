"""Runs that wait for a person, and go on with the answer: through Agno, with the stored run as it comes back from a database."""

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from agno.tools import Toolkit, tool

from agentos.agents import runtime, scripts
from agentos.agents.events import Event, Failed, Finished, ToolFailed, ToolFinished, ToolStarted, Waiting
from agentos.agents.history import Turn
from agentos.agents.runtime import Answer, BadAnswer, approvals, tools
from agentos.agents.runtime.whose import Whose
from tests.agents.fakes import Exchange, FakeServer, Notes, go_on, kinds, play, spec, text_of

LETTER = {"to": "Ada", "text": "Hello."}


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await runtime.close()


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What the letterbox has really been called with."""
    calls: list[dict[str, str]] = []

    def post_letter(to: str, text: str) -> str:
        """Note the letter."""
        calls.append({"to": to, "text": text})
        return f"posted to {to}"

    monkeypatch.setitem(tools.FACTORIES, "letterbox", lambda: tool(requires_confirmation=True)(post_letter))
    return calls


async def waiting(model: str = "scripted:approve", *, history: list[Turn] | None = None) -> Waiting:
    end = (await play(model, "Write to Ada", history=history or []))[-1]
    assert isinstance(end, Waiting)
    return end


def yes(waiting: Waiting, **how: Any) -> Answer:
    return Answer(waiting.requirements[0]["call_id"], **how)


def no(waiting: Waiting, note: str = "") -> Answer:
    return Answer(waiting.requirements[0]["call_id"], confirmed=False, note=note)


class TestWaiting:
    async def test_says_what_would_be_called(self, posted) -> None:
        end = await waiting()
        assert end.requirements == [{"call_id": "call-1-0", "kind": "confirm", "name": "post_letter", "args": LETTER, "fields": []}]
        assert posted == []

    async def test_says_what_is_to_be_filled_in(self) -> None:
        end = await waiting("scripted:ask")
        assert end.requirements == [
            {
                "call_id": "call-2-0",
                "kind": "input",
                "name": "get_user_input",
                "args": {},
                "fields": [
                    {"name": "city", "type": "str", "description": "Where to?", "value": None},
                    {"name": "nights", "type": "int", "description": "How many nights?", "value": None},
                ],
            }
        ]

    async def test_shows_no_tool_as_started(self, posted) -> None:
        assert kinds(await play("scripted:approve")) == ["usage", "waiting"]

    async def test_leaves_nothing_in_the_tools_that_runs_share(self) -> None:
        """Agno writes the form into the function that the model has called."""
        first = await waiting("scripted:ask")
        events = await go_on("scripted:ask", first.output, yes(first, values={"city": "Rome", "nights": 2}))
        assert events[-1].kind == "finished"
        second = await waiting("scripted:ask")
        assert [item["value"] for item in second.requirements[0]["fields"]] == [None, None]
        (shared,) = tools.build(tools.toolbox(["ask"], {}))
        assert isinstance(shared, Toolkit)
        assert not shared.functions["get_user_input"].requires_user_input

    async def test_is_stored_as_json_without_the_earlier_turns(self) -> None:
        end = await waiting(history=[Turn("An old question", "An old answer")])
        stored = json.dumps(end.output)
        assert "An old" not in stored
        assert "Write to Ada" in stored
        assert end.data() == {"requirements": end.requirements}


class TestApproval:
    async def test_runs_the_call_once_and_goes_on(self, posted) -> None:
        end = await waiting()
        events = await go_on("scripted:approve", end.output, yes(end))
        assert kinds(events) == ["tool_started", "tool_finished", "text", "usage", "finished"]
        assert posted == [LETTER]
        assert text_of(events).endswith("The tool said: posted to Ada")

    async def test_keeps_the_whole_turn_for_later_ones(self, posted) -> None:
        end = await waiting(history=[Turn("Old", "Answer")])
        finished = (await go_on("scripted:approve", end.output, yes(end), history=[Turn("Old", "Answer")]))[-1]
        assert isinstance(finished, Finished)
        assert [message["role"] for message in finished.messages] == ["user", "assistant", "tool", "assistant"]
        assert finished.messages[0]["content"] == "Write to Ada"

    async def test_shows_the_model_the_earlier_turns_again(self, posted, settings) -> None:
        async def posts(exchange: Exchange) -> None:
            if exchange.messages("tool"):
                await exchange.say("Done.")
                return
            await exchange.start()
            await exchange.call("post_letter", json.dumps(LETTER))
            await exchange.done()

        async with FakeServer(posts) as server:
            settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
            agent, history = spec("openai-like:m", "letterbox", instructions="Be kind."), [Turn("Old", "Answer")]
            end = (await play(agent, "Write", history=history))[-1]
            assert isinstance(end, Waiting)
            assert (await go_on(agent, end.output, yes(end), history=history))[-1].kind == "finished"
            roles = [message["role"] for message in server.asked.messages()]
            assert roles == ["system", "user", "assistant", "user", "assistant", "tool"]
            assert server.asked.messages()[1]["content"] == "Old"

    async def test_can_wait_again_without_running_anything_twice(self, posted, settings) -> None:
        async def posts_two(exchange: Exchange) -> None:
            done = len(exchange.messages("tool"))
            if done == 2:
                await exchange.say("Both are posted.")
                return
            await exchange.start()
            await exchange.call("post_letter", json.dumps({"to": f"No. {done}", "text": "x"}), call_id="call_0")
            await exchange.done()

        async with FakeServer(posts_two) as server:
            settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
            agent = spec("openai-like:m", "letterbox")
            first = (await play(agent))[-1]
            assert isinstance(first, Waiting)
            second = (await go_on(agent, first.output, yes(first)))[-1]
            assert isinstance(second, Waiting)
            assert [item["args"]["to"] for item in second.requirements] == ["No. 1"]
            events = await go_on(agent, second.output, yes(second))
            assert text_of(events) == "Both are posted."
            assert [call["to"] for call in posted] == ["No. 0", "No. 1"]

    async def test_of_one_call_leaves_its_neighbours_alone(self, posted, settings) -> None:
        async def both(exchange: Exchange) -> None:
            if len(exchange.messages("tool")) == 3:
                await exchange.say("All done.")
                return
            await exchange.start()
            await exchange.call("add", '{"a": 1, "b": 2}', "a", 0)
            await exchange.call("post_letter", '{"to": "Ada", "text": "x"}', "b", 1)
            await exchange.call("post_letter", '{"to": "Bob", "text": "x"}', "c", 2)
            await exchange.done()

        async with FakeServer(both) as server:
            settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
            agent = spec("openai-like:m", "calculator", "letterbox")
            first = await play(agent)
            end = first[-1]
            assert isinstance(end, Waiting)
            assert kinds(first) == ["usage", "tool_started", "tool_finished", "waiting"]
            ada, bob = (item["call_id"] for item in end.requirements)
            events = await go_on(agent, end.output, Answer(ada), Answer(bob, confirmed=False, note="Not him."))
            assert [event.name for event in events if isinstance(event, ToolFinished)] == ["post_letter"]
            assert posted == [{"to": "Ada", "text": "x"}]
            assert text_of(events) == "All done."
            assert {message["content"] for message in server.asked.messages("tool")} == {
                "3",
                "posted to Ada",
                "The user did not approve this call. Not him.",
            }


class TestRefusal:
    async def test_runs_nothing_and_tells_the_model_why(self, posted) -> None:
        end = await waiting()
        events = await go_on("scripted:approve", end.output, no(end, "Too early."))
        assert kinds(events) == ["tool_started", "tool_failed", "text", "usage", "finished"]
        assert posted == []
        assert text_of(events).endswith("The user did not approve this call. Too early.")
        (failed,) = (event for event in events if isinstance(event, ToolFailed))
        assert failed.error == "The user did not approve this call. Too early."

    async def test_of_a_form_tells_the_model(self) -> None:
        end = await waiting("scripted:ask")
        events = await go_on("scripted:ask", end.output, no(end))
        assert kinds(events) == ["tool_started", "tool_failed", "text", "usage", "finished"]
        assert "did not approve" in text_of(events)


class TestInput:
    async def test_reaches_the_model_in_its_types(self) -> None:
        end = await waiting("scripted:ask")
        events = await go_on("scripted:ask", end.output, yes(end, values={"city": "Køge", "nights": "3"}))
        assert kinds(events) == ["tool_started", "tool_finished", "text", "usage", "finished"]
        (finished,) = (event for event in events if isinstance(event, ToolFinished))
        assert finished.result == "city: Køge\nnights: 3"
        assert '{"name": "city", "value": "Køge"}, {"name": "nights", "value": 3}' in text_of(events)

    async def test_may_be_left_out_where_it_says_so(self) -> None:
        end = await waiting("scripted:ask")
        for item in end.requirements[0]["fields"]:
            item["description"] += " (optional)"
        assert approvals.check(end.requirements, [yes(end, values={"city": " "})])["call-2-0"].values == {"city": None, "nights": None}

    def test_is_read_as_its_type(self) -> None:
        for kind, raw, value in (
            ("str", "3", "3"),
            ("str", 3, "3"),
            ("str", "a\0b\ud800", "a\ufffdb?"),
            ("int", " 3 ", 3),
            ("int", 3.0, 3),
            ("float", "2.5", 2.5),
            ("bool", "on", True),
            ("bool", "no", False),
            ("bool", "", False),
            ("list", "[1, 2]", [1, 2]),
            ("list", "one\n\n two \n", ["one", "two"]),
            ("dict", {"a": 1}, {"a": 1}),
            ("dict", '{"a": "\\ud800"}', {"a": "?"}),
            ("odd", "x", "x"),
        ):
            assert approvals._value({"name": "x", "type": kind}, raw) == value, (kind, raw)

    BAD: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
        ("int", "must be a whole number", ("three", 2.5, "nan", "inf", "1e999", "1" * 9000, 1e308, 10**400, True, [1], "9" * 17)),
        ("float", "must be a number", ("?", "nan", "NaN", "inf", "-Infinity", "1e999", True, {}, float("inf"), 10**400)),
        ("list", "must be a list, one item a line", ('{"a": 1}', "[" * 4000 + "]" * 4000, "[" * 9000, "[NaN]", "[1e999]", 5, {})),
        ("dict", "must be an object, written as JSON", ("[", "{" * 9000, '{"a":' * 900 + "1" + "}" * 900, '{"a": NaN}', "x", [])),
        ("bool", "must be yes or no", ("maybe", 2, [])),
        ("str", "must be a text", ({"a": 1}, ["x"])),
        *((kind, "is missing", ("", " \n", None)) for kind in ("str", "int", "float", "list", "dict", "odd")),
        ("str", "can have 10,000 characters", ("x" * 10_001,)),
        ("list", "can have 10,000 characters", (["x" * 10_001],)),
    )

    def test_that_does_not_fit_is_refused(self) -> None:
        for kind, says, bad in self.BAD:
            for raw in bad:
                fields = [{"name": "numberOf_x", "type": kind}]
                requirement = {"call_id": "a", "kind": "input", "name": "ask", "args": {}, "fields": fields}
                with pytest.raises(BadAnswer) as refused:
                    approvals.check([requirement], [Answer("a", values={"numberOf_x": raw})])
                assert refused.value.errors == {("a", "numberOf_x"): f"Number of x {says}."}, (kind, str(raw)[:50])

    def test_each_field_that_is_wrong_is_said(self) -> None:
        items = [{"name": "city", "type": "str"}, {"name": "nights", "type": "int"}, {"name": "sea", "type": "bool"}]
        requirement = {"call_id": "a", "kind": "input", "name": "ask", "args": {}, "fields": items}
        with pytest.raises(BadAnswer) as refused:
            approvals.check([requirement], [Answer("a", values={"nights": "x"})])
        assert refused.value.errors == {("a", "city"): "City is missing.", ("a", "nights"): "Nights must be a whole number."}
        assert str(refused.value) == "City is missing. Nights must be a whole number."

    def test_has_a_label_of_words(self) -> None:
        for name, label in {
            "number_of_nights": "Number of nights",
            "numberOfNights": "Number of nights",
            "check-in": "Check in",
            "VAT_number": "VAT number",
            "Number of nights": "Number of nights",
            "x": "X",
            "_": "_",
            "夜": "夜",
        }.items():
            assert approvals.label_of(name) == label


class TestTampering:
    """A browser sends yes, no and values. What is called, and with what, is nobody's to say but the stored run's."""

    def test_an_answer_has_no_place_for_a_tool(self) -> None:
        assert {field.name for field in dataclasses.fields(Answer)} == {"call_id", "confirmed", "note", "values", "arguments", "lasting"}

    async def test_values_do_not_become_arguments(self, posted) -> None:
        end = await waiting()
        events = await go_on("scripted:approve", end.output, yes(end, values={"to": "Mallory"}))
        assert_refused(events)
        assert posted == []

    async def test_what_the_browser_was_shown_is_not_read_back(self, posted) -> None:
        end = await waiting()
        end.requirements[0]["args"]["to"] = "Mallory"
        await go_on("scripted:approve", end.output, yes(end))
        assert posted == [LETTER]

    @pytest.mark.parametrize("call_ids", [[], ["other"], ["call-1-0", "other"], ["call-1-0", "call-1-0"]])
    async def test_answers_have_to_fit_what_is_asked(self, posted, call_ids: list[str]) -> None:
        end = await waiting()
        assert_refused(await go_on("scripted:approve", end.output, *map(Answer, call_ids)))
        assert posted == []

    async def test_a_run_goes_on_as_the_one_that_it_is(self, posted, monkeypatch: pytest.MonkeyPatch) -> None:
        """The ids come from our row, whatever is in the stored output."""
        end = await waiting()
        output = end.output | {"run_id": "foreign", "user_id": "9", "session_id": "foreign"}
        from agentos.agents.runtime import pausing

        seen: dict[str, Any] = {}
        rebuild = pausing.rebuilt
        monkeypatch.setattr(pausing, "rebuilt", lambda output, *rest: seen.update(output) or rebuild(output, *rest))
        await go_on("scripted:approve", output, yes(end))
        assert (seen["run_id"], seen["user_id"], seen["session_id"]) == ("run", "1", "s")

    async def test_a_tool_that_was_withdrawn_meanwhile_is_not_run(self, posted, monkeypatch: pytest.MonkeyPatch) -> None:
        end = await waiting()
        monkeypatch.setitem(scripts._TOOLS, "approve", ())
        end_again = (await go_on("scripted:approve", end.output, yes(end)))[-1]
        assert isinstance(end_again, Failed)
        assert end_again.code == "agent_unavailable"
        assert posted == []

    async def test_the_stored_run_is_left_as_it_was(self, posted) -> None:
        end = await waiting()
        before = json.dumps(end.output)
        whose: Whose = {"run_id": "run", "user_id": "1", "session_id": "s"}
        notes = Notes()
        events = runtime.resume(spec("scripted:approve"), follower=notes, **whose, output=end.output, answers=[yes(end)], history=[])
        assert [event.kind async for event in events][-1] == "finished"
        assert json.dumps(end.output) == before

    def test_a_note_has_a_limit(self) -> None:
        requirement = {"call_id": "a", "kind": "confirm", "name": "x", "args": {}, "fields": []}
        with pytest.raises(BadAnswer, match="1,000"):
            approvals.check([requirement], [Answer("a", confirmed=False, note="x" * 1001)])


def assert_refused(events: list[Event]) -> None:
    (end,) = events
    assert isinstance(end, Failed)
    assert end.code == "internal"
    assert "BadAnswer" in end.detail
    assert not [event for event in events if isinstance(event, ToolStarted)]
