"""A run that waits for a person: what it asks for, what is stored of it, and how it is built again from that alone."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from agno.metrics import RunMetrics
from agno.models.message import Message
from agno.models.response import ToolExecution
from agno.run.agent import RunOutput
from agno.run.requirement import RunRequirement
from agno.run.team import TeamRunOutput
from agno.tools.function import UserInputField

from agentos.agents.events import Event, ToolFailed, ToolFinished, ToolStarted
from agentos.agents.media import Media
from agentos.agents.runtime import approvals, call_context, conversation
from agentos.agents.runtime.approvals import Answer
from agentos.agents.runtime.text import bounded, clean, jsonable
from agentos.agents.tools.definition import Answered, Asks, current

ASK = "get_user_input"  # Agno's tool whose arguments are the form

# The history and the user's input are elsewhere already.
STORED = ("run_id", "session_id", "user_id", "agent_id", "status", "messages", "tools")
STORED_OF_TEAM = (*STORED, "team_id", "requirements", "member_responses", "session_state")

Paused = RunOutput | TeamRunOutput


@dataclass(frozen=True, slots=True)
class Call:
    """A call that waits. ``id``: ours, one of its own within the run. ``run_id``: of the run that it stands in, a member's or the run's.
    ``requirement``: of a team's run, which is where Agno looks for the answer."""

    id: str
    tool: ToolExecution
    run_id: str
    by: str = ""
    name: str = ""
    requirement: RunRequirement | None = None


def stored(output: Paused) -> dict[str, Any]:
    """Return the paused run as JSON, and in ``asked`` what calls ask that were begun."""
    data = output.to_dict()
    names = STORED_OF_TEAM if isinstance(output, TeamRunOutput) else STORED
    kept = {name: data[name] for name in names if name in data}
    if asked := {_place(call): asdict(asks) for call in waiting_calls(output) if (asks := _asks(call))}:
        kept["asked"] = asked
    return dict(jsonable(kept))


def hold(tool: ToolExecution) -> None:
    """Have Agno take a call that was begun, and asks something, for one that waits for a person."""
    tool.requires_user_input, tool.answered, tool.result = True, None, None
    tool.user_input_schema = [UserInputField(name="answer", field_type=str)]  # without an empty one it would count as answered


def _place(call: Call) -> str:
    return f"{call.run_id}/{call.tool.tool_call_id or ''}"


def _asks(call: Call) -> Asks | None:
    return call_context.asked(call.run_id, call.tool.tool_call_id or "")


def _begun(call: Call, data: Mapping[str, Any]) -> Asks | None:
    """Return what a call of a stored run asks."""
    found = (data.get("asked") or {}).get(_place(call))
    return Asks(**found) if found else None


def waiting_calls(output: Paused) -> list[Call]:
    """Return the calls that wait for a person, those of members too. Models of members may have given two of them the same id."""
    if isinstance(output, RunOutput):
        return [Call(tool.tool_call_id or "", tool, output.run_id or "") for tool in output.tools or () if tool.is_paused]
    calls: list[Call] = []
    for requirement in output.requirements or ():
        tool = requirement.tool_execution
        if tool is None or not tool.is_paused or requirement.is_resolved():
            continue
        call_id, number = tool.tool_call_id or "", 1
        while call_id in {call.id for call in calls} or not call_id:
            number += 1
            call_id = f"{tool.tool_call_id or ''}.{number}"
        run_id = requirement.member_run_id or output.run_id or ""
        calls.append(Call(call_id, tool, run_id, *_member(requirement), requirement))
    return calls


def _member(requirement: RunRequirement) -> tuple[str, str]:
    agent_id = clean(requirement.member_agent_id or "")
    return agent_id, clean(requirement.member_agent_name or agent_id)


def outside(output: Paused) -> list[str]:
    """Return the names of tools that wait to be executed by somebody else, which nobody can do here."""
    return sorted({clean(call.tool.tool_name or "") for call in waiting_calls(output) if call.tool.external_execution_required})


def requirements(output: Paused) -> list[dict[str, Any]]:
    """Return what a person is asked, one entry a tool call."""
    return [_requirement(call, _asks(call)) | _lasting(call) for call in waiting_calls(output)]


def rebuilt(
    output: Mapping[str, Any], answers: Sequence[Answer], history: list[Message], media: Media | None = None
) -> tuple[Paused, list[tuple[Call, Answer]]]:
    """Return the run with the answers in it, ready to go on, and the calls with their answers as they were understood. Raises BadAnswer.
    ``media``: what went with the message, which is not stored.

    What is called with which arguments comes from ``output``, the stored run. The answers are set where Agno looks: on the tools of an
    agent, whose list of requirements would be a second copy after the way through JSON, and is not stored; on the requirements of a team.
    """
    data = copy.deepcopy(dict(output))
    run: Paused = TeamRunOutput.from_dict(data) if "team_id" in data else RunOutput.from_dict(data)
    waiting = waiting_calls(run)
    # Whether an approval may last was checked when the answer was stored.
    begun = {call.id: asks for call in waiting if (asks := _begun(call, data))}
    wanted = [_requirement(call, begun.get(call.id)) for call in waiting]
    understood = approvals.check(wanted, [replace(answer, lasting=False) for answer in answers])
    for call in waiting:
        if asks := begun.get(call.id):
            _go_on(run, call, asks, understood[call.id])
        else:
            _answer(call.tool, understood[call.id], _messages_of(run, call))
        if call.requirement is not None:
            _answer_requirement(call.requirement, call.tool)
    if isinstance(run, TeamRunOutput):
        _answer_stored_tools(run, waiting)
    messages = run.messages or []
    first = 1 if messages and messages[0].role == "system" else 0
    if media and (asked := next((message for message in messages if message.role == "user"), None)):
        conversation.attach(asked, media)
    run.messages = [*messages[:first], *history, *messages[first:]]
    run.metrics = RunMetrics()
    # A call that asks is made again whatever was answered: its server hears of a no, too.
    return run, [(call, replace(understood[call.id], confirmed=True) if call.id in begun else understood[call.id]) for call in waiting]


