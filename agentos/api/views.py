"""The spec's endpoints. Each parses, asks the service, answers."""

from typing import Annotated, Any, Literal

from asgiref.sync import sync_to_async
from ninja import Body, Header, Query, Router

from agentos.api import schemas
from agentos.api.auth import ApiRequest, SessionCookie
from agentos.api.sending import send
from agentos.chat.models import ChatSession
from agentos.service import AgentOSService, SessionNotFound

IdempotencyKey = Annotated[
    str,
    Header(
        "",
        alias="Idempotency-Key",
        pattern=r"^[!-~]*$",
        max_length=100,
        description="A message sent again under the same key is not stored again: the answer to the first one is given.",
    ),
]

READ_ERRORS = dict.fromkeys((400, 401, 405, 422, 500, 503), schemas.Refused)
CREATE_ERRORS = {**READ_ERRORS, **dict.fromkeys((403, 404, 409, 413, 415), schemas.Refused)}
SEND_ERRORS = {**CREATE_ERRORS, **dict.fromkeys((429, 502, 504), schemas.Refused)}

router = Router(auth=SessionCookie(), tags=["AgentOS"])


@router.get("/", url_name="agentos_api", operation_id="read", response={200: schemas.ReadResult, **READ_ERRORS}, summary="Read by action")
def agentos_api(request: ApiRequest, action: Literal["info", "agents"] = "info") -> schemas.ReadResult:
    """The same as /info/ and /agents/, with ``success`` added."""
    service = AgentOSService(request.auth)
    if action == "agents":
        return schemas.AgentsResult(success=True, agents=_agents(service))
    return schemas.InfoResult(success=True, **service.get_agent_os_info())


@router.post("/", url_name="agentos_api", operation_id="act", response={200: schemas.ActionResult, **SEND_ERRORS}, summary="Do an action")
async def agentos_api_action(
    request: ApiRequest, payload: Annotated[schemas.Action, Body()], idempotency_key: IdempotencyKey = ""
) -> schemas.ActionResult:
    """Every endpoint in one: the answer of the endpoint of that name, with ``success`` added.

    Actions: info, agents, send_message, create_session, sessions (a page of them), session (one of them).
    """
    if isinstance(payload, schemas.SendMessageAction):
        return await send(request.auth, payload, idempotency_key)
    return await sync_to_async(_act)(AgentOSService(request.auth), payload)


@router.get(
    "/agents/", url_name="agentos_agents_api", operation_id="agents", response={200: schemas.AgentList, **READ_ERRORS}, summary="My agents"
)
def agentos_agents_api(request: ApiRequest) -> schemas.AgentList:
    """The agents that the caller may use now."""
    return schemas.AgentList(agents=_agents(AgentOSService(request.auth)))


@router.post(
    "/send-message/",
    url_name="agentos_send_message",
    operation_id="send_message",
    response={200: schemas.Sent, **SEND_ERRORS},
    summary="Send a message and get the whole answer",
)
async def agentos_send_message(request: ApiRequest, payload: schemas.MessageIn, idempotency_key: IdempotencyKey = "") -> schemas.Sent:
    """Answers when the agent has finished. The message is stored first, and a caller that hangs up changes nothing.

    Without ``session_id`` a new session is opened. Every error after the message was stored names its session in the header
    X-Session-ID.
    """
    return await send(request.auth, payload, idempotency_key)


@router.post(
    "/create-session/",
    url_name="agentos_create_session",
    operation_id="create_session",
    response={200: schemas.SessionCreated, **CREATE_ERRORS},
    summary="Open an empty session",
)
def agentos_create_session(request: ApiRequest, payload: schemas.SessionIn) -> schemas.SessionCreated:
    return _create_session(AgentOSService(request.auth), payload)


@router.get(
    "/sessions/",
    url_name="agentos_sessions_api",
    operation_id="sessions",
    response={200: schemas.SessionPage, **READ_ERRORS},
    summary="My sessions",
)
def agentos_sessions_api(
    request: ApiRequest, page: Annotated[int, Query(1, ge=1, le=schemas.PAGE_LIMIT, description="Past the end a page is empty.")] = 1
) -> schemas.SessionPage:
    """The caller's sessions, newest activity first, 20 a page."""
    return schemas.SessionPage(**_sessions(AgentOSService(request.auth), page))


@router.get(
    "/info/", url_name="agentos_info_api", operation_id="info", response={200: schemas.Info, **READ_ERRORS}, summary="About this instance"
)
def agentos_info_api(request: ApiRequest) -> schemas.Info:
    return schemas.Info(**AgentOSService(request.auth).get_agent_os_info())


@router.get(
    "/fastapi/",
    url_name="agentos_fastapi_app",
    operation_id="fastapi",
    response={200: schemas.FastAPIApp, **READ_ERRORS},
    summary="About Agno's own API",
)
def agentos_fastapi_app(request: ApiRequest) -> schemas.FastAPIApp:
    return schemas.FastAPIApp(
        message="AgentOS FastAPI app is available",
        app_id=f"agentos_app_{request.auth.pk}",
        note="Agno's own API is not served at this address yet; use the endpoints of /api/v1/agentos/openapi.json.",
    )


def _act(service: AgentOSService, payload: schemas.Action) -> schemas.ActionResult:
    match payload:
        case schemas.CreateSessionAction():
            return _create_session(service, payload)
        case schemas.SessionsAction():
            return schemas.SessionsResult(success=True, **_sessions(service, payload.page))
        case schemas.SessionAction():
            return schemas.SessionResult(success=True, session=_session(service, payload.session_id))
        case schemas.AgentsAction():
            return schemas.AgentsResult(success=True, agents=_agents(service))
        case _:
            return schemas.InfoResult(success=True, **service.get_agent_os_info())


def _agents(service: AgentOSService) -> list[schemas.Agent]:
    return [schemas.Agent(**card.as_json()) for card in service.get_available_agents()]


def _create_session(service: AgentOSService, payload: schemas.SessionIn) -> schemas.SessionCreated:
    return schemas.SessionCreated(success=True, session_id=service.create_session(payload.agent_id, payload.title).session_id)


def _sessions(service: AgentOSService, number: int) -> dict[str, Any]:
    page = service.list_sessions(number)
    rows = [_as_json(session) for session in page.rows]
    return {"sessions": rows, "page": page.number, "total_pages": page.pages, "total_sessions": page.total}


def _session(service: AgentOSService, session_id: str) -> schemas.Session:
    if session := service.get_session(session_id):
        return _as_json(session)
    raise SessionNotFound


def _as_json(session: ChatSession) -> schemas.Session:
    return schemas.Session(
        id=session.session_id,
        title=str(session),
        agent_name=session.agent.name,
        agent_id=session.agent.agent_id,
        created_at=session.created_at,
        updated_at=session.updated_at,
    )
