"""Why a model stopped, in the words of every provider, as one of ours.

Sources: the API references of OpenAI (chat: ``finish_reason``; responses: ``incomplete_details.reason``), Anthropic and Bedrock
(``stop_reason``), Gemini (``FinishReason``, ``BlockedReason``), Ollama (``done_reason``), Mistral, Cohere, DeepSeek, Zhipu.
"""

from typing import Any

LENGTH, FILTER, UNFINISHED = "length", "content_filter", "unfinished"

END_OF_STREAM = "eof"  # our decoder's: the stream ended, and nobody said that the answer did

_CUTS = {
    LENGTH: """length max_tokens max_output_tokens max_completion_tokens max_length model_length model_context_window_exceeded
        context_length context_length_exceeded error_limit token_limit""",
    FILTER: """content_filter content_filtered safety recitation blocklist prohibited_content spii image_safety refusal
        guardrail_intervened error_toxic sensitive language blocked moderation""",
    UNFINISHED: """eof error network_error insufficient_system_resource abort aborted cancelled timeout other
        malformed_function_call incomplete""",
}
_CUT_BY = {reason: cut for cut, reasons in _CUTS.items() for reason in reasons.split()}


def cut_by(reason: str) -> str:
    """Return ``length``, ``content_filter`` or ``unfinished``; empty for an answer that is complete."""
    return _CUT_BY.get(reason.rpartition(".")[2].lower(), "")


def reason_in(raw: Any) -> str:
    """Return the reason that is in a provider's own chunk, as it wrote it; empty when there is none."""
    for read in (_of_choices, _of_candidates, _of_events, _of_ollama):
        if found := read(raw):
            return str(getattr(found, "value", found))
    return ""


def _get(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _first(thing: Any) -> Any:
    return thing[0] if isinstance(thing, list) and thing else None


def _of_choices(raw: Any) -> Any:
    """OpenAI's protocol, and those who made theirs after it. Mistral's is one level deeper."""
    choice = _first(_get(raw, "choices")) or _first(_get(_get(raw, "data"), "choices"))
    return choice and _get(choice, "finish_reason")


def _of_candidates(raw: Any) -> Any:
    candidate = _first(_get(raw, "candidates"))
    return (candidate and _get(candidate, "finish_reason")) or _get(_get(raw, "prompt_feedback"), "block_reason")


def _of_events(raw: Any) -> Any:
    """APIs whose streams are events."""
    match _get(raw, "type"):
        case "message_delta":  # Anthropic
            return _get(_get(raw, "delta"), "stop_reason")
        case "message_stop":
            return _get(_get(raw, "message"), "stop_reason")
        case "message-end":  # Cohere
            return _get(_get(raw, "delta"), "finish_reason")
        case "response.incomplete":  # OpenAI
            return _get(_get(_get(raw, "response"), "incomplete_details"), "reason") or "incomplete"
    return _get(_get(raw, "messageStop"), "stopReason")  # Bedrock


def _of_ollama(raw: Any) -> Any:
    return _get(raw, "done_reason")
