"""What a client of Responses sends, as far as it means something here, and what it gets."""

from typing import Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

Status = Literal["queued", "in_progress", "completed", "failed", "cancelled", "incomplete"]


class StreamOptions(Schema):
    include_obfuscation: bool | None = None


class TextOptions(Schema):
    model_config = ConfigDict(extra="ignore")

    format: dict[str, Any] | None = Field(None, description="`text`, or `json_schema` and `json_object` where the agent can.")


class ReasoningOptions(Schema):
    model_config = ConfigDict(extra="ignore")

    effort: Any = Field(None, description="As `reasoning_effort` of a chat completion.")


class ResponseIn(Schema):
    """Parameters that are not listed are ignored: how an agent's model is sampled, and how long it may speak, is set with the agent."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"model": "assistant", "input": "Hello"}]})

    model: str = Field(max_length=200, description="The id of an agent.")
    input: str | list[dict[str, Any]] = Field(description="A message, or a conversation whose last message the agent answers.")
    instructions: str | None = Field(None, description="Reach the agent as context of this message; they never replace its own.")
    previous_response_id: str | None = Field(None, max_length=60, description="Goes on from this response.")
    conversation: str | dict[str, Any] | None = Field(None, description="The id of a chat that the message is sent in.")
    store: bool | None = Field(None, description="`false` leaves no trace of what was said. `true` otherwise.")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    background: bool | None = Field(None, description="Answers at once; look at the response by its id.")
    metadata: dict[str, Any] | None = Field(None, description="`session_id` names the chat that the message is sent in; `new` opens one.")
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    tools: list[Any] | None = Field(None, description="Never called: the agent has tools of its own, which run on the server.")
    tool_choice: Any = Field(None, description="`auto` or `none`.")
    prompt: Any = None
    top_logprobs: int | None = None


class Response(Schema):
    """``session_id`` and ``agent_events`` are an addition to OpenAI's fields, there when there is something to say."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Status
    model: str
    output: list[dict[str, Any]]
    error: dict[str, Any] | None
    previous_response_id: str | None
    metadata: dict[str, Any]
    usage: dict[str, Any] | None


class Deleted(Schema):
    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True


class ItemList(Schema):
    object: Literal["list"] = "list"
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: Literal[False] = False
