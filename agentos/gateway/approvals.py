"""Parses what a client posts to a waiting run: yes, no, a note, values. The call that it is about is the stored one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agno.models.response import ToolExecution

from agentos.agents.runtime import Answer
from agentos.agents.runtime.approvals import INPUT
from agentos.chat.errors import InvalidInput
from agentos.chat.models import Run


def answers_of(run: Run, tools: Iterable[ToolExecution]) -> list[Answer]:
    """Return one answer for each call that waits. Raises InvalidInput when one is missing, or is not the call that is stored."""
    given = {tool.tool_call_id: tool for tool in tools}
    asked: Sequence[Mapping[str, Any]] = run.requirements
    unknown = given.keys() - {requirement["call_id"] for requirement in asked}
    if unknown and run.status == Run.Status.WAITING:
        raise InvalidInput("tools", "Nobody asked for one of these calls.")
    return [_answer(requirement, given.get(requirement["call_id"])) for requirement in asked]


def _answer(requirement: Mapping[str, Any], tool: ToolExecution | None) -> Answer:
    call_id = requirement["call_id"]
    if tool is None:
        raise InvalidInput("tools", f"The call {call_id} waits for an answer.")
    _check_same(requirement, tool)
    note = str(tool.confirmation_note or "")
    if requirement["kind"] != INPUT:
        if tool.confirmed is None:
            raise InvalidInput("tools", f"Say yes or no to the call {call_id}: set confirmed.")
        return Answer(call_id, bool(tool.confirmed), note)
    if tool.confirmed is False:
        return Answer(call_id, confirmed=False, note=note)
    return Answer(call_id, values={item.name: item.value for item in tool.user_input_schema or ()})


def _check_same(requirement: Mapping[str, Any], tool: ToolExecution) -> None:
    """Whoever changes a call and approves it would believe that the changed one is made: it is refused, and not just ignored."""
    changed = [
        name
        for name, posted, stored in (
            ("tool_name", tool.tool_name, requirement["name"]),
            ("tool_args", tool.tool_args, requirement["args"]),
        )
        if posted and posted != stored
    ]
    if changed or tool.result:
        raise InvalidInput(
            "tools", f"A call that waits cannot be changed ({', '.join(changed) or 'result'}). Approve or refuse it as it is."
        )
