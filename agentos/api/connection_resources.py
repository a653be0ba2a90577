"""Connections to MCP servers and their tools, as JSON."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool, model_validator

from agentos.api.resources import optional
from agentos.api.schemas import Moment, example
from agentos.api.webhook_resources import TEAM, TEAM_LIMIT, Team
from agentos.connections.actions import KEY_LIMIT, SECONDS
from agentos.connections.definitions import TOOLS
from agentos.connections.models import CLIENT_LIMIT, NAME_LIMIT
from agentos.core.http.strict_json import whole
from agentos.core.security.guarded_http.addresses import URL_LIMIT

SLUG = "issue-tracker"
CHOICE = {"name": "Issue tracker", "url": "https://issues.example.com/mcp", "auth": "none"}
CONNECTION = {
    "slug": SLUG,
    "team": TEAM,
    **CHOICE,
    "client_id": None,
    "header": "Authorization",
    "seconds": 10,
    "enabled": True,
    "state": "ok",
    "state_reason": None,
    "looked_at": "2024-01-01T12:00:02Z",
    "created_at": "2024-01-01T11:00:00Z",
}
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
DEFINITION = {"description": "Find issues by words.", "arguments": SCHEMA, "read_only": True, "hash": "5d8f2s6a9k1m"}
TOOL = {
    "name": "find",
    "slug": f"mcp:{SLUG}/find",
    "policy": "ask",
    "policies": ["off", "ask", "auto"],
    "state": "accepted",
    "problem": None,
    "accepted": DEFINITION,
    "offered": None,
}

Auth = Literal["none", "key", "member_key", "oauth"]
Policy = Literal["off", "ask", "auto"]
Name = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": NAME_LIMIT, "pattern": r"\S"})]
ADDRESS = {"maxLength": URL_LIMIT, "format": "uri", "pattern": "^https?://"}
KEY = {"minLength": 1, "maxLength": KEY_LIMIT, "pattern": r"^[!-~]+$"}
KEY_HEADER = {
    "pattern": "^[A-Za-z0-9-]{0,64}$",
    "description": "Which header carries the key. Not one that every call has, such as `Host`, nor one of `Mcp-` and `Proxy-`.",
}
CLIENT = {
    "maxLength": CLIENT_LIMIT,
    "pattern": "^[ -~]*$",
    "description": "That the other system gave you, where members sign in (`oauth`) and nobody can register alone. Its secret is `key`.",
}
WAIT = {"minimum": SECONDS[0], "maximum": SECONDS[1]}


class Connection(BaseModel):
    """A server whose tools agents may use. ``team``: whose agents; null for everybody's. ``url`` is null for one that is started on the
    site's machine. ``state`` is of the last time that it was asked, with the reason where something is wrong. No key is ever shown."""

    model_config = example(CONNECTION)

    slug: str
    team: Team | None
    name: str
    url: str | None
    auth: Auth
    client_id: str | None
    header: str
    seconds: int
    enabled: bool
    state: Literal["unknown", "ok", "away", "refused"]
    state_reason: str | None
    looked_at: Moment | None
    created_at: Moment


class ConnectionList(BaseModel):
    model_config = example({"connections": [CONNECTION]})

    connections: list[Connection]


class Definition(BaseModel):
    """What models are told of a tool, and what the server says of itself. ``hash`` names it: give it to accept it."""

    model_config = example(DEFINITION)

    description: str
    arguments: dict[str, Any] = Field(description="Their JSON Schema.")
    read_only: bool
    hash: str


class RemoteTool(BaseModel):
    """``slug`` is its name among an agent's tools. ``accepted`` is what models are told; ``offered`` what the server says now, where that
    is new or has changed: the tool is off until it is accepted. ``policies``: what can be chosen."""

    model_config = example(TOOL)

    name: str
    slug: str
    policy: Policy
    policies: list[Policy]
    state: Literal["accepted", "new", "changed", "unusable", "gone"]
    problem: str | None
    accepted: Definition | None
    offered: Definition | None


class FullConnection(Connection):
    """With its tools."""

    model_config = example({**CONNECTION, "tools": [TOOL]})

    tools: list[RemoteTool]


class ConnectionIn(BaseModel):
    model_config = example(CHOICE)

    team: Annotated[int, Field(strict=True, ge=1, le=TEAM_LIMIT), BeforeValidator(whole)] | None = Field(
        None, description="The id of one of your teams. Operators leave it out for a connection of the whole installation."
    )
    name: Name
    url: Annotated[str, Field(json_schema_extra={**ADDRESS})]
    auth: Auth = "none"
    key: str = Field(default=None, json_schema_extra=optional(**KEY))  # type: ignore[assignment]  # only what was sent is read
    client_id: str = Field(default=None, json_schema_extra=optional(**CLIENT))  # type: ignore[assignment]  # as above
    header: str = Field(default=None, json_schema_extra=optional(**KEY_HEADER))  # type: ignore[assignment]  # as above
    seconds: int = Field(default=None, json_schema_extra=optional(**WAIT))  # type: ignore[assignment]  # as above


class ConnectionChange(BaseModel):
    """At least one of these. Another ``url`` is another server: its tools have to be accepted again, and keys given again."""

    model_config = example({"seconds": 60, "enabled": True}, minProperties=1)

    name: str = Field(default=None, json_schema_extra=optional(minLength=1, maxLength=NAME_LIMIT, pattern=r"\S"))  # type: ignore[assignment]
    url: str = Field(default=None, json_schema_extra=optional(**ADDRESS))  # type: ignore[assignment]
    auth: Auth = Field(default=None, json_schema_extra=optional())  # type: ignore[arg-type]
    key: str = Field(default=None, json_schema_extra=optional(**KEY))  # type: ignore[assignment]
    client_id: str = Field(default=None, json_schema_extra=optional(**CLIENT))  # type: ignore[assignment]
    header: str = Field(default=None, json_schema_extra=optional(**KEY_HEADER))  # type: ignore[assignment]
    seconds: int = Field(default=None, json_schema_extra=optional(**WAIT))  # type: ignore[assignment]
    enabled: StrictBool = Field(default=None, json_schema_extra=optional())  # type: ignore[assignment]

    @model_validator(mode="after")
    def says_something(self) -> "ConnectionChange":
        if not self.model_fields_set:
            raise ValueError("Name what shall change")
        return self


class ToolsIn(BaseModel):
    """``accept``: by the tool's name, the hash of what was offered and looked at; what is something else by now is not accepted.
    ``policies``: by the tool's name. Accepting comes first."""

    model_config = example({"accept": {"find": DEFINITION["hash"]}, "policies": {}})

    accept: dict[str, str] = Field(default_factory=dict, json_schema_extra={"maxProperties": TOOLS})
    policies: dict[str, Policy] = Field(default_factory=dict, json_schema_extra={"maxProperties": TOOLS})
