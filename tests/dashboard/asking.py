"""Asking as htmx does, and counting what an answer costs."""

from typing import Any

from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def get(client: Client, url: str, **headers: str) -> HttpResponseBase:
    """GET as htmx, from the page that ``HX-Current-URL`` names."""
    return client.get(url, headers={**HTMX, **names(headers)})


def post(client: Client, url: str, data: dict[str, Any] | None = None, **headers: str) -> HttpResponseBase:
    return client.post(url, data or {}, headers={**HTMX, **names(headers)})


def names(headers: dict[str, str]) -> dict[str, str]:
    """``came_from="/x/"`` is the header that htmx sends from the page ``/x/``."""
    came_from = headers.pop("came_from", "")
    return {**headers, **({"HX-Current-URL": f"http://testserver{came_from}"} if came_from else {})}


def queries(client: Client, url: str) -> int:
    """Return how many queries a page takes once what can be cached is cached."""
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)
