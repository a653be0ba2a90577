"""One chunk of a chat completion, brought into the shape that OpenAI describes and Agno reads, from those that servers send."""

import json
from typing import Any

Json = dict[str, Any]

COUNT_LIMIT = 2**31  # of what a database takes

REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_text", "thought", "reasoning_details")
_THOUGHTS = frozenset({"thinking", "reasoning", "thought", "reasoning.text", "reasoning_text"})
_MENDED = frozenset({"tool_calls", "function_call", "refusal", *REASONING}) - {"reasoning_details"}
_TEXTS = ("text", "content", "thinking", "reasoning", "refusal", "summary")


def is_whole(chunk: Any) -> bool:
    """Whether it is a whole answer although pieces of one were asked for."""
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(choice, dict) and isinstance(choice.get("message"), dict) and not isinstance(choice.get("delta"), dict)


def mended(chunk: Any) -> Json:
    """Return the chunk with one choice at most, whose delta has text, reasoning and calls where they belong; an error as ``error``."""
    if not isinstance(chunk, dict):
        return {"choices": []}
    if error := _error_in(chunk):
        return {"error": error}
    choice = _choice(chunk.get("choices"))
    return {**chunk, "choices": [choice] if choice else [], "usage": _usage(chunk.get("usage"))}


def _error_in(chunk: Json) -> Any:
    if error := chunk.get("error"):
        return error if isinstance(error, dict) else {"message": str(error)}
    if chunk.get("object") == "error" or (chunk.get("type") == "error" and "message" in chunk):
        return chunk
    detail = chunk.get("detail")
    return {"message": str(detail)} if detail and "choices" not in chunk else None


def _choice(choices: Any) -> Json | None:
    """Return the first of them: one was asked for."""
    found = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    choice = next((choice for choice in found if not choice.get("index")), None)
    if choice is None:
        return None
    reason = choice.get("finish_reason")
    return {"index": 0, "delta": _delta(_said_in(choice)), "finish_reason": str(reason) if reason else None}


def _said_in(choice: Json) -> Json:
    for name in ("delta", "message"):
        if isinstance(choice.get(name), dict):
            return dict(choice[name])
    text = choice.get("text")  # of the completions of old
    return {"content": text} if isinstance(text, str) else {}


def _delta(delta: Json) -> Json:
    text, thought = _content(delta.get("content"))
    for name in REASONING:
        if told := _text(delta.get(name)):
            thought += told
            break
    refusal = _text(delta.get("refusal"))
    mended = {name: value for name, value in delta.items() if name not in _MENDED}
    mended |= {"role": "assistant", "content": text + refusal or None}
    if thought:
        mended["reasoning_content"] = thought
    if calls := _calls(delta):
        mended["tool_calls"] = calls
    return mended


def _content(content: Any) -> tuple[str, str]:
    """Return text and reasoning; several models give them as a list of parts."""
    text, thought = "", ""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict) and part.get("type") in _THOUGHTS:
            thought += _text(part)
        else:
            text += _text(part)
    return text, thought


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_text, value))
    if isinstance(value, dict):
        return next((text for name in _TEXTS if (text := _text(value.get(name)))), "")
    return "" if value is None or isinstance(value, bool) else str(value)


def _calls(delta: Json) -> list[Json]:
    told = delta.get("tool_calls")
    if told is None and isinstance(delta.get("function_call"), dict):  # the protocol before tools
        told = [{"index": 0, "function": delta["function_call"]}]
    return [_call(call) for call in (told if isinstance(told, list) else [told]) if isinstance(call, dict)]


def _call(call: Json) -> Json:
    function = call["function"] if isinstance(call.get("function"), dict) else call
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else json.dumps(arguments)
    index, call_id = call.get("index"), call.get("id")
    return {
        "index": int(index) if isinstance(index, int | float | str) and str(index).isdecimal() else None,
        "id": str(call_id) if call_id not in (None, "") else None,
        "type": "function",
        "function": {"name": _text(function.get("name")) or None, "arguments": arguments},
    }


def _usage(usage: Any) -> Json | None:
    if not isinstance(usage, dict):
        return None
    read, said = _count(usage, "prompt_tokens", "input_tokens"), _count(usage, "completion_tokens", "output_tokens")
    mended: Json = {"prompt_tokens": read, "completion_tokens": said, "total_tokens": _count(usage, "total_tokens") or read + said}
    for name, counts in (("prompt_tokens_details", ("audio_tokens", "cached_tokens")), ("completion_tokens_details", _SAID)):
        details = usage.get(name)
        mended[name] = {count: _count(details, count) for count in counts} if isinstance(details, dict) else None
    if isinstance(usage.get("cost"), int | float):
        mended["cost"] = usage["cost"]
    return mended if any(_count(mended, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")) else None


_SAID = ("audio_tokens", "reasoning_tokens")


def _count(counts: Json, *names: str) -> int:
    value = next((counts[name] for name in names if counts.get(name)), 0)
    return int(value) if isinstance(value, int | float) and 0 < value < COUNT_LIMIT else 0
