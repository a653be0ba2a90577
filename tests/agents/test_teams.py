"""Teams: whose words and calls are whose, what counts over all members, and members that wait for a person."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentos.agents import failures
from agentos.agents.events import (
    Delegated,
    DelegationEnded,
    Event,
    Failed,
    Finished,
    TextDelta,
    ToolFailed,
    ToolFinished,
    ToolStarted,
    Usage,
    Waiting,
)
from agentos.agents.history import Turn
from agentos.agents.runtime import Answer, scripted, translation
from agentos.agents.specs import AgentSpec
from agentos.chat.live.parts import fold
from tests.agents.fakes import go_on, kinds, play, text_of

TASK = "Say hello."


def member(agent_id: str, script: str, *tools: str) -> AgentSpec:
    return AgentSpec(agent_id, agent_id.title(), f"scripted:{script}", tools=tools)


def team(*members: AgentSpec, mode: str = "coordinate", script: str = "lead", tools: Sequence[str] = ()) -> AgentSpec:
    return AgentSpec("crew", "Crew", f"scripted:{script}", tools=tuple(tools), kind="team", mode=mode, members=members)


def of_kind(events: Sequence[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def said(events: Sequence[Event], by: str) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta) and event.by == by)


def parts_of(events: Sequence[Event]) -> list[dict[str, Any]]:
    return fold((event.kind, event.data()) for event in events)


class TestModes:
    async def test_coordinate_folds_each_members_work_into_its_delegation(self) -> None:
        events = await play(team(member("ann", "echo"), member("ben", "tool")), TASK)
        assert isinstance(events[-1], Finished)
        ann, ben, answer = parts_of(events)
        assert (ann["kind"], ann["by"], ann["name"], ann["task"], ann["status"]) == ("delegation", "ann", "Ann", TASK, "finished")
        assert [part["kind"] for part in ann["parts"]] == ["text"]
        assert ann["parts"][0]["text"] == TASK
        assert [part["kind"] for part in ben["parts"]] == ["tool", "text"]
        assert ben["parts"][0]["result"] == "425"
        assert answer["text"].startswith("This is a scripted model. The team said: Say hello. / ")
        assert text_of(event for event in events if not getattr(event, "by", "")) == answer["text"]

    async def test_broadcast_is_a_delegation_for_each_member(self) -> None:
        events = await play(team(member("ann", "echo"), member("ben", "3x0"), mode="broadcast"), TASK)
        assert {(event.by, event.task) for event in of_kind(events, Delegated)} == {("ann", TASK), ("ben", TASK)}
        assert len({event.call_id for event in of_kind(events, Delegated)}) == 2
        assert said(events, "ann") == TASK
        assert said(events, "ben").startswith("This answer is")
        assert [part["kind"] for part in parts_of(events)] == ["delegation", "delegation", "text"]

    async def test_route_gives_the_members_words_as_the_answer(self) -> None:
        events = await play(team(member("ann", "tool"), member("ben", "echo"), mode="route"), TASK)
        assert [event.by for event in of_kind(events, Delegated)] == ["ann"]
        delegation, answer = parts_of(events)
        assert [part["name"] for part in delegation["parts"]] == ["multiply"]
        assert answer["text"] == "This is a scripted model. The tool said: 425"

    async def test_two_tasks_for_the_same_member_are_told_apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = tuple(("delegate_task_to_member", f'{{"member_id": "ann", "task": "Number {number}."}}') for number in range(5))
        monkeypatch.setattr(scripted, "_delegating", lambda *_: calls)
        events = await play(team(member("ann", "echo")), TASK)
        delegations = [part for part in parts_of(events) if part["kind"] == "delegation"]
        assert [part["task"] for part in delegations] == [f"Number {number}." for number in range(5)]
        assert [part["parts"][0]["text"] for part in delegations] == [part["task"] for part in delegations]

    async def test_a_call_that_names_nobody_is_seen_to_fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = (("delegate_task_to_member", '{"member_id": "zoe", "task": "Go."}'),)
        monkeypatch.setattr(scripted, "_delegating", lambda *_: calls)
        events = await play(team(member("ann", "echo")), TASK)
        (failed,) = of_kind(events, ToolFailed)
        assert "Member with ID zoe not found" in failed.error
        assert not of_kind(events, Delegated)
        assert isinstance(events[-1], Finished)

    async def test_the_leader_is_shown_earlier_turns(self) -> None:
        history = [Turn("One?", "Two.")]
        events = await play(team(member("ann", "echo"), script="echo"), "Three?", history=history)
        assert text_of(events) == "Three?"
        end = events[-1]
        assert isinstance(end, Finished)
        assert [message["content"] for message in end.messages] == ["Three?", "Three?"]


class TestLimits:
    async def test_usage_is_that_of_all(self) -> None:
        events = await play(team(member("ann", "5x0"), member("ben", "7x0")), TASK)
        assert sum(event.output_tokens for event in of_kind(events, Usage)) >= 10 + 5 + 7
        assert len(of_kind(events, Usage)) == 4

    async def test_tool_steps_are_counted_over_all_members(self, settings: Any) -> None:
        settings.AGENTOS_TOOL_STEPS = 4
        events = await play(team(member("ann", "loop"), member("ben", "loop")), TASK)
        end = events[-1]
        assert isinstance(end, Failed)
        assert end.code == "tool_limit"
        assert len(of_kind(events, ToolStarted)) + 2 <= 4

    async def test_a_member_that_fails_is_the_leaders_to_do_without(self) -> None:
        events = await play(team(member("ann", "auth"), member("ben", "echo")), TASK)
        errors = {event.error for event in of_kind(events, DelegationEnded)}
        assert errors == {failures.sentence("model_auth"), ""}
        assert isinstance(events[-1], Finished)

    async def test_stopping_stops_all(self) -> None:
        begun, ended = set(), []
        reached = asyncio.Event()

        def on_event(event: Event) -> None:
            if isinstance(event, TextDelta) and event.by:
                begun.add(event.by)
            if len(begun) == 2:
                reached.set()

        async def run() -> None:
            try:
                await play(team(member("ann", "hang@1"), member("ben", "hang@1")), TASK, on_event=on_event)
            finally:
                ended.append(True)

        task = asyncio.create_task(run())
        async with asyncio.timeout(20):
            await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert ended
        await asyncio.sleep(0)
        assert not [other for other in asyncio.all_tasks() if other is not asyncio.current_task() and "agno" in repr(other.get_coro())]


async def paused(agent: AgentSpec) -> tuple[list[Event], Waiting]:
    events = await play(agent, TASK)
    end = events[-1]
    assert isinstance(end, Waiting), end
    return events, end


class TestApprovals:
    async def test_two_at_once_are_asked_for_with_who_asks(self) -> None:
        _, waiting = await paused(team(member("ann", "approve"), member("ben", "approve")))
        assert [(each["by"], each["name"]) for each in waiting.requirements] == [("ann", "post_letter"), ("ben", "post_letter")]
        assert len({each["call_id"] for each in waiting.requirements}) == 2

    async def test_leave_no_word_of_agno_s_in_a_routed_answer(self) -> None:
        crew = team(member("ann", "approve"), mode="route")
        before, waiting = await paused(crew)
        assert text_of(event for event in before if not getattr(event, "by", "")) == ""
        after = await go_on(crew, waiting.output, Answer(waiting.requirements[0]["call_id"]))
        assert isinstance(after[-1], Finished)
        assert "human input" not in "".join(part["text"] for part in parts_of([*before, *after]) if part["kind"] == "text")

    async def test_one_yes_and_one_no(self) -> None:
        crew = team(member("ann", "approve"), member("ben", "approve"))
        before, waiting = await paused(crew)
        ann, ben = (each["call_id"] for each in waiting.requirements)
        after = await go_on(crew, waiting.output, Answer(ann), Answer(ben, confirmed=False, note="Not now."))
        assert isinstance(after[-1], Finished)
        first, second, answer = parts_of([*before, *after])
        assert [part["status"] for part in (first, second)] == ["finished", "finished"]
        assert (first["parts"][0]["call_id"], first["parts"][0]["status"]) == (ann, "finished")
        assert "rehearsal" in first["parts"][0]["result"]
        assert (second["parts"][0]["call_id"], second["parts"][0]["status"]) == (ben, "failed")
        assert second["parts"][0]["result"] == "The user did not approve this call. Not now."
        assert answer["kind"] == "text"

    async def test_a_form_of_a_member_is_filled_in(self) -> None:
        crew = team(member("ann", "ask"), member("ben", "approve"))
        _, waiting = await paused(crew)
        form, call = waiting.requirements
        assert [field["name"] for field in form["fields"]] == ["city", "nights"]
        after = await go_on(crew, waiting.output, Answer(form["call_id"], values={"city": "Rome", "nights": 3}), Answer(call["call_id"]))
        assert isinstance(after[-1], Finished)
        assert "Rome" in said(after, "ann")

    async def test_the_leaders_own_call_waits_too(self) -> None:
        crew = team(member("ann", "echo"), script="approve")
        _, waiting = await paused(crew)
        (call,) = waiting.requirements
        assert "by" not in call
        after = await go_on(crew, waiting.output, Answer(call["call_id"]))
        assert kinds(after)[-1] == "finished"
        assert of_kind(after, ToolFinished)

    async def test_route_waits_and_then_answers(self) -> None:
        crew = team(member("ann", "approve"), mode="route")
        before, waiting = await paused(crew)
        after = await go_on(crew, waiting.output, Answer(waiting.requirements[0]["call_id"]))
        assert isinstance(after[-1], Finished)
        assert parts_of([*before, *after])[-1]["kind"] == "text"

    async def test_an_answer_for_one_of_two_is_not_enough(self) -> None:
        crew = team(member("ann", "approve"), member("ben", "approve"))
        _, waiting = await paused(crew)
        end = (await go_on(crew, waiting.output, Answer(waiting.requirements[0]["call_id"])))[-1]
        assert isinstance(end, Failed)

    async def test_a_member_that_lost_its_tool_is_not_gone_on_with(self) -> None:
        _, waiting = await paused(team(member("ann", "approve")))
        end = (await go_on(team(member("ann", "echo")), waiting.output, Answer(waiting.requirements[0]["call_id"])))[-1]
        assert isinstance(end, Failed)
        assert (end.code, "post_letter" in end.detail) == ("agent_unavailable", True)

    @given(
        answers=st.lists(st.booleans(), min_size=1, max_size=4),
        mode=st.sampled_from(["coordinate", "broadcast"]),
        notes=st.text(max_size=20),
    )
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_whatever_is_answered_exactly_what_was_approved_is_called(self, answers: list[bool], mode: str, notes: str) -> None:
        async def go() -> None:
            crew = team(*(member(f"m{number}", "approve") for number in range(len(answers))), mode=mode)
            before, waiting = await paused(crew)
            assert len(waiting.requirements) == len(answers)
            given_ = [Answer(each["call_id"], confirmed=yes, note=notes) for each, yes in zip(waiting.requirements, answers, strict=True)]
            after = await go_on(crew, waiting.output, *reversed(given_))
            assert isinstance(after[-1], Finished), after[-1]
            yes = {each["by"] for each, yes in zip(waiting.requirements, answers, strict=True) if yes}
            assert {event.by for event in of_kind(after, ToolFinished)} == yes
            assert len(of_kind(after, ToolFinished)) == len(yes)
            assert len(of_kind(after, ToolFailed)) == len(answers) - len(yes)
            assert {part["status"] for part in parts_of([*before, *after]) if part["kind"] == "delegation"} == {"finished"}

        asyncio.run(go())


def test_every_event_of_a_team_has_its_twin() -> None:
    classes = {(kind.__module__.rpartition(".")[2], kind.__name__) for kind in translation._BY_CLASS}
    assert {name for module, name in classes if module == "agent"} - {"RunOutput"} == {
        name for module, name in classes if module == "team"
    } - {"TeamRunOutput"}
