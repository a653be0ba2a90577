"""Bodies on their way to Agno: what it is not meant to see does not go in. An unknown field is refused, so that nobody believes in it."""

import json
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict

from agentos.chat.sent_files import GivenFile
from agentos.core.http import strict_json
from agentos.core.http.errors import Problem
from agentos.core.text import clean
from agentos.files import quotas
from agentos.gateway.routes import FORM, IGNORED, Route

FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
CALL: dict[str, Any] = {
    "tool_call_id": str,
    "tool_name": str | None,
    "tool_args": dict | None,
    "confirmed": bool | None,
    "confirmation_note": str | None,
    "user_input_schema": list | None,
    "result": str | None,
}
REQUIREMENT = {
    "confirmed": "confirmation",
    "confirmation_note": "confirmation_note",
    "user_input_schema": "user_input_schema",
    "result": "external_execution_result",
}
FILES = "files"
HELD = 10_000_000  # bytes of a form that may have files in it
FLAGS = frozenset({"stream", "background"})


def read(route: Route, scope: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return the fields that the route knows. Raises Problem 400, 415, 422."""
    if not route.body:
        return {}
    given = _given(route, ASGIRequest(scope, BytesIO(body)), body) if body else {}
    missing = sorted(route.needed - set(given))
    if missing:
        raise Problem(422, f"Missing fields: {', '.join(missing)}.", code="missing_fields")
    unknown = sorted(set(given) - route.fields - IGNORED)
    if unknown:
        raise Problem(422, f"This server does not take the field {', '.join(unknown)}.", code="unknown_field")
    fields = {name: value for name, value in given.items() if name in route.fields}
    return fields | {name: json.dumps(read(fields[name])) for name, read in ANSWERS.items() if name in fields}


def body_limit(scope: dict[str, Any], *, takes_files: bool = True) -> int:
    """Return how many bytes a body may have: more where files may be in it."""
    kind: bytes = dict(scope["headers"]).get(b"content-type", b"")
    if takes_files and kind.lower().startswith(b"multipart/form-data"):
        return HELD
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def files_of(route: Route, scope: dict[str, Any], body: bytes) -> list[GivenFile]:
    """Return the files of a form that may have some, in the field ``files``. Raises Problem 400, 422."""
    if not route.takes_files or not body:
        return []
    request = ASGIRequest(scope, BytesIO(body))
    if request.content_type != "multipart/form-data":
        return []
    given = _parsed(request)[1]
    found = given.getlist(FILES)
    if len(found) > quotas.FILES_A_MESSAGE:
        raise Problem(422, f"A message can have {quotas.FILES_A_MESSAGE} files.")
    return [GivenFile(file.name or "file", file.read()) for file in found]


def _given(route: Route, request: ASGIRequest, body: bytes) -> dict[str, Any]:
    return _form(request, takes_files=route.takes_files) if route.body == FORM else _json(request, body)


def write(route: Route, fields: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return the body that Agno is given, and its type."""
    if route.body in {"", FORM}:
        return urlencode(fields).encode(), b"application/x-www-form-urlencoded"
    return json.dumps(fields).encode(), b"application/json"


def _calls(text: str) -> list[dict[str, Any]]:
    """Return the calls that a person answers, as far as an answer may say something, in the types that it has."""
    calls = strict_json.parse(text.encode())
    if not isinstance(calls, list) or not calls or not all(isinstance(call, dict) for call in calls):
        raise Problem(422, "tools: send the calls of the run that waits, each with its answer.")
    wrong = [name for call in calls for name, types in CALL.items() if not isinstance(call.get(name), types)]
    wrong = wrong or [str(item) for call in calls for item in call.get("user_input_schema") or () if not _is_field(item)]
    if wrong:
        raise Problem(422, f"tools: {wrong[0][:100]} cannot be understood.")
    return [{name: _fields(call) if name == "user_input_schema" else call.get(name) for name in CALL} for call in calls]


def _requirements(text: str) -> list[dict[str, Any]]:
    """Return the same as clients of teams send it: each call in what is required of a person, which may have the answer."""
    sent = strict_json.parse(text.encode())
    if not isinstance(sent, list) or not all(isinstance(each, dict) and isinstance(each.get("tool_execution"), dict) for each in sent):
        raise Problem(422, "requirements: send those of the run that waits, each with its answer.")
    calls = _calls(json.dumps([_answered(each) for each in sent]))
    return [{"tool_execution": call} for call in calls]


def _answered(requirement: dict[str, Any]) -> dict[str, Any]:
    """Return the call with what was said to it, wherever that stands; a word on the call itself counts."""
    call: dict[str, Any] = requirement["tool_execution"]
    said = {name: requirement.get(where) for name, where in REQUIREMENT.items()}
    return {**call, **{name: value for name, value in said.items() if value is not None and call.get(name) is None}}


def _fields(call: dict[str, Any]) -> list[dict[str, Any]] | None:
    schema = call.get("user_input_schema")
    return schema and [{"description": "", "field_type": "str", **item} for item in schema]


def _is_field(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), str) and "value" in item


def _parsed(request: ASGIRequest) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    try:
        return request.POST, request.FILES
    except (MultiPartParserError, SuspiciousOperation, BadRequest, UnicodeDecodeError):
        raise Problem(400, "The form cannot be read.") from None


def _form(request: ASGIRequest, *, takes_files: bool) -> dict[str, str]:
    if request.content_type == "application/json" and request.body.strip() in {b"", b"null", b"{}"}:
        return {}
    if request.content_type not in FORMS:
        raise Problem(415, "Send a form.")
    data, files = _parsed(request)
    if files and not takes_files:
        raise Problem(422, "Files cannot be sent here.", code="unknown_field")
    if set(files) - {FILES}:
        raise Problem(422, f"Files are sent in the field {FILES}.", code="unknown_field")
    fields: dict[str, str] = {}
    for name, values in data.lists():
        if len(values) > 1:
            raise Problem(422, f"{name} was sent more than once.")
        fields[name] = clean(str(values[0]))
        if name in FLAGS and fields[name].lower() not in {"true", "false"}:
            raise Problem(422, f"{name} is true or false.")
    return fields


def _json(request: ASGIRequest, body: bytes) -> dict[str, Any]:
    strict_json.need_json(request)
    data = strict_json.parse(body)
    if not isinstance(data, dict):
        raise Problem(422, "The body must be a JSON object.")
    return {name: value for name, value in data.items() if value is not None}


ANSWERS = {"tools": _calls, "requirements": _requirements}
