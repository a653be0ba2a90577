"""Tools for Agno: those that are functions of ours, and a factory for each of ``agents/tools/catalogue.NATIVE``.

The native ones are plain functions, which Agno runs in threads; none waits for anything.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agno.run import RunContext
from agno.tools import Toolkit
from agno.tools import tool as agno_tool
from agno.tools.function import Function, FunctionCall
from agno.tools.reasoning import ReasoningTools
from agno.tools.user_control_flow import UserControlFlowTools

from agentos.agents.runtime import calculator
from agentos.agents.runtime.text import bounded, jsonable
from agentos.agents.tools import ASK, Answer, CallContext, Refused, Tool, ToolFunction, fixed, is_offered, policy_of
from agentos.agents.tools.definition import Asks, calling, current, show
from agentos.core import clock

AgnoTool = Toolkit | Function

TEXT_LIMIT = 100_000  # characters
ZONE_LIMIT = 64  # characters
WORDS_A_MINUTE = 230
SENTENCE_END = re.compile(r"[.!?](?!\S)")  # the last of several marks

WAITS = "(This call waits for an answer of the user.)"

# Agno shows these two as reasoning.
REASONING = frozenset({"think", "analyze"})


class NotOffered(LookupError):
    """The agent has tools that it may not have now."""


def current_time(zone: str = "UTC") -> str:
    """Tell the date and the time now.

    Args:
        zone: Name of a time zone, for example Europe/Berlin. UTC without one.
    """
    try:
        if len(zone) > ZONE_LIMIT:
            raise ValueError  # noqa: TRY301 - what is looked for in files must not be endless
        here: datetime = clock.now().astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"There is no time zone {zone[:60]!r}; use a name such as Europe/Berlin.") from None
    return f"{here:%A, %d %B %Y, %H:%M:%S} ({zone}, {here:%z})"


def text_statistics(text: str) -> str:
    """Count the characters, words, sentences and lines of a text.

    Args:
        text: The text, at most 100,000 characters.
    """
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"The text has {len(text):,} characters; {TEXT_LIMIT:,} can be counted.")
    words = len(text.split())
    sentences = len(SENTENCE_END.findall(text)) or min(1, words)
    minutes = max(1, round(words / WORDS_A_MINUTE)) if words else 0
    return f"characters: {len(text)}, words: {words}, sentences: {sentences}, lines: {len(text.splitlines())}, minutes to read: {minutes}"


def post_letter(to: str, text: str) -> str:
    """Rehearse the sending of a letter. Nothing is sent.

    Args:
        to: Who would get it.
        text: What it would say.
    """
    return f"This was a rehearsal: no letter to {to[:80]} was sent ({len(text)} characters)."


FACTORIES: dict[str, Callable[[], AgnoTool]] = {
    "calculator": lambda: Toolkit(name="calculator", tools=list(calculator.FUNCTIONS)),
    "clock": lambda: Toolkit(name="clock", tools=[current_time]),
    "text": lambda: Toolkit(name="text", tools=[text_statistics]),
    "reasoning": lambda: ReasoningTools(add_instructions=True),
    "ask": UserControlFlowTools,
    "letterbox": lambda: agno_tool(requires_confirmation=True)(post_letter),
}


@cache
def _shared(factory: Callable[[], AgnoTool]) -> AgnoTool:
    """Return the tool, made once: Agno copies its functions for every run, and takes milliseconds to look into new ones."""
    return factory()


def toolbox(slugs: Collection[str], stored: Mapping[str, Tool]) -> list[Tool]:
    """Return the tools of these slugs, each once. ``stored`` has those that only the database knows. Raises NotOffered: an agent that
    should have a tool does not go without."""
    wanted = list(dict.fromkeys(slugs))
    known = {**fixed(), **stored}
    refused = [slug for slug in wanted if slug not in known or not is_offered(known[slug])]
    if refused:
        raise NotOffered(f"These tools are not offered: {', '.join(refused)}.")
    if missing := [reason for slug in wanted if (reason := known[slug].needs())]:
        raise NotOffered(" ".join(missing))
    return [known[slug] for slug in wanted]


def build(toolbox: Collection[Tool], context: CallContext | None = None) -> list[AgnoTool]:
    """Return them as Agno takes them. ``context``: a member's of a team, in which its tools are called whoever has spoken last."""
    made: list[AgnoTool] = []
    for tool in toolbox:
        if tool.slug in FACTORIES:
            made.append(_shared(FACTORIES[tool.slug]))
        else:
            made += _functions(tool, context)
    return made


