"""LibreChat: one chat a file, its messages in a list or in a tree of ``children``. The newest branch comes: which was shown, is not tol"""

from typing import Any

from .common import Chat, Said, last_of, mapping, moment, names_of, rows, said_text, shown_branch, text, thought, tool

SOURCE = "librechat"


def is_one(entry: dict[str, Any]) -> bool:
    return "conversationId" in entry and (isinstance(entry.get("messages"), list) or isinstance(entry.get("messagesTree"), list))


def read(entry: dict[str, Any]) -> Chat:
    messages = _flat(rows(entry.get("messagesTree")) or rows(entry.get("messages")))
    moments = sorted(filter(None, (moment(each.get("createdAt")) for each in messages.values())))
    chat = Chat(SOURCE, text(entry.get("conversationId")), text(entry.get("title")))
    chat.created_at, chat.updated_at = (moments[0], moments[-1]) if moments else (None, None)
    path, others = shown_branch(messages, last_of(messages, _parent, lambda each: each.get("createdAt")), _parent)
    for message in path:
        _read_message(chat, message)
    for message in others:
        if text(message.get("text")).strip() or message.get("content"):
            chat.leave("versions")
    if text(mapping(entry.get("options")).get("promptPrefix")).strip():
        chat.leave("instructions")
    return chat


def _parent(message: dict[str, Any]) -> Any:
    return message.get("parentMessageId")


def _flat(tree: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return all messages by their ids, each with its parent, in the order of the file."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [(message, "") for message in reversed(tree)]
    while waiting:
        message, parent = waiting.pop()
        key = text(message.get("messageId")) or f"nameless-{len(found)}"
        found[key] = {**message, "parentMessageId": parent or message.get("parentMessageId"), "children": None}
        waiting += [(child, key) for child in reversed(rows(message.get("children")))]
    return found


def _read_message(chat: Chat, message: dict[str, Any]) -> None:
    said = Said(message.get("isCreatedByUser") is True, model=text(message.get("model")), at=moment(message.get("createdAt")))
    said.files = names_of(rows(message.get("files")) + rows(message.get("attachments")), "filename", "name", "type")
    words = text(message.get("text"))
    if said.is_mine:
        said.text = words or "\n\n".join(part["text"] for part in _parts(chat, message.get("content")) if part["kind"] == "text")
    else:
        said.parts = _parts(chat, message.get("content")) or said_text(words)
    chat.said.append(said)


def _parts(chat: Chat, content: Any) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for item in rows(content):
        kind = text(item.get("type"))
        value = item.get(kind)
        if kind == "text":
            parts += said_text(text(value) or text(mapping(value).get("value")))
        elif kind == "think":
            parts += thought(text(value) or text(mapping(value).get("value")))
        elif kind == "tool_call":
            call = mapping(value)
            parts.append(tool(text(call.get("name")), call.get("args"), text(call.get("output"))))
        elif kind == "error":
            parts += said_text(text(value))
        elif kind.startswith("image"):
            chat.leave("files", "picture")
        else:
            chat.leave("unknown", kind)
    return parts
