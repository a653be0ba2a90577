"""What went wrong, as one of our codes. Agno's error events carry only text, so the models raise a code that survives in them."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime

from agno.exceptions import redact_secrets

from agentos.core import clock
from agentos.core.security.redaction import redacted

CODE_PREFIX = "agentos:"
WAIT_MARK = ";wait="
DETAIL_LIMIT = 500

_STATUS = {
    400: "model_rejected",
    401: "model_auth",
    402: "model_quota",
    403: "model_auth",
    404: "model_missing",
    408: "model_silent",
    409: "model_busy",
    413: "context_too_long",
    422: "model_rejected",
    451: "content_policy",
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

# What a refusal says, in the words of the providers: more exact than its status. The first that fits decides.
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "context_too_long",
        re.compile(
            r"context[ _](?:size|length|window)|maximum context|(?:prompt|input|request)(?: \w+){0,3} (?:is )?too long"
            r"|too many (?:input )?tokens|token (?:count|limit)(?: \(\d+\))? exceed|exceeds? the (?:max\w*|limit)(?: \w+){0,4} tokens"
        ),
    ),
    (
        "model_quota",
        re.compile(
            r"insufficient[_ ](?:quota|balance|credits?|funds)|credit balance|out of credits|more credits|payment required|billing"
            r"|exceeded your current quota|spend(?:ing)? limit|usage limit|arrearage|quota[_ ]exhausted|account[_ ]suspended"
        ),
    ),
    (
        "model_no_tools",
        re.compile(
            r"(?:does not|doesn't|do not|cannot|not) (?:currently )?support (?:the use of )?(?:tool|function)|support tool use"
            r"|(?:tools?|tool_choice|functions?|(?:tool|function)[ _-](?:use|calls?|calling|choice))\W{0,3}"
            r"(?: parameters?)?(?: is| are)? (?:not|un|n't) ?(?:currently )?(?:supported|available|allowed|enabled)|enable-auto-tool-choice"
        ),
    ),
    (
        "content_policy",
        re.compile(
            r"content[ _](?:policy|filter|management policy)|responsible ?ai|safety system|data_inspection_failed|moderation"
            r"|usage polic|prohibited content|flagged"
        ),
    ),
    (
        "model_auth",
        re.compile(
            r"(?:invalid|incorrect|wrong|bad|missing|expired|no)[ _](?:x-)?(?:api[ _-]?key|authentication|credentials?|token)"
            r"|api[ _-]key (?:not valid|is invalid|expired|not found)|api_key_invalid|unauthori[sz]ed"
        ),
    ),
    (
        "model_missing",
        re.compile(
            r"model[_ ]not[_ ]found|no such model|unknown model|invalid model|not a valid model|deploymentnotfound"
            r"|model\b[^.]{0,120}(?:does not exist|doesn't exist|not found|is not available|not exist)|no endpoints found"
        ),
    ),
)
# What the errors of models that are not ours are in Agno's events, and what their text says where no status is left.
_OTHER_MODELS = {"model_provider_error": "model_error", "model_authentication_error": "model_auth"}
_STATES = (
    ("model_busy", re.compile(r"rate[ _-]?limit|too many requests|overloaded")),
    ("model_unreachable", re.compile(r"connection (?:error|refused|reset)|connect(?:ion)? (?:attempt|call)s? failed|service unavailable")),
    ("model_silent", re.compile(r"timed? ?out")),
)
_SPEAKING = frozenset({None, 400, 401, 402, 403, 404, 413, 422, 429, 500, 501})
_WAIT = re.compile(
    r"(?:re)?try(?: again| your request)? (?:in|after)\W{0,3}(?:(\d+)m)?(\d+(?:\.\d+)?) ?(ms|s)|retrydelay\W{1,5}(\d+(?:\.\d+)?)s"
)
TEXT_LIMIT = 4000  # characters of an error that are looked at

# A refusal of what came with a message, whatever its status: some servers fail at a picture that they cannot read.
_ABOUT_MEDIA = frozenset({"model_rejected", "model_error", "context_too_long", "model_missing"})
_MEDIA = re.compile(r"image|picture|vision|multi-?modal|media|mmproj|audio|\bpdf\b|document|input_file|\bfile\b|content (?:part|block)")

_UNKNOWN_STATUS = 502  # what Agno puts where a provider gave none


class ModelTrouble(Exception):
    """A request to a model failed. ``type`` is what Agno copies into its error event. ``wait``: seconds after which the provider wants to
    be asked again, if it says so."""

    def __init__(self, code: str, detail: str, wait: float | None = None) -> None:
        super().__init__(detail)
        self.type = CODE_PREFIX + code + ("" if wait is None else f"{WAIT_MARK}{wait:g}")


def trouble(error: Exception, *, with_media: bool = False) -> ModelTrouble:
    """``with_media``: the request had pictures, recordings or files in it, which a refusal may be about."""
    code = code_of(error)
    if with_media and code in _ABOUT_MEDIA and _MEDIA.search(_text(_chain(error))):
        code = "media_refused"
    return ModelTrouble(code, detail_of(error), wait_of(error))


def detail_of(error: BaseException) -> str:
    return safe(f"{type(error).__name__}: {error}")


def safe(text: str) -> str:
    """Return a line for the operator's log, without what is a secret or looks like one."""
    return redacted(redact_secrets(text))[:DETAIL_LIMIT]


