"""Access requests: asking for an agent that is locked, and deciding who gets one."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Path
from pydantic import BaseModel, Field

from agentos.agents import actions, queries
from agentos.agents.models import AccessRequest
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, READ
from agentos.api.schemas import AGENT, Moment, example
from agentos.api.scopes import ScopedRouter
from agentos.core.http.errors import Problem
from agentos.core.people import address_of, name_of
from agentos.service import AgentNotFound

PERSON = {"id": "123", "name": "Mika Member", "email": "mika@example.com"}
REQUEST = {
    "id": 7,
    "agent_id": AGENT["id"],
    "agent_name": AGENT["name"],
    "person": PERSON,
    "team": "Support",
    "created_at": "2024-01-01T12:00:00Z",
}

router = ScopedRouter(tags=["Access"])

RequestId = Annotated[int, Path(..., example=7, ge=1, le=2**63 - 1)]


class Asker(BaseModel):
    model_config = example(PERSON)

    id: str
    name: str
    email: str


class RequestForAccess(BaseModel):
    """``team``: whom granting it makes a member of. Null where no team opens the agent; an operator can give its plan then."""

    model_config = example(REQUEST)

    id: int
    agent_id: str
    agent_name: str
    person: Asker
    team: str | None
    created_at: Moment


class RequestList(BaseModel):
    """``to_decide``: those that the caller may decide. ``mine``: those that the caller has made, and that nobody has decided yet."""

    model_config = example({"to_decide": [REQUEST], "mine": []})

    to_decide: list[RequestForAccess]
    mine: list[RequestForAccess]


class RequestIn(BaseModel):
    model_config = example({"agent_id": AGENT["id"]})

    agent_id: str = Field(min_length=1)


class HasAccess(Problem):
    """One asks for what is open."""

    def __init__(self) -> None:
        super().__init__(409, "You may use this agent already.", code="agent_open")


class RequestNotFound(Problem):
    """No request of this number that the caller may decide."""

    def __init__(self) -> None:
        super().__init__(404, "There is no such request, or it is not yours to decide.", code="request_not_found")


@router.get(
    "/access-requests/",
    url_name="access_requests",
    operation_id="access_requests",
    response={200: RequestList, **READ},
    summary="Who asks for an agent",
)
def access_requests(request: ApiRequest) -> RequestList:
    """Owners of a team decide about its agents, operators about all."""
    return RequestList(
        to_decide=[request_json(asked) for asked in queries.access_requests_for(request.auth)],
        mine=[request_json(asked) for asked in queries.access_requests_by(request.auth)],
    )


@router.post(
    "/access-requests/",
    url_name="access_requests",
    operation_id="ask_for_access",
    response={201: RequestForAccess, **CHANGE},
    summary="Ask for an agent",
)
def ask_for_access(request: ApiRequest, payload: RequestIn) -> HttpResponse:
    """For one that is locked. To ask again changes nothing."""
    agent = queries.locked_row_for(request.auth, payload.agent_id)
    if agent is None:
        raise HasAccess if queries.agents_for(request.auth).filter(agent_id=payload.agent_id).exists() else AgentNotFound
    asked = request_json(actions.ask_for_access(agent=agent, by=request.auth))
    return HttpResponse(asked.model_dump_json(), status=201, content_type="application/json; charset=utf-8")


@router.post(
    "/access-requests/{request_id}/grant/",
    url_name="grant_access",
    operation_id="grant_access",
    response={204: None, **CHANGE},
    summary="Open the agent to who asks",
)
def grant_access(request: ApiRequest, request_id: RequestId) -> HttpResponse:
    """Makes them a member of the agent's team, with all that this opens."""
    actions.grant_access(asked=decided(request, request_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


@router.post(
    "/access-requests/{request_id}/decline/",
    url_name="decline_access",
    operation_id="decline_access",
    response={204: None, **CHANGE},
    summary="Leave the agent closed",
)
def decline_access(request: ApiRequest, request_id: RequestId) -> HttpResponse:
    """They may ask again."""
    actions.decline_access(asked=decided(request, request_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


def decided(request: ApiRequest, request_id: int) -> AccessRequest:
    asked = queries.access_requests_decided_by(request.auth).filter(pk=request_id).first()
    if asked is None:
        raise RequestNotFound
    return asked


def request_json(asked: AccessRequest) -> RequestForAccess:
    person = Asker(id=str(asked.user_id), name=name_of(asked.user), email=address_of(asked.user))
    agent = asked.agent
    about = {"agent_id": agent.agent_id, "agent_name": agent.name}
    team = agent.team.name if agent.team else None
    return RequestForAccess(id=asked.pk, person=person, team=team, created_at=asked.created_at, **about)
