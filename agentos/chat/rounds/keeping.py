"""Keeping an answer as a test of its agent: its message, the answer, and the tools that were called. Nothing else of its chat."""

from typing import Any

from agentos.agents.cases import TOOLS
from agentos.agents.tools import described
from agentos.chat.models import Run
from agentos.chat.rounds.answering import called_in


def case_of(run: Run) -> dict[str, Any]:
    """Return the columns of a test (``agents.models.AgentCase``)."""
    slugs = {name: tool.slug for tool in described(run.session.agent.tools) for name in tool.names}
    tools = dict.fromkeys(slugs.get(name, name) for name in called_in(run.parts))
    return {"message": run.input, "kept_answer": run.answer, "tools": list(tools)[:TOOLS]}
