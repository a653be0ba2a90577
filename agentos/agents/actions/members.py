"""Who is in a team of agents."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction

from agentos.access.rights import changed
from agentos.access.users import User
from agentos.agents.models import MEMBERS, DjangoAgent, TeamMember
from agentos.audit.actions import record


@transaction.atomic
def set_members(*, team: DjangoAgent, members: Sequence[tuple[DjangoAgent, str]], by: User | None) -> None:
    """Say who is in the team, in this order, each with its task. Raises ValidationError for who cannot be, and for too many."""
    if len(members) > MEMBERS:
        msg = f"A team has at most {MEMBERS} members."
        raise ValidationError(msg)
    agents = [agent for agent, _ in members]
    if team.kind == DjangoAgent.Kind.TEAM and len(set(agents)) < len(agents):
        msg = "Nobody is in a team twice."
        raise ValidationError(msg)
    rows = [TeamMember(team=team, agent=agent, position=place, task=task) for place, (agent, task) in enumerate(members, start=1)]
    for row in rows:
        row.full_clean()
    team.roster.all().delete()
    TeamMember.objects.bulk_create(rows)
    changed()
    record("agents.agent.members", by=by, object_type="agent", object_id=team.agent_id, members=[agent.agent_id for agent in agents])
