"""Our own JSON (``chat/exporting/``). Tools and members come back as they were shown."""

from typing import Any

from .common import Chat, Refused, Said, mapping, moment, names_of, rows, said_text, text, thought, tool

SOURCE = "agentos"
FORMAT, VERSION = "agentos-chat", 1
DEEPEST = 3  # members in members
ENDED = {"completed", "failed", "interrupted", "stopped"}


def is_one(entry: dict[str, Any]) -> bool:
    return entry.get("format") == FORMAT


def read(entry: dict[str, Any]) -> Chat:
    """Raises Refused for one of a newer version."""
    if entry.get("version") != VERSION:
        raise Refused("newer")
    chat = Chat(SOURCE, text(entry.get("session_id")), text(entry.get("title")), moment(entry.get("created_at")))
    for turn in rows(entry.get("turns")):
        status = text(turn.get("status"))
        chat.said.append(Said(is_mine=True, text=text(turn.get("message")), at=moment(turn.get("sent_at"))))
        answer = Said(is_mine=False, model=text(turn.get("model")), at=moment(turn.get("answered_at")))
        answer.status = status if status in ENDED else "stopped"
        answer.parts = _parts(chat, rows(turn.get("parts"))) or said_text(text(turn.get("answer")))
        answer.files = names_of(rows(turn.get("files")), "name")
        chat.updated_at = answer.at or chat.updated_at
        chat.said.append(answer)
        for _source in rows(turn.get("sources")):
            chat.leave("citations")
    return chat


def _parts(chat: Chat, parts: list[dict[str, Any]], depth: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in parts:
        kind = text(part.get("kind"))
        if kind == "text":
            found += said_text(text(part.get("text")))
        elif kind == "reasoning":
            found += thought(text(part.get("text")))
        elif kind == "tool":
            found.append(_tool(part))
        elif kind == "delegation" and depth < DEEPEST:
            named = {name: text(part.get(name))[:2000] for name in ("by", "name", "task", "result")}
            status = "failed" if part.get("status") == "failed" else "finished"
            inside = _parts(chat, rows(part.get("parts")), depth + 1)
            found.append({"kind": "delegation", **named, "status": status, "seconds": _seconds(part), "parts": inside})
        else:
            chat.leave("unknown", kind)
    return found


def _tool(part: dict[str, Any]) -> dict[str, Any]:
    made = tool(text(part.get("name")), mapping(part.get("args")), text(part.get("result")), is_failed=part.get("status") == "failed")
    return {**made, "seconds": _seconds(part)}


def _seconds(part: dict[str, Any]) -> float | None:
    seconds = part.get("seconds")
    return float(seconds) if isinstance(seconds, (int, float)) and 0 <= seconds < 1e6 else None  # noqa: PLR2004
