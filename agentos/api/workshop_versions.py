"""Publishing an agent, its versions, and trying its draft."""

from functools import partial
from typing import Annotated

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import Path

from agentos.agents import actions, queries
from agentos.agents.blueprint import checked, whole
from agentos.agents.models import AgentVersion, DjangoAgent
from agentos.api import workshop_resources as resources
from agentos.api.auth import ApiRequest, caller_of
from agentos.api.errors import CHANGE, FIND, SEND
from agentos.api.scopes import ScopedRouter
from agentos.api.sending import MARGIN
from agentos.api.workshop import A_PAGE, AgentId, PageNumber, agent_to_change, created
from agentos.chat import ephemeral, trying
from agentos.chat.callers import Caller, Watch
from agentos.chat.models import Run
from agentos.chat.runs.waiting import ended
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.paging import page_of
from agentos.core.people import name_of

router = ScopedRouter(tags=["Workshop"])

VersionNumber = Annotated[int, Path(..., example=2, ge=1, le=2**31 - 1)]


class VersionNotFound(Problem):
    """No version of this number."""

    def __init__(self) -> None:
        super().__init__(404, "This agent has no such version.", code="version_not_found")


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
    return created(version_json(actions.publish_agent(agent=agent, note=payload.note, stamp=payload.stamp, by=request.auth), agent))


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
    return created(version_json(actions.restore_version(agent=agent, number=number, note=payload.note, by=request.auth), agent))


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
        error=trying.trouble(run) or None,
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


def _version(agent: DjangoAgent, number: int) -> AgentVersion:
    if version := queries.versions_of(agent).filter(number=number).first():
        return version
    raise VersionNotFound
