"""Parses a request, and refuses it clearly where an answer would not be what the client means.

``system`` and ``developer`` messages do not become instructions: an agent has its own, which nobody but its maker changes. They are
handed over as the context of the message, which the model is told to take as data, wherever they stand in the list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentos.agents.efforts import NORMAL, QUICK, THOROUGH
from agentos.api.openai.errors import BadField
from agentos.api.openai.files import KINDS, file_of
from agentos.api.openai.formats import format_of
from agentos.api.openai.schemas import CompletionIn, Message
from agentos.chat.models import MESSAGE_LIMIT
from agentos.chat.sent_files import GivenFile, KeptFiles
from agentos.core.text import clean
from agentos.files.quotas import FILES_A_MESSAGE

NEW = "new"
EFFORTS = {"none": QUICK, "minimal": QUICK, "low": QUICK, "medium": NORMAL, "high": THOROUGH, "xhigh": THOROUGH}
CALLS_ITS_OWN = (
    "An agent calls its own tools, on the server: tool_choice must be auto or none. For an answer by a schema of yours ask for it with "
    "response_format, or text.format in Responses."
)
CONVERSATION_LIMIT = 200_000  # characters of all messages together
OF_OTHERS = "Tool calls and their results cannot be sent: the agent's tools run on the server, and its answers name them in agent_events."


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """``session_id`` is empty for a conversation that the client keeps. ``history`` is of such a one, or of a session that it opens.
    ``options`` stay with the run. ``effort``: ours, empty where the client asks for none. ``files``: of the message; where the client
    keeps the conversation also the newest of its earlier messages. ``kept``: the same, once they are kept here.
    """

    model: str
    message: str
    history: list[dict[str, str]] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)
    session_id: str = ""
    stream: bool = False
    include_usage: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    effort: str = ""
    files: tuple[GivenFile, ...] = ()
    kept: KeptFiles = field(default_factory=KeptFiles)

    def into(self, session_id: str) -> "AgentRequest":
        return replace(self, session_id=session_id)

    def after(self, said: Iterable[dict[str, str]]) -> "AgentRequest":
        return replace(self, history=[*said, *self.history])


def read(payload: CompletionIn, session_header: str = "") -> AgentRequest:
    """Raises ``BadField``."""
    _check_parameters(payload)
    notes, said = conversation_of(payload.messages, "messages")
    session_id = session_named(payload.metadata, session_header)
    message, files = check_message(said, "messages", is_kept=session_id not in {"", NEW})
    chosen = format_of(payload.response_format, "response_format")
    return AgentRequest(
        model=payload.model,
        message=message,
        history=said,
        context={"application": notes} if notes else {},
        session_id=session_id,
        stream=bool(payload.stream),
        include_usage=bool(payload.stream_options and payload.stream_options.include_usage),
        options={"format": chosen} if chosen else {},
        effort=effort_of(payload.reasoning_effort, "reasoning_effort"),
        files=files,
    )


def effort_of(asked: Any, field: str) -> str:
    """Return our word for what OpenAI calls an effort. Raises ``BadField``."""
    if asked is None:
        return ""
    if not isinstance(asked, str) or asked not in EFFORTS:
        raise BadField(field, f"An effort is one of: {', '.join(EFFORTS)}.", code="unsupported_value")
    return EFFORTS[asked]


def check_message(said: list[dict[str, Any]], field: str, *, is_kept: bool) -> tuple[str, tuple[GivenFile, ...]]:
    """Take the last message off, which is what the agent answers, and return it with its files. Where the conversation is not kept here
    (``is_kept``) the newest files of earlier messages go along, as many as a message may have. Raises ``BadField``."""
    if not said or said[-1]["role"] != "user":
        raise BadField(field, "The last message must be a user's, with some text or a file.")
    last = said.pop()
    message, files = last["content"], last.pop("files", [])
    if len(files) > FILES_A_MESSAGE:
        raise BadField(files[FILES_A_MESSAGE].field, f"A message can have {FILES_A_MESSAGE} files.", code="array_above_max_length")
    earlier = [file for each in said for file in each.pop("files", [])]
    room = 0 if is_kept else FILES_A_MESSAGE - len(files)
    files = [*(earlier[-room:] if room else []), *files]
    if len(message) > MESSAGE_LIMIT:
        sentence = f"The last message can have {MESSAGE_LIMIT:,} characters; this one has {len(message):,}."
        raise BadField(field, sentence, code="string_above_max_length")
    return message, tuple(files)


def _check_parameters(payload: CompletionIn) -> None:
    """Refuse what would change the meaning of the answer. How it is sampled is the agent's, and is ignored."""
    refused = {
        "n": payload.n not in (None, 1),
        "tool_choice": payload.tool_choice not in (None, "auto", "none"),
        "function_call": payload.function_call not in (None, "auto", "none"),
        "modalities": payload.modalities not in (None, [], ["text"]),
        "audio": payload.audio is not None,
        "web_search_options": payload.web_search_options is not None,
        "logprobs": bool(payload.logprobs),
        "top_logprobs": bool(payload.top_logprobs),
        "stop": payload.stop not in (None, [], ""),
    }
    sentences = {
        "n": "An agent gives one answer: n must be 1.",
        "tool_choice": CALLS_ITS_OWN,
        "function_call": "An agent calls its own tools, on the server: function_call must be auto or none.",
    }
    for name, is_refused in refused.items():
        if is_refused:
            raise BadField(name, sentences.get(name, f"Agents do not support {name}."), code="unsupported_parameter")


