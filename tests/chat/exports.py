"""Exports of chats as other sites write them: their shape, with words of our own."""

import io
import json
import zipfile
from typing import Any

SECONDS = 1_700_000_000


def node(key: str, parent: str | None, role: str, content: Any, **more: Any) -> dict[str, Any]:
    """A message of ChatGPT's; text where ``content`` is one."""
    said = {"content_type": "text", "parts": [content]} if isinstance(content, str) else content
    message = {"id": key, "author": {"role": role}, "create_time": SECONDS + 1, "content": said, "recipient": "all", "metadata": {}, **more}
    return {"id": key, "parent": parent, "children": [], "message": message}


def chatgpt(key: str = "c-1", title: str = "Tea") -> dict[str, Any]:
    hidden = {"content_type": "user_editable_context", "user_profile": "Likes tea."}
    picture = {"content_type": "multimodal_text", "parts": [{"asset_pointer": "file-service://x"}, "And this?"]}
    nodes = [
        {"id": "root", "parent": None, "children": ["told"], "message": None},
        node("told", "root", "user", hidden, weight=0),
        node("q1", "told", "user", "Which tea?"),
        node("a0", "q1", "assistant", "An answer that was not shown last."),
        node("t1", "q1", "assistant", {"content_type": "thoughts", "thoughts": [{"summary": "Hm", "content": "Green or black."}]}),
        node("s1", "t1", "system", ""),
        node("c1", "s1", "assistant", {"content_type": "code", "language": "python", "text": "1+1"}, recipient="python"),
        node("r1", "c1", "tool", {"content_type": "execution_output", "text": "2"}, author={"role": "tool", "name": "python"}),
        node("a1", "r1", "assistant", "Green\ue200cite\ue202turn0\ue201.", metadata={"model_slug": "gpt-5"}),
        node("q2", "a1", "user", picture, metadata={"attachments": [{"name": "leaf.png"}]}),
        node("a2", "q2", "assistant", "A leaf."),
    ]
    return {
        "title": title,
        "create_time": SECONDS,
        "update_time": SECONDS + 60,
        "mapping": {each["id"]: each for each in nodes},
        "current_node": "a2",
        "conversation_id": key,
        "default_model_slug": "gpt-4o",
        "is_archived": True,
    }


def openwebui() -> dict[str, Any]:
    folded = (
        '<details type="reasoning" done="true"><summary>Thought</summary>\n&gt; Hm.\n</details>\n'
        '<details type="tool_calls" name="clock" arguments="{&quot;zone&quot;: &quot;UTC&quot;}" result="noon">'
        "<summary>Ran</summary></details>"
        "Noon."
    )
    items = [
        {"type": "reasoning", "content": [{"type": "output_text", "text": "Is it late?"}]},
        {"type": "function_call", "name": "clock", "arguments": '{"zone": "UTC"}'},
        {"type": "function_call_output", "output": [{"type": "input_text", "text": "six"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Six."}]},
    ]
    messages = {
        "1": {"id": "1", "parentId": None, "role": "user", "content": "When?", "timestamp": SECONDS, "files": [{"name": "map.pdf"}]},
        "2": {"id": "2", "parentId": "1", "role": "assistant", "content": folded, "model": "llama3", "timestamp": SECONDS + 5},
        "3": {"id": "3", "parentId": "2", "role": "user", "content": "And now?", "timestamp": SECONDS + 9},
        "4": {"id": "4", "parentId": "3", "role": "assistant", "content": "folded", "output": items, "model": "llama3"},
        "5": {"id": "5", "parentId": "3", "role": "assistant", "content": "Seven."},
    }
    history = {"currentId": "4", "messages": messages}
    return {"id": "w-1", "title": "Time", "chat": {"history": history}, "created_at": SECONDS, "updated_at": SECONDS, "pinned": True}


def librechat(*, nested: bool) -> dict[str, Any]:
    root = "00000000-0000-0000-0000-000000000000"
    content = [{"type": "think", "think": "Hm."}, {"type": "tool_call", "tool_call": {"name": "sum", "args": '{"a": 1}', "output": "3"}}]
    content += [{"type": "text", "text": {"value": "Three."}}]
    flat: list[dict[str, Any]] = [
        {
            "messageId": "1",
            "parentMessageId": root,
            "isCreatedByUser": True,
            "text": "One and two?",
            "createdAt": "2024-05-01T10:00:00.000Z",
        },
        {"messageId": "2", "parentMessageId": "1", "isCreatedByUser": False, "text": "Four.", "createdAt": "2024-05-01T10:00:01.000Z"},
        {"messageId": "3", "parentMessageId": "1", "isCreatedByUser": False, "content": content, "createdAt": "2024-05-01T10:00:02.000Z"},
    ]
    if nested:
        for each in flat[1:]:
            each.pop("parentMessageId")
        flat = [{**flat[0], "children": flat[1:]}]
    return {"conversationId": "l-1", "title": "Sums", "options": {"promptPrefix": "Count."}, "recursive": nested, "messages": flat}


def claude() -> dict[str, Any]:
    root = "00000000-0000-4000-8000-000000000000"
    answer = [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "tool_use", "name": "search", "input": {"q": "tea"}},
        {"type": "tool_result", "name": "search", "content": [{"type": "text", "text": "Found."}]},
        {"type": "text", "text": "Here it is."},
    ]
    messages = [  # not in their order
        {"uuid": "2", "parent_message_uuid": "1", "sender": "assistant", "content": answer, "created_at": "2025-01-01T10:00:02Z"},
        {
            "uuid": "1",
            "parent_message_uuid": root,
            "sender": "human",
            "text": "Find it",
            "content": [{"type": "text", "text": "Find it"}],
            "attachments": [{"file_name": "notes.txt", "extracted_content": "Notes"}],
            "created_at": "2025-01-01T10:00:00Z",
        },
    ]
    return {"uuid": "k-1", "name": "Search", "created_at": "2025-01-01T10:00:00Z", "chat_messages": messages}


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()
