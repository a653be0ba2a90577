"""The caller's teams as Agno's server is shown them: as thin as agents are, and with the names of their members.

Agno's routes list and keep teams of its own classes only. Of the classes these have the name, and nothing else: they are made by nobody's
constructor, and what is asked of a team is answered by ``CallersAgent``.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from agno.agent import Agent
from agno.team import Team

from agentos.agents.cache import AgentCard
from agentos.gateway import context
from agentos.gateway.agents import CallersAgent
from agentos.gateway.store import Store
from agentos.gateway.words import TEAM


class CallersMember(Agent):
    """A member, as far as the members of a team are told."""

    def __init__(self, agent_id: str, name: str) -> None:
        self.id, self.name = agent_id, name

    async def aget_tools(self, *_args: Any, **_kwargs: Any) -> list[Any]:
        return []


class CallersTeam(CallersAgent, Team):  # type: ignore[misc]  # of Team's ways none is gone
    words = TEAM
    stream_member_events = False

    def __init__(self, card: AgentCard, store: Store) -> None:
        super().__init__(card, store)
        self.members = [CallersMember(agent_id, name) for agent_id, name, _, _ in card.members]

    def deep_copy(self, **_update: Any) -> "CallersTeam":
        return self

    def _determine_tools_for_model(self, *_args: Any, **_kwargs: Any) -> list[Any]:
        return []


class CallersTeams(Sequence[Team]):
    """The list of teams of Agno's server: for every request those of its caller, and outside of a request none."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __len__(self) -> int:
        return len(context.current().teams) if context.is_open() else 0

    def __iter__(self) -> Iterator[Team]:
        return iter([CallersTeam(card, self.store) for card in context.current().teams] if context.is_open() else [])

    def __getitem__(self, place: Any) -> Any:
        return list(self)[place]
