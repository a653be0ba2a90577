"""Errors as OpenAI's clients know them: ``{"error": {"message", "type", "param", "code"}}``, from everything below ``/v1/``."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from agentos.chat.errors import ChatError, InvalidInput
from agentos.core.http.errors import SHAPES, Problem, bad_request, envelope
from agentos.service import AgentNotFound, SessionNotFound

TYPES = {401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}
NOT_AGAIN = {"x-should-retry": "false"}  # the openai package repeats 409, 429 and 5xx by itself unless it is told not to


def shape(status: int, sentence: str, code: str, field: str) -> dict[str, Any]:
    usual = "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
    return {"error": {"message": sentence, "type": TYPES.get(status, usual), "param": field or None, "code": code}}


SHAPES["openai:api-root"] = shape


class BadField(Problem):
    """400 that names the field, as OpenAI does where we would say 422 elsewhere."""

    def __init__(self, field: str, sentence: str, *, code: str = "invalid_value", status: int = 400) -> None:
        super().__init__(status, sentence, code=code)
        self.field = field


def no_model(name: str) -> BadField:
    return BadField("model", f"The model `{name[:80]}` does not exist, or you may not use it.", code="model_not_found", status=404)


def no_session() -> BadField:
    return BadField("session_id", "There is no such session.", code="session_not_found", status=404)


def add_error_handlers(api: NinjaAPI) -> None:
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Problem: lambda request, problem: problem.answer(request),
        AgentNotFound: lambda request, _: no_model("").answer(request),
        SessionNotFound: lambda request, _: no_session().answer(request),
        ChatError: _chat_error,
        ValidationError: _invalid,
        HttpError: _http_error,
        Http404: lambda request, _: envelope(request, 404),
        SuspiciousOperation: bad_request,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _chat_error(request: HttpRequest, error: ChatError) -> HttpResponse:
    if isinstance(error, InvalidInput):
        field = {"message": "messages", "context": "messages"}.get(error.field, error.field)
        return BadField(field, error.sentence).answer(request)
    again = {} if "Retry-After" in error.headers else NOT_AGAIN
    return envelope(request, error.status, error.sentence, code=error.code, headers={**error.headers, **again})


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name the first field that is wrong, by its path in the body or by the name of its header."""
    first = error.errors[0]
    field = ".".join(str(step) for step in first["loc"] if step not in {"body", "header", "payload"})
    if first["type"] == "missing":
        return BadField(field, f"Missing required parameter: {field or 'the body'}.", code="missing_required_parameter").answer(request)
    return BadField(field, f"{field or 'The body'}: {first['msg']}.").answer(request)


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer ninja's own errors; what the parser found wrong with a body is their cause."""
    if isinstance(error.__cause__, Problem):
        return error.__cause__.answer(request)
    if error.status_code == 401:  # noqa: PLR2004
        sentence = "Send an API token of this site as the API key: Authorization: Bearer agentos_..."
        return envelope(request, 401, sentence, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})
    return envelope(request, error.status_code)


def _unexpected(_request: HttpRequest, error: Exception) -> HttpResponse:
    """Leave it to the URLconf's handler, which logs it and tells a database that is down from a defect."""
    raise error
