"""What went wrong, as one of our codes. Agno's error events carry only text, so the models raise a code that survives in them."""

from collections.abc import Iterator

from agno.exceptions import redact_secrets

CODE_PREFIX = "agentos:"
DETAIL_LIMIT = 500

_STATUS = {
    400: "model_rejected",
    401: "model_auth",
    402: "model_auth",
    403: "model_auth",
    404: "agent_unavailable",
    408: "model_silent",
    409: "model_busy",
    413: "context_too_long",
    422: "model_rejected",
    429: "model_busy",
    502: "model_unreachable",
    503: "model_unreachable",
    504: "model_unreachable",
    529: "model_busy",
}

# Adapters wrap what their SDKs raise, and the SDKs wrap what their HTTP library raises; the names are what they share.
_NAMES = {
    "ContextWindowExceededError": "context_too_long",
    "ModelAuthenticationError": "model_auth",
    "ModelRateLimitError": "model_busy",
    "ReadTimeout": "model_silent",
    "WriteTimeout": "model_silent",
    "ConnectTimeout": "model_unreachable",
    "PoolTimeout": "model_unreachable",
    "NetworkError": "model_unreachable",
    "RemoteProtocolError": "model_unreachable",
    "APIConnectionError": "model_unreachable",
    "ConnectionError": "model_unreachable",
}

_TOO_LONG = ("context size", "context_length", "context length", "context window", "prompt is too long", "too many tokens")

_UNKNOWN_STATUS = 502  # what Agno puts where a provider gave none


class ModelTrouble(Exception):
    """A request to a model failed. ``type`` is what Agno copies into its error event."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.type = CODE_PREFIX + code


def trouble(error: Exception) -> ModelTrouble:
    return ModelTrouble(code_of(error), detail_of(error))


def detail_of(error: BaseException) -> str:
    return safe(f"{type(error).__name__}: {error}")


def safe(text: str) -> str:
    """Return a line for the operator's log, without what looks like a secret."""
    return redact_secrets(text)[:DETAIL_LIMIT]


def code_of(error: BaseException, default: str = "model_error") -> str:
    """Return the code of an error and of what it was raised from, the innermost cause first: it is the most exact."""
    found = [code for cause in _chain(error) if (code := _code(cause))]
    if "context_too_long" in found:
        return "context_too_long"
    return found[-1] if found else default


def code_of_event(error_type: str | None) -> str:
    """Return the code in an error event of Agno's; one of its own making is a fault of ours."""
    if error_type and error_type.startswith(CODE_PREFIX):
        return error_type.removeprefix(CODE_PREFIX)
    return "internal"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _code(error: BaseException) -> str | None:
    if isinstance(error, ModelTrouble):
        return code_of_event(error.type)
    for base in type(error).__mro__:
        if base.__name__ in _NAMES:
            return _NAMES[base.__name__]
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return None
    if status in {400, 413, 500} and any(words in str(error).lower() for words in _TOO_LONG):
        return "context_too_long"
    if status == _UNKNOWN_STATUS and type(error).__module__.startswith("agno."):
        return None
    return _STATUS.get(status)
