"""Making agents: drafts, publishing, versions, trying. For operators all, for owners and admins of a team those of their team."""

from functools import partial
from typing import Annotated

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import Path, Query
from pydantic import BaseModel

from agentos.access.models import Team
from agentos.access.users import User
from agentos.agents import actions, failures, queries
from agentos.agents.blueprint import checked, whole
from agentos.agents.errors import AgentError
from agentos.agents.models import AgentVersion, DjangoAgent
from agentos.agents.readiness import objections
from agentos.api import workshop_resources as resources
from agentos.api.auth import ApiRequest, caller_of
from agentos.api.errors import CHANGE, FIND, READ, SEND
from agentos.api.schemas import PAGE_LIMIT
from agentos.api.scopes import ScopedRouter
from agentos.api.sending import MARGIN
from agentos.chat import ephemeral, trying
from agentos.chat.callers import Caller, Watch
from agentos.chat.models import Run
from agentos.chat.runs.waiting import ended
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.paging import page_of
from agentos.core.people import is_operator, name_of
from agentos.service import AgentNotFound

A_PAGE = 50

router = ScopedRouter(tags=["Workshop"])

AgentId = Annotated[str, Path(..., example=resources.MADE["id"])]
PageNumber = Annotated[int, Query(1, ge=1, le=PAGE_LIMIT, description="Which page of 50.")]
VersionNumber = Annotated[int, Path(..., example=2, ge=1, le=2**31 - 1)]


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


class VersionNotFound(Problem):
    """No version of this number."""

    def __init__(self) -> None:
        super().__init__(404, "This agent has no such version.", code="version_not_found")


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
    team = _team(request, payload.team)
    agent = actions.start_agent(name=payload.name, agent_id=payload.id, team=team, blueprint=payload.blueprint.parts(), by=request.auth)
    return _created(made(agent, request.auth))


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
    "/workshop/agents/{agent_id}/publish/",
    url_name="publish_agent",
    operation_id="publish_agent",
    response={201: resources.AgentVersionOut, **CHANGE},
    summary="Publish a draft",
)
def publish_agent(request: ApiRequest, agent_id: AgentId, payload: resources.PublishIn) -> HttpResponse:
    """Makes a version, and turns the agent on. Everybody who may use it gets it at once."""
    agent = agent_to_change(request, agent_id)
    return _created(version_json(actions.publish_agent(agent=agent, note=payload.note, stamp=payload.stamp, by=request.auth), agent))


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


@router.get(
    "/workshop/agents/{agent_id}/versions/",
    url_name="agent_versions",
    operation_id="agent_versions",
    response={200: resources.AgentVersionList, **FIND},
    summary="Versions of an agent",
)
def agent_versions(request: ApiRequest, agent_id: AgentId, page: PageNumber) -> resources.AgentVersionList:
    agent = agent_to_change(request, agent_id)
    found = page_of(queries.versions_of(agent), page, A_PAGE)
    more = page + 1 if page < found.pages else None
    return resources.AgentVersionList(versions=[version_json(each, agent) for each in found.rows], next=more)


@router.get(
    "/workshop/agents/{agent_id}/versions/{number}/",
    url_name="agent_version",
    operation_id="agent_version",
    response={200: resources.AgentVersionOut, **FIND},
    summary="One version of an agent",
)
def agent_version(request: ApiRequest, agent_id: AgentId, number: VersionNumber) -> resources.AgentVersionOut:
    agent = agent_to_change(request, agent_id)
    return version_json(_version(agent, number), agent)


@router.post(
    "/workshop/agents/{agent_id}/versions/{number}/restore/",
    url_name="restore_version",
    operation_id="restore_version",
    response={201: resources.AgentVersionOut, **CHANGE},
    summary="Use an earlier version again",
)
def restore_version(request: ApiRequest, agent_id: AgentId, number: VersionNumber, payload: resources.RestoreIn) -> HttpResponse:
    """It is published at once, as a new version; the others stay, and so does a draft."""
    agent = agent_to_change(request, agent_id)
    _version(agent, number)
    return _created(version_json(actions.restore_version(agent=agent, number=number, note=payload.note, by=request.auth), agent))


