"""Reading JSON that strangers send: only what every database and every reader can hold comes through. Raises ``Problem``."""

import json
import math
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from agentos.core.http.errors import Problem
from agentos.core.text import clean

DEPTH_LIMIT = 32  # objects and lists within each other


def read_json(request: HttpRequest) -> Any:
    """Return the body of a request as JSON, its text cleaned. Raises ``Problem``: 400, 413 or 415."""
    need_json(request)
    try:
        body = request.body
    except RequestDataTooBig:
        raise Problem(413) from None
    except UnreadablePostError:
        raise Problem(400) from None
    return parse(body)


def need_json(request: HttpRequest) -> None:
    """Raise ``Problem`` 415 unless the body is announced as JSON: a form of another site cannot announce that."""
    if request.content_type != "application/json":
        raise Problem(415)


def parse(body: bytes) -> Any:
    """Return the value that ``body`` holds. Raises ``Problem`` 400."""
    if not body.strip():
        raise invalid(because="the body is empty")
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number, parse_float=_float, object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise invalid(because="it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise invalid(because=f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise invalid(because="it is nested too deeply") from None
    except ValueError:  # a whole number with thousands of digits
        raise invalid(because="a number is too long") from None
    return _cleaned(value, DEPTH_LIMIT)


def invalid(*, because: str) -> Problem:
    return Problem(400, f"Invalid JSON: {because}.", code="invalid_json")


def _no_number(name: str) -> NoReturn:
    raise invalid(because=f"{name} is not a JSON number")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise invalid(because="a number is out of range")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise invalid(because="a key appears twice in one object")
    return found


def whole(value: object) -> object:
    """Return 2 for 2.0: JSON knows no difference."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _cleaned(value: Any, depth: int) -> Any:
    """Return ``value`` without NUL and lone surrogates, which PostgreSQL stores neither in text nor in JSON."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict | list) and not depth:
        raise invalid(because="it is nested too deeply")
    if isinstance(value, dict):
        return {_text(key): _cleaned(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, depth - 1) for item in value]
    return value


def _text(text: str) -> str:
    return text if text.isascii() and "\0" not in text and "\r" not in text else clean(text)
