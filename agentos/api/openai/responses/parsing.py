"""Parses a request for a response. What it shares with a chat completion is parsed the same way, with the same errors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from agentos.access.users import User
from agentos.api.openai.errors import BadField
from agentos.api.openai.files import NOT_FETCHED
from agentos.api.openai.formats import format_of
from agentos.api.openai.parsing import CALLS_ITS_OWN, NEW, OF_OTHERS, AgentRequest, check_message, conversation_of, effort_of, session_named
from agentos.api.openai.responses.schemas import ResponseIn
from agentos.api.openai.responses.serializers import items_of
from agentos.api.openai.schemas import ContentPart, Message
from agentos.chat import queries
from agentos.chat.models import Run
from agentos.chat.sent_files import KeptFiles
from agentos.core import ids

ID = re.compile(rf"resp_([{ids.ALPHABET}]{{{ids.LENGTH}}})")
ITEM = re.compile(rf"(?:msg|rs)_([{ids.ALPHABET}]{{{ids.LENGTH}}})_(?:\d{{1,4}}|in)")
ROLES = frozenset({"system", "developer", "user", "assistant"})
TEXTS = frozenset({"input_text", "output_text", "text", "refusal"})
FILES = frozenset({"input_image", "input_file", "input_audio"})
ITEMS_LIMIT = 500
PAIRS_LIMIT, NAME_LIMIT, VALUE_LIMIT = 16, 64, 512  # of metadata, as OpenAI has them


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """``previous``: the run that is gone on from."""

    asked: AgentRequest
    store: bool
    background: bool
    previous: Run | None

    def having(self, kept: KeptFiles) -> "ResponseRequest":
        return replace(self, asked=replace(self.asked, kept=kept))


def read(payload: ResponseIn, user: User, session_header: str = "") -> ResponseRequest:
    """Raises ``BadField``."""
    _check_parameters(payload)
    previous = _previous(payload, user)
    session_id = session_named(payload.metadata, session_header, _conversation(payload))
    store = payload.store is not False
    _check_together(payload, previous, session_id, store=store)
    notes, said = conversation_of([*_instructions(payload), *_messages(payload.input, user)], "input")
    is_kept = previous is not None or session_id not in {"", NEW}
    message, files = check_message(said, "input", is_kept=is_kept)
    if previous and said:
        raise BadField("input", "With previous_response_id the input is what comes after it: messages of the user's alone.")
    chosen = format_of(payload.text.format if payload.text else None, "text.format")
    options = {
        "instructions": payload.instructions,
        "previous": payload.previous_response_id,
        "metadata": _metadata(payload.metadata),
        "background": payload.background or None,
        "format": chosen,
        "text_format": payload.text.format if chosen and payload.text else None,
    }
    asked = AgentRequest(
        model=payload.model,
        message=message,
        history=said,
        context={"application": notes} if notes else {},
        session_id=session_id,
        stream=bool(payload.stream),
        options={name: value for name, value in options.items() if value},
        effort=effort_of(payload.reasoning.effort if payload.reasoning else None, "reasoning.effort"),
        files=files,
    )
    return ResponseRequest(asked, store, bool(payload.background), previous)


def _check_parameters(payload: ResponseIn) -> None:
    refused = {
        "tool_choice": (
            payload.tool_choice not in (None, "auto", "none"),
            CALLS_ITS_OWN,
        ),
        "prompt": (payload.prompt is not None, "There are no stored prompts here: an agent has instructions of its own."),
        "top_logprobs": (bool(payload.top_logprobs), "Agents do not support top_logprobs."),
    }
    for name, (is_refused, sentence) in refused.items():
        if is_refused:
            raise BadField(name, sentence, code="unsupported_parameter")


def _check_together(payload: ResponseIn, previous: Run | None, session_id: str, *, store: bool) -> None:
    """What contradicts itself is refused: nobody could know which half was meant."""
    if previous and session_id:
        raise BadField("previous_response_id", "Name a response to go on from or a session, not both: the response is in one.")
    if not store and (session_id or payload.background):
        name = "background" if payload.background else "conversation"
        raise BadField("store", f"With {name} the answer is kept: store cannot be false.")
    if payload.background and payload.stream:
        raise BadField("background", "An answer in the background cannot be streamed: look at it by its id.", code="unsupported_parameter")


def _conversation(payload: ResponseIn) -> str:
    named = payload.conversation.get("id", "") if isinstance(payload.conversation, dict) else payload.conversation
    return named if isinstance(named, str) else ""


def _previous(payload: ResponseIn, user: User) -> Run | None:
    if not payload.previous_response_id:
        return None
    if run := find(user, payload.previous_response_id):
        return run
    sentence = f"There is no response {payload.previous_response_id} of yours that was stored."
    raise BadField("previous_response_id", sentence, code="previous_response_not_found")


def find(user: User, response_id: str) -> Run | None:
    """Return the run behind a response of this user's; what was deleted, or never kept, is not there."""
    match = ID.fullmatch(response_id)
    run = queries.run_for(user, f"run_{match[1]}") if match else None
    return run if run and (run.input or run.file_count) else None


