"""Agents that somebody keeps at the top of their lists."""

from agentos.access.users import User
from agentos.agents.models import AgentPin, DjangoAgent


def pin_agent(*, agent: DjangoAgent, by: User) -> None:
    """Keep an agent that this user may use at the top; twice is once."""
    AgentPin.objects.bulk_create([AgentPin(agent=agent, user=by)], ignore_conflicts=True)


def unpin_agent(*, agent_id: str, by: User) -> None:
    AgentPin.objects.filter(agent__agent_id=agent_id, user=by).delete()
