"""The request as our views see it, once a guard has let it pass; and the address that it came from."""

import ipaddress
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from agentos.access.models import User


class SignedInRequest(HttpRequest):
    user: "User"
    htmx: HtmxDetails


def user_of(request: HttpRequest) -> "User":
    """Return the signed-in user of a request that a guard has let pass."""
    return cast("User", request.user)


def client_address(request: HttpRequest) -> str:
    """Return the address of whoever sent this request; empty when there is none.

    ``X-Forwarded-For`` is a claim: each proxy adds at its end whom it heard from. So only as many entries from the end count as
    there are proxies of ours (``TRUSTED_PROXY_COUNT``), and none when there is no proxy.
    """
    claims = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    trusted = settings.TRUSTED_PROXY_COUNT
    if 0 < trusted <= len(claims) and (claimed := _address(claims[-trusted])):
        return claimed
    return _address(request.META.get("REMOTE_ADDR", ""))


def client_network(request: HttpRequest) -> str:
    """Return what limits count by: the address, or of IPv6 the /64, which one customer has to themselves."""
    address = client_address(request)
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, 64), strict=False))


def _address(text: str) -> str:
    """Return an address in its one spelling, without a port; empty for what is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
