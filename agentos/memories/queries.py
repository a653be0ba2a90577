"""Reading memories: a person's own, and nobody else's."""

from django.db.models import F, Q, QuerySet

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for
from agentos.core.db.prepared import Query
from agentos.memories.models import Memory, MemorySettings

SLUG = "memory"  # of the tool by which an agent has them


def is_on(user_pk: int) -> bool:
    return bool(_IS_ON.rows(user_pk))


_IS_ON = Query(lambda user: MemorySettings.objects.filter(user=user, is_on=True).values_list("pk"), int)


def memories_for(user: User) -> QuerySet[Memory]:
    """The newest first, with their agents."""
    return Memory.objects.filter(user=user).select_related("agent").order_by("-number")


def memory_for(user: User, number: int) -> Memory | None:
    return memories_for(user).filter(number=number).first()


def told_to(user_pk: int, agent_id: str) -> QuerySet[Memory]:
    """What this agent is told of a person: what is its own first, then what is for every agent; the newest of each first."""
    told = Memory.objects.filter(Q(agent__agent_id=agent_id) | Q(agent=None), user=user_pk)
    return told.order_by(F("agent").asc(nulls_last=True), "-number")


def agents_that_remember(user: User) -> list[DjangoAgent]:
    """Those that this user may use now and that have the tool, by name."""
    return [agent for agent in agents_for(user).order_by("name", "pk") if SLUG in agent.tools]
