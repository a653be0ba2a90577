"""What a request asks for: read, checked, and refused clearly where an answer would not be what the client means.

``system`` and ``developer`` messages do not become instructions: an agent has its own, which nobody but its maker changes. They are
handed over as the context of the message, which the model is told to take as data, wherever they stand in the list.
"""

from dataclasses import dataclass, field
from typing import Any

from agentos.api.openai.errors import BadField
from agentos.api.openai.schemas import CompletionIn, Message
from agentos.chat.models import MESSAGE_LIMIT
from agentos.core.text import clean

NEW = "new"
CONVERSATION_LIMIT = 200_000  # characters of all messages together
OF_OTHERS = "Calls of tools cannot be handed in: the agent's own tools run on the server, and its answers name them in agent_events."


@dataclass(frozen=True, slots=True)
class Asked:
    """``session_id`` is empty for a conversation that the client keeps; ``history`` is of such a one alone."""

    model: str
    message: str
    history: list[dict[str, str]] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)
    session_id: str = ""
    stream: bool = False
    include_usage: bool = False


def read(payload: CompletionIn, session_header: str = "") -> Asked:
    """Raises ``BadField``."""
    _check_parameters(payload)
    _check_size(payload.messages)
    notes, said = _conversation(payload.messages)
    if not said or said[-1]["role"] != "user":
        raise BadField("messages", "The last message must be a user's, with some text.")
    message = said.pop()["content"]
    if len(message) > MESSAGE_LIMIT:
        sentence = f"The last message can have {MESSAGE_LIMIT:,} characters; this one has {len(message):,}."
        raise BadField("messages", sentence, code="string_above_max_length")
    return Asked(
        model=payload.model,
        message=message,
        history=said,
        context={"application": notes} if notes else {},
        session_id=_session_id(payload, session_header),
        stream=bool(payload.stream),
        include_usage=bool(payload.stream_options and payload.stream_options.include_usage),
    )


def _check_parameters(payload: CompletionIn) -> None:
    """Refuse what would change the meaning of the answer. How it is sampled is the agent's, and is ignored."""
    refused = {
        "n": payload.n not in {None, 1},
        "tool_choice": payload.tool_choice not in (None, "auto", "none"),
        "function_call": payload.function_call not in (None, "auto", "none"),
        "response_format": _kind(payload.response_format) not in {None, "text"},
        "modalities": payload.modalities not in (None, [], ["text"]),
        "audio": payload.audio is not None,
        "web_search_options": payload.web_search_options is not None,
        "logprobs": bool(payload.logprobs),
        "top_logprobs": bool(payload.top_logprobs),
        "stop": payload.stop not in (None, [], ""),
    }
    sentences = {
        "n": "An agent gives one answer: n must be 1.",
        "tool_choice": "An agent calls its own tools, on the server. tool_choice must be auto or none.",
        "function_call": "An agent calls its own tools, on the server: function_call must be auto or none.",
        "response_format": "Agents answer with text: response_format must be of type text.",
    }
    for name, is_refused in refused.items():
        if is_refused:
            raise BadField(name, sentences.get(name, f"Agents do not support {name}."), code="unsupported_parameter")


def _kind(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else value


def _check_size(messages: list[Message]) -> None:
    size = sum(len(text) for number, message in enumerate(messages) for text in _texts(message, number))
    if size > CONVERSATION_LIMIT:
        sentence = f"A conversation can have {CONVERSATION_LIMIT:,} characters; this one has {size:,}."
        raise BadField("messages", sentence, code="context_length_exceeded")


def _conversation(messages: list[Message]) -> tuple[list[str], list[dict[str, str]]]:
    """Return what the application said, and what user and assistant said in turn, nobody twice in a row."""
    notes: list[str] = []
    said: list[dict[str, str]] = []
    for number, message in enumerate(messages):
        if message.role in {"tool", "function"} or message.tool_calls or message.function_call:
            raise BadField(f"messages.{number}", OF_OTHERS, code="unsupported_value")
        text = clean("\n".join(_texts(message, number))).strip()
        if not text:
            continue
        if message.role in {"system", "developer"}:
            notes.append(text)
        elif said and said[-1]["role"] == message.role:
            said[-1]["content"] += f"\n\n{text}"
        else:
            said.append({"role": message.role, "content": text})
    return notes, said


def _texts(message: Message, number: int) -> list[str]:
    if message.content is None or isinstance(message.content, str):
        return [message.content or ""]
    for part in message.content:
        if part.type not in {"text", "refusal"}:
            place = f"messages.{number}.content"
            raise BadField(place, f"Agents read text: a part of type {part.type[:40]} cannot be sent.", code="unsupported_value")
    return [part.text or part.refusal or "" for part in message.content]


def _session_id(payload: CompletionIn, header: str) -> str:
    """Return the session that the client names, in the header X-Session-ID or as ``metadata.session_id``. ``user`` names none:
    many clients send the same one with every request."""
    named = (payload.metadata or {}).get("session_id")
    if named is not None and not isinstance(named, str):
        raise BadField("metadata.session_id", "metadata.session_id must be a string.")
    if named and header and named != header:
        raise BadField("metadata.session_id", "The header X-Session-ID and metadata.session_id name different sessions.")
    return named or header
