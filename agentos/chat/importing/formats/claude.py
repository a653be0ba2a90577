"""Claude's ``conversations.json``: a list of messages for each chat, which is a tree by ``parent_message_uuid`` and not always in order."""

from typing import Any

from .common import Chat, Said, answered, last_of, moment, names_of, rows, said_text, shown_branch, text, thought, tool

SOURCE = "claude"


def is_one(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("chat_messages"), list)


def read(entry: dict[str, Any]) -> Chat:
    chat = Chat(SOURCE, text(entry.get("uuid")), text(entry.get("name")), moment(entry.get("created_at")), moment(entry.get("updated_at")))
    listed = rows(entry.get("chat_messages"))
    path, others = listed, rows(None)
    if any("parent_message_uuid" in each for each in listed):
        messages = {text(each.get("uuid")) or f"nameless-{number}": each for number, each in enumerate(listed)}
        last = text(entry.get("current_leaf_message_uuid"))
        if last not in messages:
            last = last_of(messages, _parent, lambda each: each.get("created_at"))
        path, others = shown_branch(messages, last, _parent)
    for message in path:
        _read_message(chat, message)
    for message in others:
        if text(message.get("text")).strip() or message.get("content"):
            chat.leave("versions")
    return chat


def _parent(message: dict[str, Any]) -> Any:
    return message.get("parent_message_uuid")


def _read_message(chat: Chat, message: dict[str, Any]) -> None:
    said = Said(message.get("sender") == "human", at=moment(message.get("created_at")))
    said.files = names_of(rows(message.get("attachments")) + rows(message.get("files")), "file_name", "file_uuid")
    parts = _parts(chat, rows(message.get("content"))) or said_text(text(message.get("text")))
    if said.is_mine:
        said.text = "\n\n".join(part["text"] for part in parts if part["kind"] == "text")
    else:
        said.parts = parts
    chat.said.append(said)


def _parts(chat: Chat, content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for item in content:
        kind = text(item.get("type"))
        if kind == "text":
            parts += _text(chat, item)
        elif kind == "thinking":
            parts += thought(text(item.get("thinking")))
        elif kind == "tool_use":
            parts.append(tool(text(item.get("name")), item.get("input") or {}))
        elif kind == "tool_result":
            answered(parts, _result(item.get("content")), text(item.get("name")))
        elif kind in {"image", "document"}:
            chat.leave("files", kind)
        elif kind not in {"token_budget", "flag"}:
            chat.leave("unknown", kind)
    return parts


def _text(chat: Chat, item: dict[str, Any]) -> list[dict[str, Any]]:
    if item.get("citations"):
        chat.leave("citations")
    return said_text(text(item.get("text")))


def _result(content: Any) -> str:
    return content if isinstance(content, str) else "\n\n".join(text(each.get("text")) for each in rows(content))
