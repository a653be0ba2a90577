"""The interfaces on Agno's side: what its constructor is given for those that are switched on."""

from collections.abc import Sequence
from typing import Any

from agno.agent import Agent
from agno.os.config import MCPConfig

from agentos.gateway import context
from agentos.gateway.agents import CallersAgent, CallersAgents
from agentos.gateway.store import Store

INSTRUCTIONS = "Run the agents that you may use, and read the chats with them."


class AgentOfThePath(CallersAgent):
    """The agent that the address of the request names: an interface of Agno's is made for one agent, before anybody asks."""

    def __init__(self, store: Store) -> None:
        self.db = store

    @property
    def id(self) -> str:  # type: ignore[override]
        return context.current().agent_id

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.id


class CallersNativeAgent(CallersAgent, Agent):  # type: ignore[misc]  # of Agent's ways none is gone
    """Agno's A2A serves agents of its own class only. Of the class this one has the name, and nothing else: it is made by nobody's
    constructor, and what is asked of an agent is answered above."""

    def deep_copy(self, **_update: Any) -> "CallersNativeAgent":
        return self


class CallersNativeAgents(CallersAgents):
    kind = CallersNativeAgent

    def __bool__(self) -> bool:
        return True  # Agno asks before anybody calls


def arguments(names: Sequence[str], store: Store) -> dict[str, Any]:
    """Raises ImportError when the package of an interface is not installed."""
    found: dict[str, Any] = {}
    if "agui" in names:
        from agno.os.interfaces.agui import AGUI  # noqa: PLC0415 - its package may be absent

        found["interfaces"] = [AGUI(agent=AgentOfThePath(store), prefix="/agents/{agent_id}")]  # type: ignore[arg-type]
    if "a2a" in names:
        from agno.os.interfaces.a2a import A2A  # noqa: PLC0415

        found.setdefault("interfaces", []).append(A2A(agents=CallersNativeAgents(store)))  # type: ignore[arg-type]
    if "mcp" in names:
        # Hosts are checked by the guard, which knows ours.
        tools: dict[str, Any] = {"default_tools": True, "server_card": False, "tool_run_endpoint": False}
        found["mcp"] = MCPConfig(instructions=INSTRUCTIONS, stateless=True, allowed_hosts=["localhost"], **tools)
    return found
