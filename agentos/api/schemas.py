"""What goes in and out, with the keys of the spec. The OpenAPI document is made from these."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StrictBool, WithJsonSchema

from agentos.chat.models import MESSAGE_LIMIT, TITLE_LIMIT
from agentos.core.http.strict_json import whole
from agentos.files.quotas import FILES_A_MESSAGE

PAGE_LIMIT = 1_000_000

AGENT = {
    "id": "assistant",
    "name": "Assistant",
    "description": "Helpful assistant",
    "model": "openai:gpt-5.4",
    "tools": ["search", "calculator"],
    "capabilities": ["chat", "analysis"],
    "starters": ["What can you do for me?"],
    "models": ["openai:gpt-5.4", "openai:gpt-5.4-mini"],
    "efforts": ["quick", "normal", "thorough"],
    "kind": "agent",
    "members": [],
}
SESSION = {
    "id": "session_3k9x0c6v1m8q2w7e5r4t",
    "title": "Chat Session",
    "agent_name": "Assistant",
    "agent_id": "assistant",
    "created_at": "2024-01-01T12:00:00Z",
    "updated_at": "2024-01-01T12:30:00Z",
}
INFO = {"id": "agentos_user_123", "description": "AgentOS instance for user@example.com", "agents_count": 1, "available_agents": [AGENT]}
ME = {
    "id": "123",
    "name": "Olivia Owner",
    "email": "user@example.com",
    "is_operator": False,
    "preferences": {"theme": "dark", "enter_sends": True, "spoken": "done"},
}
MESSAGE = {"agent_id": "assistant", "session_id": SESSION["id"], "message": "Hello, how can you help?", "context": {}}
SESSION_PAGE = {"sessions": [SESSION], "page": 1, "total_pages": 5, "total_sessions": 50}
SENT = {
    "success": True,
    "response": "I can help you with...",
    "session_id": SESSION["id"],
    "agent_id": "assistant",
    "timestamp": "2024-01-01T12:00:00Z",
}


def example(value: dict[str, Any], **schema: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value], **schema})


def iso(moment: datetime) -> str:
    """Return a time as ``2024-01-01T12:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[datetime, PlainSerializer(iso, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})]
MODEL_CHOICE = "One of the agent's `models`. The session remembers it; without one, what it remembers counts, and at first the agent's own."
EFFORT_CHOICE = "How hard the model tries, where the agent has `efforts`. The session remembers it; at first it is normal."
# The lengths are declared here and checked by the actions, which count what is stored and say what is too long.
Message = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": MESSAGE_LIMIT, "pattern": r"\S"})]
Title = Annotated[str, Field(json_schema_extra={"maxLength": TITLE_LIMIT})]
PageNumber = Annotated[int, Field(strict=True, ge=1, le=PAGE_LIMIT), BeforeValidator(whole)]


Files = Annotated[list[str], Field(max_length=FILES_A_MESSAGE, description="Ids of files that were sent before: see Files.")]
Effort = Literal["quick", "normal", "thorough"]
ModelName = Annotated[str | None, Field(json_schema_extra={"maxLength": 120}, description=MODEL_CHOICE)]
EffortChoice = Annotated[Effort | None, Field(description=EFFORT_CHOICE)]


class Member(BaseModel):
    id: str
    name: str


class Agent(BaseModel):
    """``kind``: `agent`; `team`, whose members work together; `steps`, members one after the other; `code`, written by an operator."""

    model_config = example(AGENT)

    id: str
    name: str
    description: str
    model: str
    tools: list[str]
    capabilities: list[str]
    starters: list[str]
    models: list[str] = Field(description="Those that may be chosen for a message and that can be used now, its own first.")
    efforts: list[Effort] = Field(description="Those that may be chosen; none where nothing is to be chosen.")
    kind: Literal["agent", "team", "steps", "code"]
    members: list[Member]
    personal: bool = Field(description="Whether it is yours alone.")


