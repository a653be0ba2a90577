"""What a check says about the gateway. An open one is an error, and a production does not start with it."""

from importlib import import_module
from typing import Any

from django.core import checks

from agentos.conf import app_settings

HINT = "Declare each route in agentos/gateway/routes.py, or set AGENTOS_GATEWAY=0."


def objections() -> list[str]:
    """Return why the gateway is not closed; nothing when all is well. Loads Agno's server, which takes seconds."""
    if not app_settings.GATEWAY:
        return []
    found: list[str] = import_module("agentos.gateway.server").objections()
    return found


@checks.register(checks.Tags.security, deploy=True)
def gateway_is_closed(**_kwargs: Any) -> list[checks.CheckMessage]:
    try:
        found = objections()
    except ImportError as error:
        return [checks.Warning(f"Agno's own server cannot be loaded ({error}): its address answers 503.", id="agentos.W003")]
    return [checks.Error(text, hint=HINT, id="agentos.E001") for text in found]
