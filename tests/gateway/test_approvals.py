"""What a client may say to a call that waits: yes, no, a note, values, and nothing else of it."""

from types import SimpleNamespace
from typing import Any

import pytest
from agno.models.response import ToolExecution
from agno.tools.function import UserInputField

from agentos.agents.runtime import Answer
from agentos.agents.runtime.approvals import INPUT
from agentos.chat.errors import InvalidInput
from agentos.chat.models import Run
from agentos.gateway.agents import _decided
from agentos.gateway.approvals import answers_of

SEND: dict[str, Any] = {"kind": "approval", "call_id": "1", "name": "send", "args": {"to": "Ada"}}
FORM: dict[str, Any] = {"kind": INPUT, "call_id": "2", "name": "ask", "args": {}, "fields": []}


def waiting(*requirements: dict[str, Any]) -> Run:
    return Run(status=Run.Status.WAITING, requirements=list(requirements))


def tool(call_id: str = "1", **said: Any) -> ToolExecution:
    return ToolExecution(call_id, **said)


class TestAnApproval:
    @pytest.mark.parametrize(("confirmed", "note"), [(True, None), (False, "Not now.")])
    def test_is_yes_or_no_with_a_note(self, confirmed: bool, note: str | None) -> None:
        (answer,) = answers_of(waiting(SEND), [tool(confirmed=confirmed, confirmation_note=note)])
        assert answer == Answer("1", confirmed, note or "")

    def test_may_repeat_the_call_as_it_is(self) -> None:
        (answer,) = answers_of(waiting(SEND), [tool(tool_name="send", tool_args={"to": "Ada"}, confirmed=True)])
        assert answer.confirmed

    @pytest.mark.parametrize(
        ("changed", "what"),
        [({"tool_name": "pay"}, "tool_name"), ({"tool_args": {"to": "Mallory"}}, "tool_args"), ({"result": "Sent."}, "result")],
    )
    def test_of_a_call_that_was_changed_is_refused(self, changed: dict[str, Any], what: str) -> None:
        with pytest.raises(InvalidInput, match=what):
            answers_of(waiting(SEND), [tool(confirmed=True, **changed)])

    @pytest.mark.parametrize(
        ("tools", "sentence"),
        [
            ([], "waits for an answer"),
            ([tool()], "Say yes or no"),
            ([tool(confirmed=True), tool("9", confirmed=True)], "Nobody asked"),
        ],
    )
    def test_says_what_is_missing(self, tools: list[ToolExecution], sentence: str) -> None:
        with pytest.raises(InvalidInput, match=sentence) as refused:
            answers_of(waiting(SEND), tools)
        assert refused.value.field == "tools"

    def test_of_a_run_that_does_not_wait_any_more_is_left_to_the_action(self) -> None:
        assert answers_of(Run(status=Run.Status.COMPLETED, requirements=[]), [tool(confirmed=True)]) == []


class TestARequirement:
    """Clients of MCP and AG-UI answer the requirement that the call stands in, or the call itself."""

    @pytest.mark.parametrize("confirmed", [True, False])
    def test_says_yes_or_no_for_its_call(self, confirmed: bool) -> None:
        requirement = SimpleNamespace(tool_execution=tool(), confirmation=confirmed, confirmation_note="So", user_input_schema=None)
        decided = _decided(requirement)
        assert (decided.tool_call_id, decided.confirmed, decided.confirmation_note) == ("1", confirmed, "So")

    def test_that_says_nothing_leaves_what_the_call_says(self) -> None:
        said = tool(confirmed=True, confirmation_note="Yes", user_input_schema=[UserInputField("city", str, value="Rome")])
        decided = _decided(SimpleNamespace(tool_execution=said, confirmation=None, confirmation_note=None, user_input_schema=[]))
        assert (decided.confirmed, decided.confirmation_note, len(decided.user_input_schema or [])) == (True, "Yes", 1)

    def test_may_hold_the_values_of_a_form(self) -> None:
        schema = [UserInputField("city", str, value="Rome")]
        decided = _decided(SimpleNamespace(tool_execution=tool("2"), confirmation=None, confirmation_note=None, user_input_schema=schema))
        assert decided.user_input_schema == schema


class TestAForm:
    def test_is_answered_with_values(self) -> None:
        fields = [UserInputField("city", str, value="Rome"), UserInputField("nights", int, value=3)]
        answers = answers_of(waiting(SEND, FORM), [tool("2", user_input_schema=fields), tool(confirmed=True)])
        assert answers == [Answer("1", True), Answer("2", values={"city": "Rome", "nights": 3})]

    def test_may_be_refused(self) -> None:
        (answer,) = answers_of(waiting(FORM), [tool("2", confirmed=False, confirmation_note="No.")])
        assert (answer.confirmed, answer.note) == (False, "No.")

    def test_may_be_empty(self) -> None:
        assert answers_of(waiting(FORM), [tool("2")]) == [Answer("2", values={})]
