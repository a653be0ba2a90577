"""Who has an agent: the teams that one makes agents for, with whom an agent is shared, copies of it, and agents as files."""

import json
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Path, Query

from agentos.access.actions import allow_personal_agents
from agentos.access.models import Plan, Team
from agentos.agents import actions, files, queries
from agentos.agents.blueprint import blueprint_of
from agentos.agents.models import DjangoAgent
from agentos.api import workshop_resources as resources
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ
from agentos.api.scopes import ScopedRouter
from agentos.api.webhook_resources import TEAM_LIMIT
from agentos.api.workshop import AgentId, NotAMaker, agent_to_change, created, made, team_to_make_for
from agentos.core.http.errors import Problem
from agentos.service import AgentNotFound

router = ScopedRouter(tags=["Workshop"])

TeamId = Annotated[int, Path(..., example=resources.TEAM["id"], ge=1, le=TEAM_LIMIT)]


class PlanNotFound(Problem):
    """No plan that the caller may share with."""

    def __init__(self) -> None:
        super().__init__(404, "There is no such plan, or you may not open an agent to it.", code="plan_not_found")


@router.get(
    "/workshop/teams/",
    url_name="making_teams",
    operation_id="making_teams",
    response={200: resources.MakingTeamList, **READ},
    summary="Teams that I may make agents for",
)
def making_teams(request: ApiRequest) -> resources.MakingTeamList:
    """Operators hear of all, others of those that they own or administer."""
    return resources.MakingTeamList(teams=[_team_json(team) for team in queries.teams_to_make_for(request.auth)])


@router.patch(
    "/workshop/teams/{team_id}/",
    url_name="making_team",
    operation_id="update_making_team",
    response={200: resources.MakingTeam, **CHANGE},
    summary="Let the members of a team have agents of their own",
)
def update_making_team(request: ApiRequest, team_id: TeamId, payload: resources.MakingTeamChange) -> resources.MakingTeam:
    """Off closes those that there are; nothing is deleted."""
    team = _team(request, team_id)
    return _team_json(allow_personal_agents(team=team, allowed=payload.personal_agents, by=request.auth))


@router.put(
    "/workshop/agents/{agent_id}/sharing/",
    url_name="sharing",
    operation_id="share_agent",
    response={200: resources.MadeAgent, **CHANGE},
    summary="Say who may use an agent",
)
def share_agent(request: ApiRequest, agent_id: AgentId, payload: resources.Sharing) -> resources.MadeAgent:
    """Any one of these opens it, at once. Owners and admins share with a team of theirs alone; nobody shares a personal agent."""
    agent = agent_to_change(request, agent_id)
    team = _team(request, payload.team) if payload.team is not None else None
    plans = _plans(request, payload.plans)
    actions.share_agent(agent=agent, team=team, is_global=payload.for_everyone, plans=plans, by=request.auth)
    return made(agent_to_change(request, agent_id), request.auth)


@router.post(
    "/workshop/agents/{agent_id}/copy/",
    url_name="copy_agent",
    operation_id="copy_agent",
    response={201: resources.BroughtAgent, **CHANGE},
    summary="Copy an agent",
)
def copy_agent(request: ApiRequest, agent_id: AgentId, payload: resources.CopyIn) -> HttpResponse:
    """The copy is a draft, for a team; or with `personal` the caller's alone, of an agent of a team that lets its members have some (at
    most 20: 409 `too_many_agents`)."""
    if payload.personal:
        agent = queries.agents_for(request.auth).filter(agent_id=agent_id).first()
        if agent is None:
            raise AgentNotFound
        return _brought(request, *actions.copy_to_own(agent=agent, by=request.auth))
    agent = agent_to_change(request, agent_id)
    team = team_to_make_for(request, payload.team)
    return _brought(request, *actions.copy_agent(agent=agent, team=team, by=request.auth))


@router.get(
    "/workshop/agents/{agent_id}/file/",
    url_name="agent_file",
    operation_id="export_agent",
    response={200: dict[str, Any], **FIND},
    summary="An agent as a file",
)
def export_agent(
    request: ApiRequest,
    agent_id: AgentId,
    draft: Annotated[bool, Query(False, description="What is worked on, in the place of what is published.")],
) -> HttpResponse:
    """What it is made of and its tests, without keys, chats, and who may use it. Where nothing is published, its draft."""
    agent = agent_to_change(request, agent_id)
    wants_draft = draft or not agent.version
    blueprint = queries.worked_on(agent, queries.draft_of(agent)) if wants_draft else blueprint_of(agent)
    return HttpResponse(files.written(agent, blueprint), content_type="application/json; charset=utf-8")


@router.post(
    "/workshop/files/",
    url_name="agent_files",
    operation_id="import_agent",
    response={201: resources.BroughtAgent, **CHANGE},
    summary="Make an agent of a file",
)
def import_agent(request: ApiRequest, payload: resources.ImportIn) -> HttpResponse:
    """A draft. It keeps its id where that is free. What cannot be read is 422 `bad_file`, and nothing is made of it."""
    if not queries.makes_agents(request.auth):
        raise NotAMaker
    team = team_to_make_for(request, payload.team)
    agent, given = actions.import_agent(data=json.dumps(payload.file).encode(), team=team, by=request.auth)
    return _brought(request, agent, given.missing)


def _brought(request: ApiRequest, agent: DjangoAgent, notes: list[str]) -> HttpResponse:
    return created(resources.BroughtAgent(**made(agent, request.auth).model_dump(), notes=notes))


def _team(request: ApiRequest, pk: int) -> Team:
    found = team_to_make_for(request, pk)
    assert found is not None  # one that was named is found, or TeamNotFound
    return found


def _plans(request: ApiRequest, pks: list[int]) -> list[Plan]:
    """Raises PlanNotFound, also for who may share with none."""
    found = list(queries.plans_to_share_with(request.auth).filter(pk__in=pks))
    if len(found) < len(set(pks)):
        raise PlanNotFound
    return found


def _team_json(team: Team) -> resources.MakingTeam:
    return resources.MakingTeam(id=team.pk, name=team.name, personal_agents=team.personal_agents)