def _check_size(messages: Sequence[Message], field: str) -> None:
    size = sum(len(text) for number, message in enumerate(messages) for text in _texts(message, f"{field}.{number}"))
    if size > CONVERSATION_LIMIT:
        sentence = f"A conversation can have {CONVERSATION_LIMIT:,} characters; this one has {size:,}."
        raise BadField(field, sentence, code="context_length_exceeded")


def conversation_of(messages: Sequence[Message], field: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what the application said, and what user and assistant said in turn, nobody twice in a row; with the ``files`` of messages,
    where there are some. Raises ``BadField``."""
    _check_size(messages, field)
    notes: list[str] = []
    said: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        if message.role in {"tool", "function"} or message.tool_calls or message.function_call:
            raise BadField(f"{field}.{number}", OF_OTHERS, code="unsupported_value")
        text = clean("\n".join(_texts(message, f"{field}.{number}"))).rstrip()
        files = _files(message, f"{field}.{number}")
        if not text and not files:
            continue
        text = text.strip("\n")
        if message.role in {"system", "developer"}:
            notes.append(text)
        elif said and said[-1]["role"] == message.role:
            said[-1]["content"] = "\n\n".join(filter(None, (said[-1]["content"], text)))
        else:
            said.append({"role": message.role, "content": text})
        if files:
            said[-1]["files"] = [*said[-1].get("files", []), *files]
    return notes, said


def _files(message: Message, place: str) -> list[GivenFile]:
    parts = message.content if isinstance(message.content, list) else []
    found = [file_of(part.type, getattr(part, part.type), f"{place}.content") for part in parts if part.type in KINDS]
    if found and message.role != "user":
        raise BadField(f"{place}.content", "Files can be sent in messages of the user's.", code="unsupported_value")
    return found


def _texts(message: Message, place: str) -> list[str]:
    if message.content is None or isinstance(message.content, str):
        return [message.content or ""]
    for part in message.content:
        if part.type not in {"text", "refusal", *KINDS}:
            sentence = f"Agents read text, pictures, files and recordings: a part of type {part.type[:40]} cannot be sent."
            raise BadField(f"{place}.content", sentence, code="unsupported_value")
    return [part.text or part.refusal or "" for part in message.content]


def session_named(metadata: Mapping[str, Any] | None, header: str, conversation: str = "") -> str:
    """Return the session that the client names, in the header X-Session-ID, as ``metadata.session_id``, or as its conversation. ``user``
    names none: many clients send the same one with every request. Raises ``BadField``."""
    named = (metadata or {}).get("session_id")
    if named is not None and not isinstance(named, str):
        raise BadField("metadata.session_id", "metadata.session_id must be a string.")
    if len({name for name in (named, header, conversation) if name}) > 1:
        raise BadField("metadata.session_id", "The header X-Session-ID and metadata.session_id name different sessions.")
    return named or header or conversation