KEPT = 1000  # tools
_kept: OrderedDict[int, tuple[Tool, list[Function]]] = OrderedDict()


def _functions(tool: Tool, context: CallContext | None) -> list[Function]:
    """Made once for each tool, as long as it is the same one: Agno looks into the signature of each new function at every run."""
    if context is not None:
        return [_function(function, context, brings=tool.brings) for function in tool.functions]
    held = _kept.get(id(tool))
    if held is None or held[0] is not tool:
        held = tool, [_function(function, None, brings=tool.brings) for function in tool.functions]
    _kept[id(tool)] = held  # which holds the tool, so that no other gets its id
    _kept.move_to_end(id(tool))
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return list(held[1])


def _function(function: ToolFunction, context: CallContext | None, *, brings: bool) -> Function:
    async def call(**arguments: Any) -> str:  # Agno reads the names of the parameters, and fills in some that it knows
        if context is not None:
            current.set(context)
        if why := function.why_not(current.get(), arguments):
            raise Refused(why)
        answer = await function.call(**arguments)
        if isinstance(answer, Asks):
            current.get().asked[calling.get()] = answer
            return WAITS
        text = answer.text if isinstance(answer, Answer) else answer if isinstance(answer, str) else _as_json(answer)
        text = bounded(text)
        if brings:
            current.get().brought.add(function.name)
        if function.finds:
            current.get().found.update(function.finds(current.get(), text))
        if isinstance(answer, Answer) and answer.shown:
            show(answer.shown)
        return text

    return Function(
        name=function.name,
        description=function.description,
        parameters=dict(function.parameters),
        entrypoint=call,
        skip_entrypoint_processing=True,
        pre_hook=_note_call,
    )


def _note_call(fc: FunctionCall, run_context: RunContext | None) -> None:  # Agno fills in what has these names
    calling.set((run_context.run_id if run_context else "", fc.call_id or ""))


def _as_json(value: Any) -> str:
    return json.dumps(jsonable(value), ensure_ascii=False)


def asking(toolbox: Collection[Tool], context: CallContext) -> Callable[[str, Mapping[str, Any]], bool]:
    """Return what says whether a call needs a person, by its name and its arguments. Of native tools that always do, Agno knows. Of what
    can only fail nobody is asked: it is refused when it is called (``_function``)."""
    always = _asked_by_policy(toolbox, context) - (context.approved & context.lasting)
    functions = {function.name: function for tool in toolbox for function in tool.functions}

    def asks(name: str, arguments: Mapping[str, Any]) -> bool:
        function = functions.get(name)
        if function is None:
            return name in always
        if (name not in always and not function.asks) or function.why_not(context, arguments):
            return False
        return name in always or bool(function.asks and function.asks(context, arguments))

    return asks


def lasting(toolbox: Collection[Tool], context: CallContext) -> frozenset[str]:
    """Return the names of the functions that may be approved for a whole chat: those that only the policy asks about."""
    never = {function.name for tool in toolbox for function in tool.functions if not function.lasting}
    always = {name for tool in toolbox if tool.asks for name in tool.names}
    return frozenset(_asked_by_policy(toolbox, context) - never - always)


def _asked_by_policy(toolbox: Collection[Tool], context: CallContext) -> set[str]:
    judged = [tool for tool in toolbox if not (tool.asks and tool.slug in FACTORIES)]
    return {name for tool in judged if policy_of(tool, context.policies) == ASK for name in tool.names}


def names(tools: Iterable[Any]) -> set[str]:
    """Return the names by which a model calls these tools, which may be plain functions where code brings them along."""
    found: set[str] = set()
    for item in tools:
        if isinstance(item, Toolkit):
            found.update(item.functions, item.async_functions)
        else:
            found.add(str(getattr(item, "name", None) or getattr(item, "__name__", "")))
    return found