@router.post(
    "/workshop/agents/{agent_id}/try/",
    url_name="try_agent",
    operation_id="try_agent",
    response={200: resources.Tried, **SEND},
    summary="Try a draft",
)
def try_agent(request: ApiRequest, agent_id: AgentId, payload: resources.TryIn) -> HttpResponseBase:
    """Answers when the draft has answered. Nothing of it is kept; it counts as your usage."""
    agent = agent_to_change(request, agent_id)
    blueprint = checked(payload.blueprint.parts(), queries.worked_on(agent, queries.draft_of(agent)))
    history = [message.model_dump() for message in payload.history]
    run = trying.start(agent=agent, blueprint=blueprint, message=payload.message, history=history, by=request.auth)
    return deferred(request, partial(_tried, run, caller_of(request, request.auth, None), request))


async def _tried(run: Run, caller: Caller, request: ApiRequest) -> HttpResponse:
    try:
        end = await ended(run, app_settings.RUN_TIMEOUT + MARGIN, Watch(caller))
        if end is None:
            raise Problem(504, "The draft has not answered in time. The trial was stopped.", code="not_finished")
        said = tried(end)
    finally:
        await db.write(ephemeral.discard, run_pk=run.pk, by=request.auth)
    return HttpResponse(said.model_dump_json(), content_type="application/json; charset=utf-8")


def tried(run: Run) -> resources.Tried:
    return resources.Tried(
        status=run.status,  # type: ignore[arg-type]
        answer=run.answer,
        parts=run.parts,
        requirements=run.requirements,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        error=failures.sentence(run.error_code) if run.error_code else None,
    )


def made(agent: DjangoAgent, by: User) -> resources.MadeAgent:
    draft = queries.draft_of(agent)
    blueprint = queries.worked_on(agent, draft)
    return resources.MadeAgent(
        id=agent.agent_id,
        name=agent.name,
        version=agent.version,
        active=agent.is_active,
        team=_team_json(agent),
        for_everyone=agent.is_global,
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
        team=_team_json(agent),
        for_everyone=agent.is_global,
        drafted_at=agent.drafted_at,  # type: ignore[attr-defined]
        url=reverse("api:made_agent", args=[agent.agent_id]),
    )


def version_json(version: AgentVersion, agent: DjangoAgent) -> resources.AgentVersionOut:
    return resources.AgentVersionOut(
        number=version.number,
        note=version.note,
        by=name_of(version.by) if version.by else None,
        at=version.at,
        blueprint=resources.Blueprint(**whole(version.blueprint)),
        url=reverse("api:agent_version", args=[agent.agent_id, version.number]),
    )


def _team_json(agent: DjangoAgent) -> resources.AgentTeam | None:
    return resources.AgentTeam(id=agent.team.pk, name=agent.team.name) if agent.team else None


def agent_to_change(request: ApiRequest, agent_id: str) -> DjangoAgent:
    """Raises AgentNotFound, and NotAMaker for who may use it and not change it."""
    if found := queries.agents_to_edit(request.auth).select_related("team").filter(agent_id=agent_id).first():
        return found
    if queries.agents_for(request.auth).filter(agent_id=agent_id).exists():
        raise NotAMaker
    raise AgentNotFound


def _team(request: ApiRequest, pk: int | None) -> Team | None:
    """Raises TeamNotFound."""
    teams = queries.teams_to_make_for(request.auth)
    if pk is None:
        own = [] if is_operator(request.auth) else list(teams[:2])
        return own[0] if len(own) == 1 else None
    if team := teams.filter(pk=pk).first():
        return team
    raise TeamNotFound


def _version(agent: DjangoAgent, number: int) -> AgentVersion:
    if version := queries.versions_of(agent).filter(number=number).first():
        return version
    raise VersionNotFound


def _created(body: BaseModel) -> HttpResponse:
    headers = {"Location": body.url}  # type: ignore[attr-defined]
    return HttpResponse(body.model_dump_json(), status=201, content_type="application/json; charset=utf-8", headers=headers)