def _go_on(run: Paused, call: Call, asks: Asks, answer: Answer) -> None:
    """Have a call that asked made again, with what was answered, as if it had never given anything."""
    tool, given = call.tool, call.tool.tool_call_id or ""
    tool.requires_user_input, tool.user_input_schema, tool.result = None, None, None
    tool.requires_confirmation, tool.confirmed = True, True
    current.get().answered[call.run_id, given] = Answered(answer.values, answer.confirmed, asks.kept)
    messages = _messages_of(run, call)
    kept = [each for each in messages if not (each.role == "tool" and each.tool_call_id == given)]
    while kept and kept[-1].role == "assistant" and not kept[-1].content and not kept[-1].tool_calls:
        kept.pop()
    messages[:] = kept


def _answer_requirement(requirement: RunRequirement, tool: ToolExecution) -> None:
    """Say it once more where Agno looks for members' calls."""
    requirement.user_input_schema = tool.user_input_schema if tool.requires_user_input else None
    if tool.requires_user_input:
        tool.answered = True
    else:
        requirement.confirmation, requirement.confirmation_note = tool.confirmed, tool.confirmation_note


def _answer_stored_tools(run: TeamRunOutput, waiting: Sequence[Call]) -> None:
    """The calls stand in the leader's own list, or in their member's, too."""
    for each in (run, *(run.member_responses or ())):
        answered = {call.tool.tool_call_id: call.tool for call in waiting if call.run_id == each.run_id}
        each.tools = [answered.get(tool.tool_call_id, tool) for tool in each.tools or ()]


def _messages_of(run: Paused, call: Call) -> list[Message]:
    """Return the messages of the run that the call stands in."""
    members = run.member_responses or [] if isinstance(run, TeamRunOutput) else []
    return next((each.messages or [] for each in members if each.run_id == call.run_id), run.messages or [])


def _lasting(call: Call) -> dict[str, Any]:
    return {"lasting": True} if call_context.is_lasting(call.tool.tool_name or "", call.by) else {}


def decided(calls: Sequence[tuple[Call, Answer]], places: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> list[Event]:
    """Return the events of the calls that a person has decided without a tool being run; Agno has none for them. ``places``: the
    delegations of a team, by the member's run."""
    events: list[Event] = []
    for call, answer in calls:
        if answer.confirmed and call.tool.tool_name != ASK:
            continue
        place = places.get(call.run_id)
        where: dict[str, Any] = {"within": place["call_id"], "by": place["by"]} if place else {}
        name = clean(call.tool.tool_name or "")
        events.append(ToolStarted(call.id, name, _requirement(call)["args"], **where))
        if answer.confirmed:
            said = "\n".join(f"{key}: {'' if value is None else value}" for key, value in answer.values.items())
            events.append(ToolFinished(call.id, name, bounded(said), **where))
        else:
            events.append(ToolFailed(call.id, name, refusal(answer), **where))
    return events


def _requirement(call: Call, asks: Asks | None = None) -> dict[str, Any]:
    tool = call.tool
    by = {"by": call.by, "member": call.name} if call.by else {}
    if asks is not None:
        fields = [dict(jsonable(item)) for item in asks.fields]
        return by | {
            "call_id": call.id,
            "kind": approvals.INPUT,
            "name": tool.tool_name or "",
            "args": {},
            "fields": fields,
            "message": asks.message,
        }
    return by | {
        "call_id": call.id,
        "kind": approvals.INPUT if tool.requires_user_input else approvals.CONFIRM,
        "name": tool.tool_name or "",
        "args": jsonable({} if tool.tool_name == ASK else tool.tool_args or {}),
        "fields": [
            {
                "name": name,
                "type": getattr(item.field_type, "__name__", "str"),
                "description": item.description or "",
                "value": jsonable(item.value),
            }
            for name, item in _fields(tool).items()
        ],
    }


def _fields(tool: ToolExecution) -> dict[str, Any]:
    """Return the fields by name; a model may have left a name out, or given one twice."""
    found: dict[str, Any] = {}
    for number, item in enumerate(tool.user_input_schema or (), start=1):
        name = " ".join(str(item.name or "").split())
        found[name if name and name not in found else f"field {number}"] = item
    return found


def _answer(tool: ToolExecution, answer: Answer, messages: Sequence[Message]) -> None:
    if tool.requires_user_input and answer.confirmed:
        for name, item in _fields(tool).items():
            item.value = answer.values.get(name)
        return
    # A form that is declined is refused like any call; Agno would otherwise go on with empty values.
    tool.requires_user_input, tool.requires_confirmation = None, True
    tool.confirmed = answer.confirmed
    tool.confirmation_note = None if answer.confirmed else refusal(answer)
    if answer.arguments:
        tool.tool_args = {**(tool.tool_args or {}), **answer.arguments}
        _rewrite(messages, tool)


def _rewrite(messages: Sequence[Message], tool: ToolExecution) -> None:
    """Let the model read the call as it is made: it would otherwise tell of what a person has changed."""
    for message in messages:
        for call in message.tool_calls or ():
            if call.get("id") == tool.tool_call_id and isinstance(call.get("function"), dict):
                call["function"] = {**call["function"], "arguments": json.dumps(tool.tool_args, ensure_ascii=False)}


def refusal(answer: Answer) -> str:
    return f"{approvals.REFUSED} {answer.note}".strip()
