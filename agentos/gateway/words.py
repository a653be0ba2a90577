"""A run in the words of Agno's clients: as an agent's, or, for whoever asks below ``/teams``, as a team's."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from agno.db.base import SessionType
from agno.run import agent, team
from agno.session.agent import AgentSession
from agno.session.team import TeamSession


@dataclass(frozen=True, slots=True)
class Words:
    """``events`` has the classes of the events, which are called alike in both; ``kind`` is how fields begin that name who runs."""

    kind: str
    events: ModuleType
    output: type
    input: type
    session: type
    session_type: SessionType

    def whose(self, component_id: str, name: str | None = None) -> dict[str, Any]:
        """Return the fields that say whose run, session or event it is."""
        return {f"{self.kind}_id": component_id} | ({f"{self.kind}_name": name} if name is not None else {})


AGENT = Words("agent", agent, agent.RunOutput, agent.RunInput, AgentSession, SessionType.AGENT)
TEAM = Words("team", team, team.TeamRunOutput, team.TeamRunInput, TeamSession, SessionType.TEAM)


def words_for(*, as_team: bool) -> Words:
    return TEAM if as_team else AGENT
