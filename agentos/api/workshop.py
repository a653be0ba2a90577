"""Making agents: what there is, and their drafts. For operators all, for owners and admins of a team those of their team, for everybody
their own. Publishing, versions and trying are in ``workshop_versions``, who has them in ``workshop_sharing``."""

from typing import Annotated

from django.http import HttpResponse
from django.urls import reverse
from ninja import Path, Query
from pydantic import BaseModel

from agentos.access.models import Team
from agentos.access.users import User
from agentos.agents import actions, queries
from agentos.agents.errors import AgentError
from agentos.agents.models import DjangoAgent
from agentos.agents.readiness import objections
from agentos.api import workshop_resources as resources
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ
from agentos.api.schemas import PAGE_LIMIT
from agentos.api.scopes import ScopedRouter
from agentos.chat import trying
from agentos.core.http.errors import Problem
from agentos.core.http.paging import page_of
from agentos.core.people import is_operator
from agentos.service import AgentNotFound

A_PAGE = 50

router = ScopedRouter(tags=["Workshop"])

AgentId = Annotated[str, Path(..., example=resources.MADE["id"])]
PageNumber = Annotated[int, Query(1, ge=1, le=PAGE_LIMIT, description="Which page of 50.")]


class NotAMaker(AgentError):
    """Who makes no agents."""

    status = 403
    code = "forbidden"

    def __init__(self) -> None:
        super().__init__("Only operators, and the owners and admins of a team, make agents.")


class TeamNotFound(Problem):
    """No team of the caller's to make an agent for."""

    def __init__(self) -> None:
        super().__init__(404, "There is no such team, or you neither own nor administer it.", code="team_not_found")


@router.get(
    "/workshop/agents/",
    url_name="made_agents",
    operation_id="made_agents",
    response={200: resources.MadeAgentList, **READ},
    summary="Agents that I may change",
)
def made_agents(request: ApiRequest, page: PageNumber) -> resources.MadeAgentList:
    """Operators all of them, owners and admins of a team those that are open to their team alone."""
    found = page_of(queries.made_agents(request.auth), page, A_PAGE)
    return resources.MadeAgentList(agents=[listed(agent) for agent in found.rows], next=page + 1 if page < found.pages else None)


@router.post(
    "/workshop/agents/",
    url_name="made_agents",
    operation_id="create_agent",
    response={201: resources.MadeAgent, **CHANGE},
    summary="Create an agent",
)
def create_agent(request: ApiRequest, payload: resources.NewAgent) -> HttpResponse:
    """It is a draft, which nobody can use before it is published."""
    if not queries.makes_agents(request.auth):
        raise NotAMaker
    team = team_to_make_for(request, payload.team)
    agent = actions.start_agent(name=payload.name, agent_id=payload.id, team=team, blueprint=payload.blueprint.parts(), by=request.auth)
    return created(made(agent, request.auth))


@router.get(
    "/workshop/agents/{agent_id}/",
    url_name="made_agent",
    operation_id="made_agent",
    response={200: resources.MadeAgent, **FIND},
    summary="An agent with its draft",
)
def made_agent(request: ApiRequest, agent_id: AgentId) -> resources.MadeAgent:
    return made(agent_to_change(request, agent_id), request.auth)


