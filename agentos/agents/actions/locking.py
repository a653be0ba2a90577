"""Who may change an agent, asked under its lock."""

from collections.abc import Iterable, Mapping

from django.db.models import Q
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import queries
from agentos.agents.errors import NotYourAgent
from agentos.agents.models import DjangoAgent


def lock_with_members(agent: DjangoAgent, members: Iterable[Mapping[str, str]]) -> None:
    """Keep an agent and these as they are until the transaction ends, before anything else of them is locked. All together and in one
    order: two who publish teams of each other wait for one another, and not forever."""
    whose = Q(pk=agent.pk) | Q(agent_id__in=[each["agent"] for each in members])
    list(DjangoAgent.objects.select_for_update().filter(whose).order_by("pk").values("pk"))


def lock_to_edit(agent: DjangoAgent, by: User | None) -> DjangoAgent:
    """Return the agent as it is now. ``by`` None: the system acts. Raises NotYourAgent, DjangoAgent.DoesNotExist."""
    found: DjangoAgent = DjangoAgent.objects.select_related("owner").select_for_update(of=("self",)).get(pk=agent.pk)
    if by is not None and not queries.may_edit(by, found):
        raise NotYourAgent(_("Only the owners and admins of its team, and operators, can change this agent."))
    return found
