"""What all formats give: chats whose messages stand in the order in which they were shown, and what was left out of them."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MESSAGE = 32_000  # characters of a message
ANSWER = 200_000  # characters of all texts of an answer
PARTS = 500  # of an answer
SMALL = 4_000  # characters of what a tool was given, and of what it said
DEEPEST = 10  # of what a tool was given
TITLE = 200  # characters
KEY = 64  # characters of an id
TURNS = 2_000  # of a chat
CHATS = 5_000  # of a file
LEFT_OUT = 500  # of a chat that are named
MILLISECONDS = 100_000_000_000  # a moment beyond that is not in seconds


class Refused(Exception):
    """Nothing can be read. ``code`` is one of ``reading.REASONS``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Said:
    """A message (``is_mine``), or a piece of an answer: one that is read as several is told as several."""

    is_mine: bool
    parts: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""
    model: str = ""
    at: str | None = None
    files: list[str] = field(default_factory=list)
    status: str = ""


@dataclass
class Chat:
    source: str
    key: str
    title: str = ""
    created_at: str | None = None
    updated_at: str | None = None
    is_archived: bool = False
    is_pinned: bool = False
    said: list[Said] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def leave(self, kind: str, name: str = "") -> None:
        """Note what does not come along: ``kind`` is one of ``reading.LEFT_OUT``."""
        if len(self.left_out) < LEFT_OUT:
            self.left_out.append((kind, name[:150]))


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def rows(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def moment(value: Any) -> str | None:
    """Return a moment in ISO 8601: of seconds, of milliseconds, or of a text. None for what is none."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > MILLISECONDS else seconds, UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def said_text(value: str) -> list[dict[str, Any]]:
    return [{"kind": "text", "text": value}] if value.strip() else []


def thought(value: str) -> list[dict[str, Any]]:
    return [{"kind": "reasoning", "text": value}] if value.strip() else []


def tool(name: str, args: Any, result: str = "", *, is_failed: bool = False) -> dict[str, Any]:
    """A call as it is shown: nothing ever makes it again."""
    if isinstance(args, str):
        try:
            args = json.loads(args)
        except (ValueError, RecursionError):
            args = {"text": args} if args else {}
    if not isinstance(args, dict):
        args = {"value": args}
    if len(json.dumps(args)) > SMALL or is_deep(args):
        args = {"text": json.dumps(args, ensure_ascii=False)[:SMALL]}
    return {
        "kind": "tool",
        "name": " ".join(name.split())[:100] or "tool",
        "args": args,
        "status": "failed" if is_failed else "finished",
        "result": result[:SMALL],
        "seconds": None,
    }


def is_deep(value: Any, most: int = DEEPEST) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return not most or any(is_deep(each, most - 1) for each in inside)


def answered(parts: list[dict[str, Any]], result: str, name: str) -> None:
    """Let the last call without a result have it; where there is none, one that says only that."""
    waiting = next((part for part in reversed(parts) if part["kind"] == "tool" and not part["result"]), None)
    if waiting is None:
        parts.append(tool(name, {}, result))
    else:
        waiting["result"] = result[:SMALL]


def shown_branch(
    messages: Mapping[str, dict[str, Any]], last: str, parent_of: Callable[[dict[str, Any]], Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the messages from the first to ``last`` by their parents, and all others."""
    path: dict[str, dict[str, Any]] = {}
    while last in messages and last not in path:
        path[last] = messages[last]
        parent = parent_of(messages[last])
        last = parent if isinstance(parent, str) else ""
    return list(reversed(path.values())), [each for key, each in messages.items() if key not in path]


def last_of(messages: Mapping[str, dict[str, Any]], parent_of: Callable[[dict[str, Any]], Any], at: Callable[[dict[str, Any]], Any]) -> str:
    """Return the newest message that nothing follows, where nobody says which one was shown."""
    followed = {parent for each in messages.values() if isinstance(parent := parent_of(each), str)}
    leaves = [key for key in messages if key not in followed] or list(messages)
    order = {key: number for number, key in enumerate(messages)}
    return max(leaves, key=lambda key: (moment(at(messages[key])) or "", order[key]), default="")


def names_of(files: Iterable[Mapping[str, Any]], *keys: str) -> list[str]:
    """Return what files are called."""
    return [next((name for key in keys if (name := text(each.get(key)))), "file") for each in files]
