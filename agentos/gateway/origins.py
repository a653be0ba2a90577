"""Chat applications of other sites, as far as an operator has named them: their browsers may ask, with a token and without cookies."""

from typing import Any

from agentos.conf import app_settings

METHODS = "GET, POST, PATCH, DELETE"
HEADERS = "Authorization, Content-Type, Idempotency-Key"
AN_HOUR = "3600"


def allowed(scope: dict[str, Any]) -> dict[str, str]:
    """Return the headers that let the asking site read the answer; none for a site that nobody has named."""
    origin = next((value.decode("latin1") for name, value in scope["headers"] if name == b"origin"), "")
    if not origin or origin not in app_settings.GATEWAY_ORIGINS:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", "Access-Control-Expose-Headers": "X-Error-Code"}


def preflight(scope: dict[str, Any]) -> dict[str, str]:
    """Return the headers of the answer to a browser that asks whether it may ask; none when this is no such question."""
    named = allowed(scope)
    if scope["method"] != "OPTIONS" or not named:
        return {}
    return {**named, "Access-Control-Allow-Methods": METHODS, "Access-Control-Allow-Headers": HEADERS, "Access-Control-Max-Age": AN_HOUR}