def code_of(error: BaseException, default: str = "model_error") -> str:
    """Return the code of an error and of what it was raised from, the innermost cause first: it is the most exact."""
    causes = list(_chain(error))
    if any(isinstance(cause, ModelTrouble) for cause in causes):
        return next(code_of_event(cause.type) for cause in causes if isinstance(cause, ModelTrouble))
    found = [code for cause in causes if (code := _code(cause))]
    if "context_too_long" in found:
        return "context_too_long"
    said = _said(causes)
    if said and said != "model_quota":
        return said
    if said and (found[-1:] != ["model_busy"] or "insufficient_quota" in _text(causes) or wait_of(error) is None):
        return said  # Gemini names its limits a minute quotas, too, and says when they are over
    return found[-1] if found else default


def code_of_event(error_type: str | None, said: str = "") -> str:
    """Return the code in an error event of Agno's. Models that are not ours leave their kind of error and what they ``said``; an error of
    any other kind is a fault of ours."""
    if error_type and error_type.startswith(CODE_PREFIX):
        return error_type.removeprefix(CODE_PREFIX).partition(WAIT_MARK)[0]
    if error_type in _OTHER_MODELS:
        text = said[:TEXT_LIMIT].lower()
        return next((code for code, words in (*_WORDS, *_STATES) if words.search(text)), _OTHER_MODELS[error_type])
    return "internal"


def wait_of_event(error_type: str | None) -> float | None:
    wait = (error_type or "").partition(WAIT_MARK)[2]
    return float(wait) if wait else None


def wait_of(error: BaseException) -> float | None:
    """Return the seconds after which a provider wants to be asked again: by the headers of its answer, or by its words."""
    causes = list(_chain(error))
    for cause in causes:
        headers = getattr(getattr(cause, "response", None), "headers", None) or getattr(cause, "headers", None)
        if isinstance(headers, Mapping) and (wait := _wait_in(headers)) is not None:
            return wait
    found = _WAIT.search(_text(causes))
    if found is None:
        return None
    minutes, seconds, unit, delay = found.groups()
    return float(delay) if delay else int(minutes or 0) * 60 + float(seconds) * (0.001 if unit == "ms" else 1)


def _wait_in(headers: Mapping[str, str]) -> float | None:
    """Return what ``Retry-After`` says, seconds or a date (RFC 9110), or OpenAI's own header in milliseconds."""
    for name, part in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = str(headers.get(name) or headers.get(name.title()) or "").strip()
        try:
            seconds = float(value) * part
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds()
            except (ValueError, TypeError):
                continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    return None


def _said(causes: Iterable[BaseException]) -> str:
    """Return the code that the words of a refusal name."""
    causes = list(causes)
    statuses: set[int | None] = {status for cause in causes if isinstance(status := getattr(cause, "status_code", None), int)}
    statuses = statuses or {None}
    if not statuses & _SPEAKING and _UNKNOWN_STATUS not in statuses:
        return ""
    text = _text(causes)
    return next((code for code, words in _WORDS if words.search(text)), "")


def _text(causes: Iterable[BaseException]) -> str:
    """Return all that the errors say, in small letters: their own text, and the body of the answer where it is at hand."""
    said = []
    for cause in causes:
        said.append(str(cause))
        said += [str(more) for name in ("body", "details", "code", "type") if (more := getattr(cause, name, None)) and not callable(more)]
    return " ".join(said)[:TEXT_LIMIT].lower()


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
    if status == _UNKNOWN_STATUS and type(error).__module__.startswith("agno."):
        return None
    return _STATUS.get(status)
