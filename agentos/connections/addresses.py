"""Where something secret may be sent."""

from urllib.parse import urlsplit

from agentos.conf import app_settings
from agentos.core.security import guarded_http


def check_secret_url(url: str) -> None:
    """Raise Forbidden for an address that no key may be sent to: over https:// only, or to a host that the operator calls near."""
    guarded_http.check_url(url)
    parts = urlsplit(url)
    if parts.scheme == "http" and not guarded_http.allowed_hosts(app_settings.ALLOW_PRIVATE_HOSTS).host(parts.hostname or ""):
        raise guarded_http.Forbidden("A key is only sent over https://, so that nobody on the way can read it.")