class AgentList(BaseModel):
    agents: list[Agent]


class Info(BaseModel):
    model_config = example(INFO)

    id: str
    description: str
    agents_count: int
    available_agents: list[Agent]


class PagePreferences(BaseModel):
    """How this user wants the pages. ``theme`` is null where each browser has its own."""

    theme: Literal["system", "light", "dark"] | None
    enter_sends: bool
    spoken: Literal["sentences", "done", "off"]


class Me(BaseModel):
    model_config = example(ME)

    id: str
    name: str
    email: str
    is_operator: bool
    preferences: PagePreferences


class FastAPIApp(BaseModel):
    message: str
    app_id: str
    note: str


class Session(BaseModel):
    model_config = example(SESSION)

    id: str
    title: str
    agent_name: str
    agent_id: str
    created_at: Moment
    updated_at: Moment


class SessionPage(BaseModel):
    model_config = example(SESSION_PAGE)

    sessions: list[Session]
    page: int
    total_pages: int
    total_sessions: int


class Sent(BaseModel):
    """The whole answer, once the agent has finished it."""

    model_config = example(SENT)

    success: Literal[True]
    response: str
    session_id: str
    agent_id: str
    timestamp: Moment


class SessionCreated(BaseModel):
    model_config = example({"success": True, "session_id": SESSION["id"]})

    success: Literal[True]
    session_id: str


class Refused(BaseModel):
    """Every error. The header X-Error-Code says which one, X-Request-ID what to look for in the log."""

    model_config = example({"success": False, "error": "There is no such agent, or you may not use it.", "response": None})

    success: Literal[False]
    error: str
    response: None


class MessageIn(BaseModel):
    """A message to an agent (`agent_id`), in a new session, or in a session that is there (`session_id`), whose agent answers. One of
    the two has to be named."""

    model_config = example(MESSAGE)

    message: Message
    agent_id: str | None = None
    session_id: str | None = None
    context: dict[str, Any] | None = Field(None, description="Handed to the agent with the message. At most 16,000 characters of JSON.")
    background: StrictBool = Field(False, description="Answer 202 as soon as the message is stored.")
    model: ModelName = None
    effort: EffortChoice = None
    files: Files = []


class SessionIn(BaseModel):
    model_config = example({"agent_id": "assistant", "title": "New Chat Session"})

    agent_id: str = Field(min_length=1)
    title: Title = ""


class InfoAction(BaseModel):
    model_config = example({"action": "info"})

    action: Literal["info"]


class AgentsAction(BaseModel):
    model_config = example({"action": "agents"})

    action: Literal["agents"]


class SendMessageAction(MessageIn):
    model_config = example({"action": "send_message", **MESSAGE})

    action: Literal["send_message"]


class CreateSessionAction(SessionIn):
    model_config = example({"action": "create_session", "agent_id": "assistant", "title": "New Chat Session"})

    action: Literal["create_session"]


class SessionsAction(BaseModel):
    model_config = example({"action": "sessions", "page": 1})

    action: Literal["sessions"]
    page: PageNumber = 1


class SessionAction(BaseModel):
    model_config = example({"action": "session", "session_id": SESSION["id"]})

    action: Literal["session"]
    session_id: str = Field(min_length=1)


Action = Annotated[
    InfoAction | AgentsAction | SendMessageAction | CreateSessionAction | SessionsAction | SessionAction, Field(discriminator="action")
]


class InfoResult(Info):
    model_config = example({"success": True, **INFO})

    success: Literal[True]


class AgentsResult(AgentList):
    success: Literal[True]


class SessionsResult(SessionPage):
    model_config = example({"success": True, **SESSION_PAGE})

    success: Literal[True]


class SessionResult(BaseModel):
    success: Literal[True]
    session: Session


ReadResult = InfoResult | AgentsResult
ActionResult = InfoResult | AgentsResult | SessionsResult | SessionResult | Sent | SessionCreated
