"""Calling the JSON face, and what is said of its answers."""

import json
from typing import Any

from django.test import AsyncClient, Client

ROOT = "/api/v1/agentos/"
SEND = f"{ROOT}send-message/"


def post(client: Client, path: str, data: Any, **headers: str) -> Any:
    return client.post(path, data if isinstance(data, bytes) else json.dumps(data), content_type="application/json", headers=headers)


async def apost(client: AsyncClient, path: str, data: Any, **headers: str) -> Any:
    return await client.post(path, json.dumps(data), content_type="application/json", headers=headers)


def assert_refused(response: Any, status: int, code: str, *words: str) -> str:
    """Assert the envelope, with every one of ``words`` in its sentence, which is returned."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Error-Code"] == code
    assert response.headers["X-Request-ID"]
    body = response.json()
    assert list(body) == ["success", "error", "response"]
    assert (body["success"], body["response"]) == (False, None)
    for word in words:
        assert word in body["error"]
    return str(body["error"])
