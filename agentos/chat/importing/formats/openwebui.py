"""Open WebUI: a list of chats, each with a tree of messages of which the branch that ends at ``currentId`` was shown.

An answer is told twice: in ``output`` by items, and in ``content`` as a text with folded ``<details>``. The items are better.
"""

import html
import re
from typing import Any

from .common import ANSWER, Chat, Said, answered, last_of, mapping, moment, names_of, rows, said_text, shown_branch, text, thought, tool

SOURCE = "openwebui"
FOLDED = re.compile(r"<details\b([^>]{0,5000})>(.*?)</details>", re.DOTALL | re.IGNORECASE)
SUMMARY = re.compile(r"<summary>.*?</summary>", re.DOTALL | re.IGNORECASE)
ATTRIBUTE = re.compile(r'(?<![\w-])([\w-]{1,100})="([^"]*)"')


def is_one(entry: dict[str, Any]) -> bool:
    chat = mapping(entry.get("chat"))
    return "history" in chat or isinstance(chat.get("messages"), list)


def read(entry: dict[str, Any]) -> Chat:
    inner = mapping(entry.get("chat"))
    chat = Chat(
        SOURCE,
        text(entry.get("id")),
        text(entry.get("title")) or text(inner.get("title")),
        moment(entry.get("created_at") or inner.get("timestamp")),
        moment(entry.get("updated_at")),
        entry.get("archived") is True,
        entry.get("pinned") is True,
    )
    history = mapping(inner.get("history"))
    messages = {key: each for key, each in mapping(history.get("messages")).items() if isinstance(each, dict)}
    path, others = rows(inner.get("messages")), rows(None)
    if messages:
        last = text(history.get("currentId"))
        if last not in messages:
            last = last_of(messages, lambda each: each.get("parentId"), lambda each: each.get("timestamp"))
        path, others = shown_branch(messages, last, lambda each: each.get("parentId"))
    for message in path:
        _read_message(chat, message)
    for message in others:
        if text(message.get("content")).strip():
            chat.leave("versions")
    if text(inner.get("system")).strip() or text(mapping(inner.get("params")).get("system")).strip():
        chat.leave("instructions")
    return chat


def _read_message(chat: Chat, message: dict[str, Any]) -> None:
    role, content = message.get("role"), text(message.get("content"))
    if role not in {"user", "assistant"}:
        if content.strip():
            chat.leave("instructions")
        return
    said = Said(role == "user", model=text(message.get("model")), at=moment(message.get("timestamp")))
    said.files = names_of(({**mapping(each.get("file")), **each} for each in rows(message.get("files"))), "name", "filename", "type")
    for _source in rows(message.get("sources")):
        chat.leave("citations")
    if said.is_mine:
        said.text = content
    else:
        said.parts = _of_items(chat, rows(message.get("output"))) or _of_text(content[: 2 * ANSWER])
    chat.said.append(said)


def _of_items(chat: Chat, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for item in items:
        kind = text(item.get("type"))
        if kind == "message":
            parts += said_text(_joined(item.get("content")))
        elif kind == "reasoning":
            parts += thought(_joined(item.get("content")) or _joined(item.get("summary")))
        elif kind == "function_call":
            parts.append(tool(text(item.get("name")), item.get("arguments")))
        elif kind == "function_call_output":
            answered(parts, _joined(item.get("output")), "tool")
        else:
            chat.leave("unknown", kind)
    return parts


def _joined(content: Any) -> str:
    return content if isinstance(content, str) else "\n\n".join(text(each.get("text")) for each in rows(content))


def _of_text(content: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    at = 0
    for found in FOLDED.finditer(content):
        attributes = {name: html.unescape(value) for name, value in ATTRIBUTE.findall(found[1])}
        kind, inside = attributes.get("type", ""), html.unescape(SUMMARY.sub("", found[2])).strip()
        if kind == "reasoning":
            folded = thought("\n".join(line.removeprefix("> ").removeprefix(">") for line in inside.splitlines()))
        elif kind in {"tool_calls", "code_interpreter"}:
            result = attributes.get("result") or attributes.get("output") or (inside if kind == "tool_calls" else "")
            args = attributes.get("arguments") or ({"code": inside} if kind == "code_interpreter" else {})
            folded = [tool(attributes.get("name", kind), args, result)]
        else:
            continue
        parts += [*said_text(content[at : found.start()]), *folded]
        at = found.end()
    return [*parts, *said_text(content[at:])]
