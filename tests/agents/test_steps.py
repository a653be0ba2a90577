"""Agents one after the other: each answer is the next message, the last one is the answer, and a step that asks waits."""

from typing import Any

from agentos.agents.events import Event, Failed, Finished, ToolStarted, Usage, Waiting
from agentos.agents.runtime import Answer
from agentos.agents.specs import AgentSpec
from tests.agents.fakes import go_on, play
from tests.agents.test_teams import member, of_kind, parts_of


def steps(*members: AgentSpec) -> AgentSpec:
    return AgentSpec("line", "Line", "scripted:echo", kind="steps", members=members)


def with_task(spec: AgentSpec, task: str) -> AgentSpec:
    return AgentSpec(spec.agent_id, spec.name, spec.model, tools=spec.tools, task=task)


def answer(events: list[Event]) -> Any:
    return parts_of(events)[-1]


class TestSteps:
    async def test_each_answer_is_the_next_message(self) -> None:
        events = await play(
            steps(member("ann", "tool"), with_task(member("ben", "echo"), "Say it again:"), member("cid", "echo")), "Count."
        )
        first, second, last = parts_of(events)
        assert (first["by"], first["status"], first["parts"][-1]["text"]) == (
            "ann",
            "finished",
            "This is a scripted model. The tool said: 425",
        )
        assert (second["by"], second["parts"][0]["text"]) == ("ben", "Say it again:\n\nThis is a scripted model. The tool said: 425")
        assert (last["kind"], last["text"]) == ("text", second["parts"][0]["text"])
        end = events[-1]
        assert isinstance(end, Finished)
        assert end.messages == [{"role": "user", "content": "Count."}, {"role": "assistant", "content": last["text"]}]
        assert len(of_kind(events, Usage)) == 4

    async def test_one_step_is_an_agent(self) -> None:
        events = await play(steps(member("ann", "echo")), "Hi")
        assert parts_of(events) == [{"kind": "text", "text": "Hi"}]

    async def test_a_step_that_fails_ends_the_run(self) -> None:
        events = await play(steps(member("ann", "auth"), member("ben", "echo")), "Hi")
        assert [part["status"] for part in parts_of(events)] == ["failed"]
        end = events[-1]
        assert isinstance(end, Failed)
        assert end.code == "model_auth"

    async def test_calls_are_counted_over_all_steps(self, settings: Any) -> None:
        settings.AGENTOS_TOOL_STEPS = 2
        end = (await play(steps(*(member(f"m{number}", "tool") for number in range(4))), "Hi"))[-1]
        assert isinstance(end, Failed)
        assert end.code == "tool_limit"


class TestApprovals:
    async def test_the_run_waits_at_the_step_and_goes_on_there(self) -> None:
        line = steps(member("ann", "echo"), member("ben", "approve"), member("cid", "approve"))
        before = await play(line, "Write.")
        waiting = before[-1]
        assert isinstance(waiting, Waiting)
        (asked,) = waiting.requirements
        assert (asked["by"], asked["member"], waiting.output["step"]) == ("ben", "Ben", 2)
        middle = await go_on(line, waiting.output, Answer(asked["call_id"]))
        again = middle[-1]
        assert isinstance(again, Waiting)
        assert (again.requirements[0]["by"], again.output["step"]) == ("cid", 3)
        after = await go_on(line, again.output, Answer(again.requirements[0]["call_id"], confirmed=False, note="No."))
        assert isinstance(after[-1], Finished)
        parts = parts_of([*before, *middle, *after])
        assert [part["kind"] for part in parts] == ["delegation", "delegation", "tool", "text"]
        assert [part.get("status") for part in parts[:3]] == ["finished", "finished", "failed"]
        assert len(of_kind([*before, *middle], ToolStarted)) == 1

    async def test_other_steps_than_before_are_not_gone_on_with(self) -> None:
        line = steps(member("ann", "approve"), member("ben", "echo"))
        waiting = (await play(line, "Write."))[-1]
        assert isinstance(waiting, Waiting)
        other = steps(member("ben", "echo"), member("ann", "approve"))
        end = (await go_on(other, waiting.output, Answer(waiting.requirements[0]["call_id"])))[-1]
        assert isinstance(end, Failed)
        assert end.code == "agent_unavailable"
