"""Agents: those that the caller may use."""

from agentos.api import schemas
from agentos.api.auth import ApiRequest
from agentos.api.errors import FIND, READ
from agentos.api.parameters import AgentId
from agentos.api.scopes import ScopedRouter
from agentos.service import AgentNotFound, AgentOSService

router = ScopedRouter(tags=["Agents"])


@router.get(
    "/agents/", url_name="agentos_agents_api", operation_id="agents", response={200: schemas.AgentList, **READ}, summary="My agents"
)
def agentos_agents_api(request: ApiRequest) -> schemas.AgentList:
    """The agents that the caller may use now."""
    return schemas.AgentList(agents=agents_of(AgentOSService(request.auth)))


@router.get("/agents/{agent_id}/", url_name="agent", operation_id="agent", response={200: schemas.Agent, **FIND}, summary="One agent")
def agent(request: ApiRequest, agent_id: AgentId) -> schemas.Agent:
    for found in agents_of(AgentOSService(request.auth)):
        if found.id == agent_id:
            return found
    raise AgentNotFound


def agents_of(service: AgentOSService) -> list[schemas.Agent]:
    return [schemas.Agent(**card.as_json()) for card in service.get_available_agents()]
