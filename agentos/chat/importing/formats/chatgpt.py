"""ChatGPT's ``conversations.json``: a tree of messages for each chat, of which the branch that ends at ``current_node`` was shown."""

import re
from typing import Any

from .common import Chat, Said, answered, last_of, mapping, moment, rows, said_text, shown_branch, text, thought, tool

SOURCE = "chatgpt"
CITED = re.compile("[ \t]?\ue200[^\ue200\ue201]{0,2000}\ue201")  # marks that only its own pages can read
TOLD = {"user_editable_context", "model_editable_context", "app_pairing_content"}  # what the model was told of its user
LABELS = {"reasoning_recap"}  # "Thought for 5 seconds"


def is_one(entry: dict[str, Any]) -> bool:
    return "mapping" in entry or ("conversation_id" in entry and "title" in entry)


def read(entry: dict[str, Any]) -> Chat:
    chat = Chat(
        SOURCE,
        text(entry.get("conversation_id")) or text(entry.get("id")),
        text(entry.get("title")),
        moment(entry.get("create_time")),
        moment(entry.get("update_time")),
        entry.get("is_archived") is True,
        entry.get("is_starred") is True,
    )
    nodes = {key: node for key, node in mapping(entry.get("mapping")).items() if isinstance(node, dict)}
    last = text(entry.get("current_node"))
    if last not in nodes:
        last = last_of(nodes, lambda node: node.get("parent"), lambda node: mapping(node.get("message")).get("create_time"))
    path, others = shown_branch(nodes, last, lambda node: node.get("parent"))
    for node in path:
        _read_message(chat, mapping(node.get("message")), text(entry.get("default_model_slug")))
    for node in others:
        message = mapping(node.get("message"))
        if _role(message) in {"user", "assistant"} and not _is_hidden(message) and _words(chat, message, counts=False).strip():
            chat.leave("versions")
    return chat


def _role(message: dict[str, Any]) -> str:
    return text(mapping(message.get("author")).get("role"))


def _is_hidden(message: dict[str, Any]) -> bool:
    about = mapping(message.get("metadata"))
    kind = mapping(message.get("content")).get("content_type")
    return about.get("is_visually_hidden_from_conversation") is True or message.get("weight") == 0 or kind in TOLD


def _read_message(chat: Chat, message: dict[str, Any], model: str) -> None:
    role, content = _role(message), mapping(message.get("content"))
    if not message or content.get("content_type") in LABELS:
        return
    if role == "system" or _is_hidden(message):
        if _words(chat, message, counts=False).strip() or content.get("content_type") in TOLD:
            chat.leave("instructions")
        return
    about = mapping(message.get("metadata"))
    said = Said(role == "user", model=text(about.get("model_slug")) or model, at=moment(message.get("create_time")))
    said.files = [text(each.get("name")) or "file" for each in rows(about.get("attachments"))]
    said.files = said.files or ["picture" for each in rows(content.get("parts")) if "asset_pointer" in each]
    words = _words(chat, message)
    if role == "tool":
        _add_result(chat, said, words, text(mapping(message.get("author")).get("name")))
        return
    if said.is_mine:
        said.text = words
    else:
        said.parts = _parts(message, content, words)
    chat.said.append(said)


def _add_result(chat: Chat, said: Said, words: str, name: str) -> None:
    """What a tool said belongs to the answer that called it."""
    if not chat.said or chat.said[-1].is_mine:
        chat.said.append(said)
    answer = chat.said[-1]
    if words.strip():
        answered(answer.parts, words, name)
    if answer is not said:
        answer.files += said.files


def _parts(message: dict[str, Any], content: dict[str, Any], words: str) -> list[dict[str, Any]]:
    kind, to = content.get("content_type"), text(message.get("recipient"))
    if kind == "thoughts":
        thoughts = rows(content.get("thoughts"))
        return thought("\n\n".join(text(each.get("content")) or text(each.get("summary")) for each in thoughts))
    if to not in {"", "all"}:
        return [tool(to, {"code" if kind == "code" else "text": words})] if words.strip() else []
    if kind == "code":
        language = text(content.get("language"))
        return said_text(f"```{language if language != 'unknown' else ''}\n{words}\n```")
    return said_text(words)


def _words(chat: Chat, message: dict[str, Any], *, counts: bool = True) -> str:
    content = mapping(message.get("content"))
    parts = content.get("parts")
    if isinstance(parts, list):
        found = "\n\n".join(filter(None, (each if isinstance(each, str) else text(mapping(each).get("text")) for each in parts)))
    else:
        found = text(content.get("text")) or text(content.get("result"))
        if not found and counts and content.get("content_type") != "thoughts":
            chat.leave("unknown", text(content.get("content_type")))
    plain, marks = CITED.subn("", found)
    if marks and counts:
        chat.leave("citations")
    return plain