@router.delete(
    "/workshop/agents/{agent_id}/",
    url_name="made_agent",
    operation_id="delete_agent",
    response={204: None, **CHANGE},
    summary="Delete an agent that was never published",
)
def delete_agent(request: ApiRequest, agent_id: AgentId) -> HttpResponse:
    """Any other keeps its chats (409 `has_chats`): turn it off."""
    trying.delete_agent(agent=agent_to_change(request, agent_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


@router.patch(
    "/workshop/agents/{agent_id}/draft/",
    url_name="draft",
    operation_id="change_draft",
    response={200: resources.MadeAgent, **CHANGE},
    summary="Change a draft",
)
def change_draft(request: ApiRequest, agent_id: AgentId, payload: resources.DraftChange) -> resources.MadeAgent:
    """What is used stays as it is until the draft is published."""
    agent = agent_to_change(request, agent_id)
    actions.save_draft(agent=agent, changes=payload.blueprint.parts(), stamp=payload.stamp, by=request.auth)
    return made(agent_to_change(request, agent_id), request.auth)


@router.delete(
    "/workshop/agents/{agent_id}/draft/",
    url_name="draft",
    operation_id="discard_draft",
    response={200: resources.MadeAgent, **CHANGE},
    summary="Go back to what is published",
)
def discard_draft(request: ApiRequest, agent_id: AgentId) -> resources.MadeAgent:
    actions.discard_draft(agent=agent_to_change(request, agent_id), stamp=None, by=request.auth)
    return made(agent_to_change(request, agent_id), request.auth)


@router.post(
    "/workshop/agents/{agent_id}/activate/",
    url_name="activate_agent",
    operation_id="activate_agent",
    response={200: resources.MadeAgent, **CHANGE},
    summary="Turn an agent on",
)
def activate_agent(request: ApiRequest, agent_id: AgentId) -> resources.MadeAgent:
    actions.activate_agent(agent=agent_to_change(request, agent_id), by=request.auth)
    return made(agent_to_change(request, agent_id), request.auth)


@router.post(
    "/workshop/agents/{agent_id}/deactivate/",
    url_name="deactivate_agent",
    operation_id="deactivate_agent",
    response={200: resources.MadeAgent, **CHANGE},
    summary="Turn an agent off",
)
def deactivate_agent(request: ApiRequest, agent_id: AgentId) -> resources.MadeAgent:
    """Nobody can use it then; its chats stay readable."""
    actions.deactivate_agent(agent=agent_to_change(request, agent_id), by=request.auth)
    return made(agent_to_change(request, agent_id), request.auth)


def made(agent: DjangoAgent, by: User) -> resources.MadeAgent:
    draft = queries.draft_of(agent)
    blueprint = queries.worked_on(agent, draft)
    return resources.MadeAgent(
        id=agent.agent_id,
        name=agent.name,
        version=agent.version,
        active=agent.is_active,
        team=team_json(agent),
        for_everyone=agent.is_global,
        personal=agent.owner_id is not None,
        plans=[plan.pk for plan in agent.plans.all()],
        blueprint=resources.Blueprint(**blueprint),
        has_draft=draft.blueprint is not None,
        stamp=queries.stamp_of(draft),
        missing=objections(blueprint, agent=agent, by=by),
        url=reverse("api:made_agent", args=[agent.agent_id]),
    )


def listed(agent: DjangoAgent) -> resources.ListedAgent:
    return resources.ListedAgent(
        id=agent.agent_id,
        name=agent.name,
        version=agent.version,
        active=agent.is_active,
        team=team_json(agent),
        for_everyone=agent.is_global,
        personal=agent.owner_id is not None,
        drafted_at=agent.drafted_at,  # type: ignore[attr-defined]
        url=reverse("api:made_agent", args=[agent.agent_id]),
    )


def team_json(agent: DjangoAgent) -> resources.AgentTeam | None:
    return resources.AgentTeam(id=agent.team.pk, name=agent.team.name) if agent.team else None


def agent_to_change(request: ApiRequest, agent_id: str) -> DjangoAgent:
    """Raises AgentNotFound, and NotAMaker for who may use it and not change it."""
    if found := queries.agents_to_edit(request.auth).select_related("team", "owner").filter(agent_id=agent_id).first():
        return found
    if queries.agents_for(request.auth).filter(agent_id=agent_id).exists():
        raise NotAMaker
    raise AgentNotFound


def team_to_make_for(request: ApiRequest, pk: int | None) -> Team | None:
    """Raises TeamNotFound."""
    teams = queries.teams_to_make_for(request.auth)
    if pk is None:
        own = [] if is_operator(request.auth) else list(teams[:2])
        return own[0] if len(own) == 1 else None
    if team := teams.filter(pk=pk).first():
        return team
    raise TeamNotFound


def created(body: BaseModel, url: str = "") -> HttpResponse:
    """``url``: where it is found, of what does not say it itself."""
    headers = {"Location": url or body.url}  # type: ignore[attr-defined]
    return HttpResponse(body.model_dump_json(), status=201, content_type="application/json; charset=utf-8", headers=headers)