def _metadata(given: dict[str, Any] | None) -> dict[str, str]:
    pairs = given or {}
    fits = len(pairs) <= PAIRS_LIMIT and all(len(name) <= NAME_LIMIT for name in pairs)
    if not fits or not all(isinstance(value, str) and len(value) <= VALUE_LIMIT for value in pairs.values()):
        sentence = f"metadata can have {PAIRS_LIMIT} pairs, of names of {NAME_LIMIT} characters and strings of {VALUE_LIMIT}."
        raise BadField("metadata", sentence)
    return pairs


def _instructions(payload: ResponseIn) -> list[Message]:
    return [Message(role="system", content=payload.instructions)] if payload.instructions else []


def _messages(given: str | list[dict[str, Any]], user: User) -> Iterator[Message]:
    if isinstance(given, str):
        yield Message(role="user", content=given)
        return
    if len(given) > ITEMS_LIMIT:
        raise BadField("input", f"The input can have {ITEMS_LIMIT} items; this one has {len(given)}.")
    for number, item in enumerate(given):
        kind = item.get("type") or "message"
        if kind == "item_reference":
            yield from _referred(item, number, user)
        elif kind == "message":
            yield _message(item, number)
        elif kind != "reasoning":  # what a model thought is its own
            raise BadField(f"input.{number}", OF_OTHERS, code="unsupported_value")


def _message(item: dict[str, Any], number: int) -> Message:
    role, content = item.get("role"), item.get("content")
    if not isinstance(role, str) or role not in ROLES:
        raise BadField(f"input.{number}.role", f"A message is of {', '.join(sorted(ROLES))}.")
    if isinstance(content, list):
        content = [_part(part, number) for part in content]
    elif not isinstance(content, str):
        raise BadField(f"input.{number}.content", "The content of a message is a string, or a list of parts.")
    return Message.model_validate({"role": role, "content": content})


def _file(part: dict[str, Any], kind: str, number: int) -> ContentPart:
    """As chat completions have it."""
    named = {name: part.get(name) for name in ("file_id", "file_data", "filename")}
    if kind == "input_audio":
        return ContentPart(type=kind, input_audio=part.get(kind))
    if kind == "input_image":
        return ContentPart(type="image_url", image_url={"url": part.get("image_url"), **named})
    if part.get("file_url"):
        raise BadField(f"input.{number}.content", NOT_FETCHED, code="unsupported_value")
    return ContentPart(type="file", file=named)


def _part(part: Any, number: int) -> ContentPart:
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(kind, str) and kind in FILES:
        return _file(part, kind, number)
    text = part.get("refusal" if kind == "refusal" else "text") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in TEXTS or not isinstance(text, str):
        sentence = f"Agents read text, pictures, files and recordings: a part of type {str(kind)[:40]} cannot be sent."
        raise BadField(f"input.{number}.content", sentence, code="unsupported_value")
    return ContentPart(type="text", text=text)


def _referred(item: dict[str, Any], number: int, user: User) -> Iterator[Message]:
    """An item of an earlier response, which its client knows by its id alone."""
    match = ITEM.fullmatch(str(item.get("id")))
    run = find(user, f"resp_{match[1]}") if match else None
    if run is None:
        raise BadField(f"input.{number}.id", "There is no such item of yours that was stored.", code="item_not_found", status=404)
    for known in items_of(run).items:
        if known["id"] == item["id"] and known["type"] == "message":
            yield Message(role="assistant", content=known["content"][0]["text"])
