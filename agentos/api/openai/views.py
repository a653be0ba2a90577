"""The endpoints. Each parses, asks the service or starts a run, answers."""

from dataclasses import replace
from typing import Annotated

from django.http.response import HttpResponseBase
from ninja import Header, Router

from agentos.agents.models import DjangoAgent
from agentos.agents.queries import agents_for
from agentos.api.auth import ApiRequest
from agentos.api.openai import schemas
from agentos.api.openai.auth import Key
from agentos.api.openai.completion import answering, begin, complete
from agentos.api.openai.errors import no_model
from agentos.api.openai.parsing import read
from agentos.api.openai.serializers import ChunkWriter, completion, site_of
from agentos.api.openai.streaming import stream
from agentos.chat.callers import Caller
from agentos.chat.models import Run
from agentos.service import AgentOSService

READ_ERRORS = dict.fromkeys((400, 401, 403, 404, 405, 429, 500, 503), schemas.Refused)
SEND_ERRORS = {**READ_ERRORS, **dict.fromkeys((402, 409, 413, 415, 422, 502, 504), schemas.Refused)}

SessionHeader = Annotated[
    str, Header("", alias="X-Session-ID", max_length=40, description="The chat that the message is sent in; `new` opens one.")
]
IdempotencyKey = Annotated[
    str,
    Header(
        "",
        alias="Idempotency-Key",
        pattern=r"^[!-~]*$",
        max_length=100,
        description="In a session: a message sent again under the same key is not stored again.",
    ),
]

CHUNKS = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "string"}},
    "description": "With `stream`. Each event's data is a `chat.completion.chunk` as JSON, the last one is `[DONE]`. "
    "An error in the middle ends the stream with an event whose data has `error`.",
}

router = Router(tags=["OpenAI"])


@router.get(
    "/models",
    auth=Key("agents:read"),
    url_name="models",
    operation_id="openai_models",
    response={200: schemas.ModelList, **READ_ERRORS},
    summary="My agents, as models",
)
def models(request: ApiRequest) -> schemas.ModelList:
    return schemas.ModelList(data=[_model(agent) for agent in agents_for(request.auth).defer("instructions")])


@router.get(
    "/models/{str:agent_id}",
    auth=Key("agents:read"),
    url_name="model",
    operation_id="openai_model",
    response={200: schemas.Model, **READ_ERRORS},
    summary="One of my agents, as a model",
)
def model(request: ApiRequest, agent_id: str) -> schemas.Model:
    agent = AgentOSService(request.auth).get_agent_by_id(agent_id)
    if agent is None:
        raise no_model(agent_id)
    return _model(agent)


@router.post(
    "/chat/completions",
    auth=Key("runs:write"),
    url_name="completions",
    operation_id="openai_completions",
    response={200: schemas.Completion, **SEND_ERRORS},
    summary="Ask an agent",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": CHUNKS}}}}},
)
def completions(
    request: ApiRequest, payload: schemas.CompletionIn, session_header: SessionHeader = "", idempotency_key: IdempotencyKey = ""
) -> HttpResponseBase:
    """Answers as a whole, or with `"stream": true` as chunks.

    Without a session the client's messages are the conversation, nothing of it is kept, and the answer is stopped when the client
    goes away. With one, named by `metadata.session_id` or the header X-Session-ID, the last message is sent there and the answer
    is kept; earlier messages of the request are ignored, since the session has its own. `system` and `developer` messages reach
    the agent as context and never replace its instructions. Calls of the agent's own tools are told in `agent_events`, and where the
    answer names sources, in `annotations`. Pictures, files and recordings come as data, or by the id of a file that is here.
    """
    asked = read(payload, session_header)
    user = request.auth
    site = site_of(request)

    async def answer(run: Run, caller: Caller) -> HttpResponseBase:
        if asked.stream:
            return await stream(run, ChunkWriter(run, asked, site), caller, user)
        return await complete(run, caller, user, lambda run: completion(run, site).model_dump_json())

    return answering(request, user, asked.files, lambda kept: begin(user, replace(asked, kept=kept), idempotency_key), answer)


def _model(agent: DjangoAgent) -> schemas.Model:
    return schemas.Model(id=agent.agent_id, created=int(agent.created_at.timestamp()), name=agent.name, description=agent.description)
