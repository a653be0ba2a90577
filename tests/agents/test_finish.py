"""Why an answer ended, in the chunks of each provider: the shapes are those of their API references."""

from types import SimpleNamespace as Of
from typing import Any

import pytest

from agentos.agents.runtime.finish import cut_by, reason_in


@pytest.mark.parametrize(
    ("raw", "cut"),
    [
        ({"choices": [{"finish_reason": "stop"}]}, ""),
        (Of(choices=[Of(finish_reason="length")]), "length"),
        (Of(choices=[Of(finish_reason="tool_calls")]), ""),
        (Of(choices=[Of(finish_reason=None)]), ""),
        (Of(choices=None), ""),
        (Of(data=Of(choices=[Of(finish_reason="model_length")])), "length"),  # Mistral
        (Of(type="message_delta", delta=Of(stop_reason="max_tokens")), "length"),  # Anthropic
        (Of(type="message_delta", delta=Of(stop_reason="refusal")), "content_filter"),
        (Of(type="message_delta", delta=Of(stop_reason="end_turn")), ""),
        (Of(type="message_stop", message=Of(stop_reason="model_context_window_exceeded")), "length"),
        (Of(candidates=[Of(finish_reason=Of(value="MAX_TOKENS"))]), "length"),  # Gemini
        (Of(candidates=[Of(finish_reason=Of(value="SAFETY"))]), "content_filter"),
        (Of(candidates=[Of(finish_reason=Of(value="STOP"))]), ""),
        (Of(candidates=None, prompt_feedback=Of(block_reason=Of(value="PROHIBITED_CONTENT"))), "content_filter"),
        ({"message": {"content": "a"}, "done": True, "done_reason": "length"}, "length"),  # Ollama
        ({"messageStop": {"stopReason": "guardrail_intervened"}}, "content_filter"),  # Bedrock
        (Of(type="message-end", delta=Of(finish_reason="MAX_TOKENS")), "length"),  # Cohere
        (Of(type="response.incomplete", response=Of(incomplete_details=Of(reason="max_output_tokens"))), "length"),  # OpenAI
        (Of(type="response.incomplete", response=Of(incomplete_details=None)), "unfinished"),
        (Of(choices=[Of(finish_reason="insufficient_system_resource")]), "unfinished"),  # DeepSeek
        (None, ""),
        ("text", ""),
    ],
)
def test_is_read(raw: Any, cut: str) -> None:
    assert cut_by(reason_in(raw)) == cut
