"""Answers that are given before the application hears of a request: in the shape of its path, as far as that is known."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from agentos.core.http import request_log
from agentos.core.http.errors import Problem, is_for_programs, shaped, usual
from agentos.core.http.middleware import HEADERS

SAFE = {**HEADERS, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def refusal(problem: Problem, scope: Mapping[str, Any], more: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the whole answer as it goes out on the wire. The connection closes after it. ``more``: headers of every answer."""
    status, headers, body = plain(problem, scope)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in (*more, *headers, (b"connection", b"close"))]
    return b"\r\n".join([*lines, b"", b"" if scope.get("method") == "HEAD" else body])


def plain(problem: Problem, scope: Mapping[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, headers and body of an answer that is made without Django."""
    code, sentence = usual(problem.status)
    code, sentence = problem.code or code, problem.sentence or sentence
    path = scope.get("path", "")
    if is_for_programs(path):
        kind, text = "application/json", json.dumps(shaped(path, problem.status, sentence, code))
    else:
        kind, text = "text/plain; charset=utf-8", f"{sentence}\n"
    body = text.encode()
    headers = {
        **SAFE,
        **problem.headers,
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "X-Error-Code": code,
        "X-Request-ID": scope[request_log.ID],
    }
    return problem.status, [(name.lower().encode("ascii"), value.encode("latin1")) for name, value in headers.items()], body
