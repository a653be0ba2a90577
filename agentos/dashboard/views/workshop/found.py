"""The agent that a page of the workshop is about."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from agentos.agents import queries
from agentos.agents.models import DjangoAgent
from agentos.core.http.request import SignedInRequest


def agent_to_edit(request: SignedInRequest, agent_id: str) -> DjangoAgent:
    """Raises PermissionDenied for who may use it and not change it; for others it is not there."""
    found = queries.agents_to_edit(request.user).select_related("team", "owner").filter(agent_id=agent_id).first()
    if found:
        return found
    if queries.agents_for(request.user).filter(agent_id=agent_id).exists():
        raise PermissionDenied
    raise Http404
