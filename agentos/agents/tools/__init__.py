"""The tools that an agent may be given. See docs/add-a-tool.md for how to write one."""

from agentos.agents.tools.catalogue import (
    NATIVE,
    described,
    fitting,
    fixed,
    is_offered,
    label_of,
    label_of_slug,
    not_offered,
    policy_of,
    reads_of,
    sources,
    told_needs,
    tool_choices,
    tools,
)
from agentos.agents.tools.definition import ASK, AUTO, Answer, CallContext, Refused, Tool, ToolFunction, tool
from agentos.agents.tools.schema import BadArguments, BadTool

__all__ = [
    "ASK",
    "AUTO",
    "NATIVE",
    "Answer",
    "BadArguments",
    "BadTool",
    "CallContext",
    "Refused",
    "Tool",
    "ToolFunction",
    "described",
    "fitting",
    "fixed",
    "is_offered",
    "label_of",
    "label_of_slug",
    "not_offered",
    "policy_of",
    "reads_of",
    "sources",
    "told_needs",
    "tool",
    "tool_choices",
    "tools",
]
