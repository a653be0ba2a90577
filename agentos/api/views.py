"""The spec's endpoints. Each parses, asks the service, answers."""

from typing import Annotated, Literal

from django.http.response import HttpResponseBase
from ninja import Body

from agentos.api import resources, schemas
from agentos.api.agents import agents_of
from agentos.api.auth import ApiRequest, need_scope
from agentos.api.errors import CHANGE, READ, SEND
from agentos.api.events import IS_STREAM
from agentos.api.parameters import IdempotencyKey
from agentos.api.scopes import NEEDED_BY_ACTION, ScopedRouter
from agentos.api.sending import send
from agentos.api.serializers import me_json, session_json
from agentos.api.sessions import numbered_page
from agentos.service import AgentOSService, SessionNotFound

router = ScopedRouter(tags=["AgentOS"])


@router.get("/", url_name="agentos_api", operation_id="read", response={200: schemas.ReadResult, **READ}, summary="Read by action")
def agentos_api(request: ApiRequest, action: Literal["info", "agents"] = "info") -> schemas.ReadResult:
    """The same as /info/ and /agents/, with ``success`` added."""
    service = AgentOSService(request.auth)
    if action == "agents":
        return schemas.AgentsResult(success=True, agents=agents_of(service))
    return schemas.InfoResult(success=True, **service.get_agent_os_info())


@router.post(
    "/",
    url_name="agentos_api",
    operation_id="act",
    response={200: schemas.ActionResult, 202: resources.Started, **SEND},
    summary="Do an action",
    openapi_extra=IS_STREAM,
)
def agentos_api_action(
    request: ApiRequest, payload: Annotated[schemas.Action, Body()], idempotency_key: IdempotencyKey = ""
) -> schemas.ActionResult | HttpResponseBase:
    """Every endpoint in one: the answer of the endpoint of that name, with ``success`` added.

    Actions: info, agents, send_message, create_session, sessions (a page of them), session (one of them). A token needs the scope
    that the endpoint of that name needs.
    """
    need_scope(request, NEEDED_BY_ACTION[payload.action])
    if isinstance(payload, schemas.SendMessageAction):
        return send(request, payload, idempotency_key)
    return _act(request, payload, idempotency_key)


@router.post(
    "/send-message/",
    url_name="agentos_send_message",
    operation_id="send_message",
    response={200: schemas.Sent, 202: resources.Started, **SEND},
    summary="Send a message and get the whole answer",
    openapi_extra=IS_STREAM,
)
def agentos_send_message(request: ApiRequest, payload: schemas.MessageIn, idempotency_key: IdempotencyKey = "") -> HttpResponseBase:
    """Answers when the agent has finished. The message is stored first, and a caller that hangs up changes nothing.

    With the header `Accept: text/event-stream` the answer is streamed: first an event `run`, whose data says where it is found again,
    then the run's events, as when you follow a run. With `"background": true` the answer is 202 at once, with the run's URL.

    Without `session_id` a new session is opened. Every error after the message was stored names its session in the header
    X-Session-ID.
    """
    return send(request, payload, idempotency_key)


@router.post(
    "/create-session/",
    url_name="agentos_create_session",
    operation_id="create_session",
    response={200: schemas.SessionCreated, **CHANGE},
    summary="Open an empty session with an agent",
)
def agentos_create_session(request: ApiRequest, payload: schemas.SessionIn, idempotency_key: IdempotencyKey = "") -> schemas.SessionCreated:
    return _create_session(request, payload, idempotency_key)


@router.get("/info/", url_name="agentos_info_api", operation_id="info", response={200: schemas.Info, **READ}, summary="About this instance")
def agentos_info_api(request: ApiRequest) -> schemas.Info:
    return schemas.Info(**AgentOSService(request.auth).get_agent_os_info())


@router.get("/me/", url_name="agentos_me_api", operation_id="me", response={200: schemas.Me, **READ}, summary="Who I am")
def agentos_me_api(request: ApiRequest) -> schemas.Me:
    """The user for whom the caller acts, and how they want the pages."""
    return me_json(request.auth)


@router.get(
    "/fastapi/",
    url_name="agentos_fastapi_app",
    operation_id="fastapi",
    response={200: schemas.FastAPIApp, **READ},
    summary="About Agno's own API",
)
def agentos_fastapi_app(request: ApiRequest) -> schemas.FastAPIApp:
    return schemas.FastAPIApp(
        message="AgentOS FastAPI app is available",
        app_id=f"agentos_app_{request.auth.pk}",
        note="Agno's own API answers below this address: its clients take it as their base URL, with an API token.",
    )


def _act(request: ApiRequest, payload: schemas.Action, idempotency_key: str) -> schemas.ActionResult:
    service = AgentOSService(request.auth)
    match payload:
        case schemas.CreateSessionAction():
            return _create_session(request, payload, idempotency_key)
        case schemas.SessionsAction():
            return schemas.SessionsResult(success=True, **numbered_page(service, payload.page))
        case schemas.SessionAction():
            return schemas.SessionResult(success=True, session=_session(service, payload.session_id))
        case schemas.AgentsAction():
            return schemas.AgentsResult(success=True, agents=agents_of(service))
        case _:
            return schemas.InfoResult(success=True, **service.get_agent_os_info())


def _create_session(request: ApiRequest, payload: schemas.SessionIn, idempotency_key: str) -> schemas.SessionCreated:
    session = AgentOSService(request.auth).create_session(payload.agent_id, payload.title, idempotency_key=idempotency_key)
    return schemas.SessionCreated(success=True, session_id=session.session_id)


def _session(service: AgentOSService, session_id: str) -> schemas.Session:
    if session := service.get_session(session_id):
        return session_json(session)
    raise SessionNotFound
