"""Which URLs and which addresses a request may go to. Judges numbers, never the spelling of a host: what it means, the resolver says."""

import contextlib
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from agentos.conf import app_settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Answer = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]  # of getaddrinfo

URL_LIMIT = 2000  # characters
WEB_PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024  # below it are mail, names, files and the like; the web has its two

UNSPEAKABLE = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")

# The special-purpose registries of IANA, as far as a unicast connection can be made to them.
SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# IPv6 is public in 2000::/3 alone, but for these. NAT64 and 6to4 are unwrapped before.
PUBLIC_V6 = IPv6Network("2000::/3")
SPECIAL_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"))
NAT64 = IPv6Network("64:ff9b::/96")


class Forbidden(ValueError):
    """A URL or an address that no request may go to. The text is a sentence for whoever gave the URL."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Hosts and networks that may be reached although they are private."""

    names: frozenset[str]
    networks: tuple[Network, ...]

    def host(self, name: str) -> bool:
        """Whether a host is named here, as it is written in a URL."""
        try:
            return self.address(ip_address(name))
        except ValueError:
            return name.rstrip(".").lower() in self.names

    def address(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def allowed_hosts(texts: Iterable[str]) -> Allowed:
    """Read a list of host names, addresses and networks. Raises ValueError for a network that is none."""
    names, networks = set[str](), list[Network]()
    for text in texts:
        if re.fullmatch(r"[0-9.]+(/\d+)?|[0-9a-fA-F.]*:[0-9a-fA-F:.]*(/\d+)?", text):
            networks.append(ip_network(text, strict=False))
        else:
            names.add(text.rstrip(".").lower())
    return Allowed(frozenset(names), tuple(networks))


def of_this_installation() -> Allowed:
    return allowed_hosts(app_settings.ALLOW_PRIVATE_HOSTS)


def check_url(url: str, allowed: Allowed | None = None) -> None:
    """Raise Forbidden for a URL that says two things at once or names an address by its number that may not be reached.

    Asks no name server: where a name leads is judged when a connection is made.
    """
    if len(url) > URL_LIMIT:
        raise Forbidden(f"The URL can have {URL_LIMIT:,} characters.")
    if UNSPEAKABLE.search(url):
        raise Forbidden("The URL contains a blank, a backslash or a control character.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("This is not a URL.") from None
    if parts.scheme not in {"http", "https"}:
        raise Forbidden("The URL must begin with https:// or http://.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise Forbidden("The URL must not contain a user name or a password.")
    if not parts.hostname:
        raise Forbidden("The URL names no host.")
    opened = of_this_installation() if allowed is None else allowed
    port = port or (443 if parts.scheme == "https" else 80)
    check_port(parts.hostname, port, opened)
    with contextlib.suppress(OSError, UnicodeError):  # a name, not a number
        judged(parts.hostname, socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST), opened)


def check_port(host: str, port: int, allowed: Allowed) -> None:
    if port not in WEB_PORTS and port < FIRST_FREE_PORT and not allowed.host(host):
        raise Forbidden(f"Port {port} is not a port of the web.")


def unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if inner := address.ipv4_mapped or address.sixtofour:
        return inner
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address


def is_public(address: Address) -> bool:
    meant = unwrapped(address)
    if isinstance(meant, IPv4Address):
        return not any(meant in network for network in SPECIAL_V4)
    return meant in PUBLIC_V6 and not any(meant in network for network in SPECIAL_V6)


def judged(host: str, answers: Iterable[Answer], allowed: Allowed) -> list[str]:
    """Return the addresses of a resolver's answers, in their order. Raises Forbidden when one of them may not be reached."""
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers if answer[0] in {socket.AF_INET, socket.AF_INET6}))
    for text in found:
        address = ip_address(text.partition("%")[0])
        if not (is_public(address) or allowed.host(host) or allowed.address(address) or allowed.address(unwrapped(address))):
            raise Forbidden("The URL leads to a private or special address. Operators can allow it: AGENTOS_ALLOW_PRIVATE_HOSTS.")
    return found
