"""What can go wrong with a run: the closed list of codes, and what people are told. The text of an error is never shown."""

from collections.abc import Mapping
from types import MappingProxyType

from django.conf import settings

# What happened, what is safe, what to do.
_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "agent_unavailable": "This agent is not available now. Your message is saved.",
        "model_unreachable": "The model could not be reached, or the connection to it broke. Your message is saved. Try again.",
        "model_silent": "The model did not answer for {silence} s. Your message is saved. Try again.",
        "run_timeout": "The answer took longer than {run} s and was ended. What was said so far is kept. Ask for less at once.",
        "model_auth": "The model did not accept the key of this site. Your message is saved. Tell whoever runs this site.",
        "model_busy": "The model is busy. Your message is saved. Wait a moment, then try again.",
        "model_rejected": "The model did not accept this message. It is saved. Change it, then try again.",
        "context_too_long": "This chat is too long for the model. Your message is saved. Shorten it, or start a new chat.",
        "tool_limit": "The agent used its tools {steps} times and came to no answer. What it said so far is kept. Ask for less at once.",
        "model_error": "The model failed while answering. Your message is saved. Try again.",
        "model_empty": "The model answered nothing. Your message is saved. Try again.",
        "interrupted": "The server went away while this answer was written. What was said so far is kept. Try again.",
        "internal": "Something went wrong on this site. Your message is saved. Try again, and if that fails tell whoever runs this site.",
    }
)

CODES = frozenset(_SENTENCES)

# A second attempt may help, and is only allowed before the first token.
RETRYABLE = frozenset({"model_unreachable", "model_busy"})


def sentence(code: str) -> str:
    """Return what a person is told; a code that nobody knows is an internal failure."""
    text = _SENTENCES.get(code, _SENTENCES["internal"])
    return text.format(silence=settings.SILENCE_TIMEOUT, run=settings.RUN_TIMEOUT, steps=settings.TOOL_STEPS)
