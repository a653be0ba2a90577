"""The request as our views see it, once a guard has let it pass; and the address that it came from."""

import ipaddress
from typing import TYPE_CHECKING, cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from agentos.conf import app_settings

if TYPE_CHECKING:
    from agentos.access.users import User


class SignedInRequest(HttpRequest):
    user: "User"
    htmx: HtmxDetails


def user_of(request: HttpRequest) -> "User":
    """Return the signed-in user of a request that a guard has let pass."""
    return cast("User", request.user)


def client_address(request: HttpRequest) -> str:
    """Return the address of whoever sent this request; empty when there is none."""
    return address_of(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def address_of(peer: str, forwarded: str) -> str:
    """Return the address of a client by that of the connection's other end and the header ``X-Forwarded-For``.

    The header is a claim: each proxy adds at its end whom it heard from. So only as many entries from the end count as
    there are proxies of ours (``TRUSTED_PROXY_COUNT``), and none when there is no proxy.
    """
    claims = forwarded.split(",")
    trusted = app_settings.TRUSTED_PROXY_COUNT
    if 0 < trusted <= len(claims) and (claimed := plain_address(claims[-trusted])):
        return claimed
    return plain_address(peer)


def client_network(request: HttpRequest) -> str:
    """Return what every limit counts the sender of this request by: ``network_of`` the address."""
    return network_of(client_address(request))


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, and of IPv6 the /64: one customer has at least that to themselves, with 2**64 addresses in it."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, 64), strict=False))


def plain_address(text: str) -> str:
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
