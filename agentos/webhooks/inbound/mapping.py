"""Maps a sender's JSON to a command: dotted paths name its fields. Nothing in a payload is ever a template or code."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from agentos.core.http.errors import Problem
from agentos.core.text import clean, whole_number
from agentos.webhooks.inbound.models import EVENT_LIMIT, KEY_LIMIT, WebhookEndpoint

CREATE, STOP = "session.create", "run.stop"
ANY = "*"


@dataclass(frozen=True, slots=True)
class Command:
    """What an event asks for. ``action``: message, create, stop, or nothing for an event that is not known."""

    event: str
    action: str = ""
    key: str = ""
    message: str = ""


def read(endpoint: WebhookEndpoint, payload: Any) -> Command:
    """Raises ``Problem`` 422 with what is missing where."""
    event = _text(endpoint.event_path, find(payload, endpoint.event_path), limit=EVENT_LIMIT)
    action = what_to_do(endpoint, event)
    if not action:
        return Command(event)
    key = _text(endpoint.key_path, find(payload, endpoint.key_path), limit=KEY_LIMIT) if endpoint.key_path else ""
    if action == "stop" and not key:
        _refuse(f"{STOP} needs a session key, and this endpoint maps none.")
    if action != "message":
        return Command(event, action, key)
    message = _message(endpoint.message_path, find(payload, endpoint.message_path))
    return Command(event, action, key, f"{endpoint.preamble}\n\n{message}" if endpoint.preamble else message)


def what_to_do(endpoint: WebhookEndpoint, event: str) -> str:
    if event in {CREATE, STOP}:
        return "create" if event == CREATE else "stop"
    names = {name.strip() for name in endpoint.message_events.split(",")}
    return "message" if names & {event, ANY} else ""


def find(payload: Any, path: str) -> Any:
    """Return what stands at ``path``: ``items.0.id`` is the id of the first item. Raises ``Problem`` 422."""
    value, walked = payload, ""
    for name in path.split("."):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and (place := whole_number(name)) is not None and place < len(value):
            value = value[place]
        else:
            _refuse(f"{path}: There is no “{name}” in {walked or 'the event'}.")
        walked = f"{walked}.{name}" if walked else name
    return value


def sample(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return a payload that this mapping understands, for people to try."""
    first = endpoint.message_events.split(",")[0].strip()
    payload: dict[str, Any] = {}
    for path, value in (
        (endpoint.event_path, "message_received" if first == ANY else first),
        (endpoint.message_path, "Hello!"),
        (endpoint.key_path, "thread-1"),
    ):
        if path:
            _put(payload, path.split("."), value)
    return payload


def _put(payload: Any, names: list[str], value: str) -> None:
    """Lay ``value`` where a path points to. A number stands for an object's key there: which ``find`` reads as well."""
    for name in names[:-1]:
        inner = payload.get(name)
        payload[name] = payload = inner if isinstance(inner, dict) else {}
    payload[names[-1]] = value


def _text(path: str, value: Any, *, limit: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        _refuse(f"{path}: Must be text or a whole number; it is {_kind(value)}.")
    text = " ".join(clean(str(value)).split())
    if not 0 < len(text) <= limit:
        _refuse(f"{path}: Must have 1 to {limit} characters; it has {len(text)}.")
    return text


def _message(path: str, value: Any) -> str:
    """A text as it is; anything else as the JSON that it is, for the agent to read."""
    if value is None or value in ("", [], {}):
        _refuse(f"{path}: Is empty.")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", bool: "true or false", float: "a fraction", type(None): "null"}
    return kinds.get(type(value), "something else")


def _refuse(sentence: str) -> NoReturn:
    raise Problem(422, sentence, code="mapping_failed")
