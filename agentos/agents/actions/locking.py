"""Who may change an agent, asked under its lock."""

from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import queries
from agentos.agents.errors import NotYourAgent
from agentos.agents.models import DjangoAgent


def lock_to_edit(agent: DjangoAgent, by: User | None) -> DjangoAgent:
    """Return the agent as it is now. ``by`` None: the system acts. Raises NotYourAgent, DjangoAgent.DoesNotExist."""
    found: DjangoAgent = DjangoAgent.objects.select_related("owner").select_for_update(of=("self",)).get(pk=agent.pk)
    if by is not None and not queries.may_edit(by, found):
        raise NotYourAgent(_("Only the owners and admins of its team, and operators, can change this agent."))
    return found
