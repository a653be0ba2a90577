"""What `manage.py check` says about who is told from whom."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register
def proxies_are_counted(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn when everybody seems to come from one address: they would share its limits, and one could lock an account for all."""
    if settings.BEHIND_TLS_PROXY and not settings.TRUSTED_PROXY_COUNT:
        text = "There is a proxy (AGENTOS_BEHIND_TLS_PROXY), but none is trusted to say whom it speaks for: all people share one address."
        hint = "Set AGENTOS_TRUSTED_PROXY_COUNT to the number of proxies that add to X-Forwarded-For."
        return [checks.Warning(text, hint=hint, id="agentos.W005")]
    return []
