"""Tools of MCP servers as tools of agents: by slugs like ``mcp:<server>/<tool>``, called over connections that a run keeps."""

import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import fields
from threading import Lock
from typing import Any

from agentos.agents.tools.definition import ASK, AUTO, Asks, Refused, Tool, ToolFunction, calling, current, show
from agentos.connections import queries, questions
from agentos.connections.calls import Calls
from agentos.connections.problems import ConnectionProblem, NoKey
from agentos.connections.queries import ChosenTool
from agentos.connections.questions import AsksFirst

GROUP = "Connections"
NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}}


def source(slugs: Collection[str] | None) -> dict[str, Tool]:
    """Return those of these slugs, or for None all that can be chosen now (agents/tools/catalogue.py: Source). One query."""
    found = queries.choices() if slugs is None else queries.chosen(slugs)
    return {tool.slug: tool_of(tool) for tool in found}


KEPT = 1000  # tools
_kept: OrderedDict[str, Tool] = OrderedDict()
_keeping = Lock()


def tool_of(chosen: ChosenTool) -> Tool:
    """Return it as a tool with one function, the same one as long as nothing of it has changed. One that cannot be called now is there as
    well: it says why, to the model and to people."""
    key = json.dumps([getattr(chosen, each.name) for each in fields(chosen)])
    with _keeping:
        tool = _kept[key] = _kept.get(key) or _tool_of(chosen)
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return tool


def _tool_of(chosen: ChosenTool) -> Tool:
    about = f"Not available now: {chosen.away}" if chosen.away else chosen.description
    return Tool(
        chosen.slug,
        chosen.label,
        about or chosen.name,
        group=GROUP,
        policy=AUTO if chosen.away else chosen.policy,
        policies=(ASK, AUTO) if chosen.away or chosen.policy == AUTO else (ASK,),
        is_private=True,
        network=True,
        team=chosen.team,
        functions=[ToolFunction(chosen.called, about, NOTHING if chosen.away else chosen.schema, _call_of(chosen))],
    )


def _call_of(chosen: ChosenTool) -> Any:
    async def call(**arguments: Any) -> str | Asks:
        if chosen.away:
            raise Refused(chosen.away)
        try:
            return await _calls().call(chosen.server, chosen.name, arguments, _answer())
        except AsksFirst as asks:
            found = asks.questions
            return Asks(f"{chosen.label.partition(':')[0]}: {found.message}", found.fields, found.stored())
        except NoKey as problem:
            sentence = problem.sentence
            show({"kind": "connect", "server": problem.slug})
            raise Refused(sentence) from None
        except ConnectionProblem as problem:
            raise Refused(problem.sentence) from None

    return call


def _answer() -> tuple[Any, str | None] | None:
    """Return what a person said to the questions of this call, as the server takes it; None for a call that has asked nothing yet."""
    found = current.get().answered.pop(calling.get(), None)
    if found is None:
        return None
    return questions.responses(found.kept, found.values, accepted=found.accepted), found.kept["state"]


def _calls() -> Calls:
    """Return what this run has open, which is closed with it."""
    context = current.get()
    calls: Calls | None = context.kept.get(GROUP)
    if calls is None:
        calls = context.kept[GROUP] = Calls(int(context.user_id) if context.user_id.isdecimal() else None, context.run_id)
        context.resources.callback(calls.close)
    return calls
