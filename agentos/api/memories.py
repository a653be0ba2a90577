"""What agents remember of me: read, note, change, delete, and whether they do at all."""

from django.http import HttpResponse
from django.urls import reverse
from pydantic import BaseModel

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.api import memory_resources as nouns
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ
from agentos.api.parameters import IdempotencyKey, MemoryNumber
from agentos.api.scopes import ScopedRouter
from agentos.chat.idempotency import once
from agentos.memories import actions, queries
from agentos.memories.errors import NoSuchMemory
from agentos.memories.models import Memory
from agentos.service import AgentNotFound, AgentOSService

router = ScopedRouter(tags=["Memories"])


@router.get(
    "/memories/",
    url_name="memories",
    operation_id="memories",
    response={200: nouns.MemoryList, **READ},
    summary="What agents remember of me",
)
def memories(request: ApiRequest) -> nouns.MemoryList:
    """All of it, to read or to keep elsewhere. Nobody else can read it."""
    return _list(request.auth)


@router.post(
    "/memories/",
    url_name="memories",
    operation_id="create_memory",
    response={201: nouns.Memory, **CHANGE},
    summary="Note something",
)
def create_memory(request: ApiRequest, payload: nouns.MemoryIn, idempotency_key: IdempotencyKey = "") -> HttpResponse:
    """For one agent that you may use, or for all."""
    agent = _agent(request.auth, payload.agent_id)

    def create() -> str:
        return str(actions.add_memory(text=payload.text, agent=agent, by=request.auth).number)

    what = ["memories", "create", payload.model_dump()]
    number = int(once(create, kind=str, by=request.auth, key=idempotency_key, what=what))
    return _answer(_json(_mine(request.auth, number)), status=201, Location=reverse("api:memory", args=[number]))


@router.patch(
    "/memories/",
    url_name="memories",
    operation_id="switch_memory",
    response={200: nouns.MemoryList, **CHANGE},
    summary="Turn memory on or off",
)
def switch_memory(request: ApiRequest, payload: nouns.MemorySwitch) -> nouns.MemoryList:
    """What is remembered is kept when it is turned off, and told to no agent."""
    (actions.turn_on if payload.enabled else actions.turn_off)(by=request.auth)
    return _list(request.auth)


@router.get(
    "/memories/{number}/",
    url_name="memory",
    operation_id="memory",
    response={200: nouns.Memory, **FIND},
    summary="One thing that is remembered",
)
def memory(request: ApiRequest, number: MemoryNumber) -> nouns.Memory:
    return _json(_mine(request.auth, number))


@router.patch(
    "/memories/{number}/",
    url_name="memory",
    operation_id="update_memory",
    response={200: nouns.Memory, **CHANGE},
    summary="Change what is remembered",
)
def update_memory(request: ApiRequest, number: MemoryNumber, payload: nouns.MemoryChange) -> nouns.Memory:
    """What is named is changed."""
    given = payload.model_dump(exclude_unset=True)
    found = _mine(request.auth, number)
    if "agent_id" in given:
        agent_id = given.pop("agent_id")
        is_same = found.agent is not None and found.agent.agent_id == agent_id  # which may be closed by now
        given["agent"] = found.agent if is_same else _agent(request.auth, agent_id)
    actions.change_memory(memory=found, by=request.auth, **given)
    return _json(_mine(request.auth, number))


@router.delete(
    "/memories/{number}/",
    url_name="memory",
    operation_id="delete_memory",
    response={204: None, **FIND},
    summary="Delete what is remembered",
)
def delete_memory(request: ApiRequest, number: MemoryNumber) -> HttpResponse:
    """For good."""
    actions.delete_memory(memory=_mine(request.auth, number), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


def _mine(user: User, number: int) -> Memory:
    if found := queries.memory_for(user, number):
        return found
    raise NoSuchMemory("There is no such memory of yours.")


def _agent(user: User, agent_id: str | None) -> DjangoAgent | None:
    if agent_id is None:
        return None
    if agent := AgentOSService(user).get_agent_by_id(agent_id):
        return agent
    raise AgentNotFound


def _list(user: User) -> nouns.MemoryList:
    return nouns.MemoryList(enabled=queries.is_on(user.pk), memories=[_json(memory) for memory in queries.memories_for(user)])


def _json(memory: Memory) -> nouns.Memory:
    return nouns.Memory(
        number=memory.number,
        text=memory.text,
        agent_id=memory.agent.agent_id if memory.agent else None,
        noted_by="model" if memory.by == Memory.By.MODEL else "user",
        session_id=memory.session_id or None,
        created_at=memory.created_at,
        updated_at=memory.updated_at,
    )


def _answer(body: BaseModel, *, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(body.model_dump_json(), status=status, content_type="application/json; charset=utf-8", headers=headers)
