"""Which requests a browser's cookie may authenticate: the Origin and Sec-Fetch-Site rule, for endpoints without a CSRF token."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import is_same_domain

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def may_use_cookie(request: HttpRequest) -> bool:
    """Return False for a request that changes something and that another site made the browser send."""
    if request.method in SAFE_METHODS:
        return True
    origin = request.headers.get("Origin", "")
    if origin and _is_trusted(origin):
        return True
    if site := request.headers.get("Sec-Fetch-Site", ""):
        return site in {"same-origin", "none"}
    if not origin:
        return True  # Every browser sends one of the two with a POST: this is a program with a cookie of its own.
    return _authority(origin) == request.get_host().lower()


def _is_trusted(origin: str) -> bool:
    """Match ``CSRF_TRUSTED_ORIGINS`` as Django does: scheme, host and port, with ``https://*.example.com`` for subdomains."""
    scheme, authority = origin.lower().partition("://")[::2]
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        wanted_scheme, wanted = trusted.lower().partition("://")[::2]
        if scheme == wanted_scheme and authority and is_same_domain(authority, wanted.lstrip("*")):
            return True
    return False


def _authority(origin: str) -> str:
    """Return host and port of an origin, empty for ``null`` and for what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
