"""What a client of OpenAI sends, as far as it means something here, and what it gets."""

from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


class ContentPart(Schema):
    """``image_url`` and ``file`` hold data, or the id of a file that is here; ``input_audio`` data and its format."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: Any = None
    file: Any = None
    input_audio: Any = None


class Message(Schema):
    model_config = ConfigDict(extra="ignore")

    role: Role
    content: str | list[ContentPart] | None = None
    tool_calls: list[Any] | None = None
    function_call: Any = None


class StreamOptions(Schema):
    include_usage: bool | None = None


class CompletionIn(Schema):
    """Parameters that are not listed are ignored: how an agent's model is sampled, and how long it may speak, is set with the agent."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"model": "assistant", "messages": [{"role": "user", "content": "Hello"}]}],
        },
    )

    model: str = Field(max_length=200, description="The id of an agent.")
    messages: list[Message] = Field(min_length=1, max_length=500, description="The last one is what the agent answers.")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: dict[str, Any] | None = Field(None, description="`session_id` names the chat that the message is sent in; `new` opens one.")
    n: int | None = Field(None, description="1, where it is given.")
    tools: list[Any] | None = Field(None, description="Never called: the agent has tools of its own, which run on the server.")
    tool_choice: Any = Field(None, description="`auto` or `none`.")
    functions: list[Any] | None = None
    function_call: Any = None
    response_format: Any = Field(None, description="`text`, where it is given.")
    reasoning_effort: Any = Field(
        None, description="`none`, `minimal` and `low` are quick, `high` and `xhigh` thorough, where the agent lets its effort be chosen."
    )
    modalities: list[str] | None = None
    audio: Any = None
    web_search_options: Any = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stop: Any = None


class Model(Schema):
    """An agent. ``name`` and ``description`` are an addition to OpenAI's fields."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "agentos"
    name: str
    description: str


class ModelList(Schema):
    object: Literal["list"] = "list"
    data: list[Model]


class ToolStarted(Schema):
    """The agent called one of its own tools, on the server."""

    index: int
    kind: Literal["tool_started"]
    call_id: str
    name: str
    args: dict[str, Any]


class ToolFinished(Schema):
    index: int
    kind: Literal["tool_finished"]
    call_id: str
    name: str
    result: str
    seconds: float | None


class ToolFailed(Schema):
    index: int
    kind: Literal["tool_failed"]
    call_id: str
    name: str
    error: str
    seconds: float | None


AgentEvent = Annotated[ToolStarted | ToolFinished | ToolFailed, Field(discriminator="kind")]


class Citation(Schema):
    """Where the text names a source: a passage of a document, which ``url`` opens for whoever may read it."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(Schema):
    type: Literal["url_citation"] = "url_citation"
    url_citation: Citation


class Answer(Schema):
    """``reasoning_content``, ``agent_events`` and ``annotations`` are there when there is something to say."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    reasoning_content: str | None = None
    agent_events: list[AgentEvent] | None = None
    annotations: list[Annotation] | None = None


class Choice(Schema):
    index: int = 0
    message: Answer
    logprobs: None = None
    finish_reason: Literal["stop", "length", "content_filter"] = "stop"


class ReadDetails(Schema):
    cached_tokens: int


class WrittenDetails(Schema):
    reasoning_tokens: int


class Usage(Schema):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: ReadDetails
    completion_tokens_details: WrittenDetails


class Completion(Schema):
    """``session_id`` is there when the message was sent in a session."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    session_id: str | None = None


class Error(Schema):
    message: str
    type: str
    param: str | None
    code: str | None


class Refused(Schema):
    error: Error
