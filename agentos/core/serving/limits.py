"""How much a client may send before anybody has read it, how long it may take, and how many connections there may be."""

import ipaddress
from collections import Counter

from agentos.conf import app_settings
from agentos.core import repeated
from agentos.core.http.errors import Problem
from agentos.core.http.request import network_of, plain_address

ADDRESS_BYTES = 16 * 1024  # of the request line's address
HEADER_BYTES = 64 * 1024  # of the request line and all headers
HEADERS = 128
BODY_BYTES = 64 * 1024 * 1024  # that are taken in at all, to be able to say "too large"; settings decide what is accepted
WRAPPING_BYTES = 16 * 1024  # of sizes and extensions of chunks, beyond as much as the body has itself
BODIES_BYTES = 256 * 1024 * 1024  # of all bodies that are being held together
BODY_RATE = 1000  # bytes a second that a body has to come with
WAITING = 8  # requests that one connection may send ahead

RESERVE = 128  # files that are left to everything but connections
SURPLUS_SECONDS = 2.0
LINGER_SECONDS = 5.0  # for a client that has to send all before it reads why it was refused
STUCK_SECONDS = 60.0  # for a client that takes nothing of its answer
LOOPBACK_TIMES = 10  # as many connections may come from this machine itself, where proxies and tests are


class Crowd:
    """The open connections: how many there are in all, and from which network."""

    def __init__(self, files: int = 10_000) -> None:
        self.make_room(files)
        self.of_network: Counter[str] = Counter()
        self.surplus = 0
        self.held = 0  # bytes of bodies

    def make_room(self, files: int) -> None:
        """Let there be as many connections as fit when ``files`` files may be open: some are for the database, models and webhooks."""
        reserve = min(RESERVE, files // 2)
        self.most, self.most_surplus = files - reserve, reserve // 2

    def problem(self, network: str) -> Problem | None:
        """Return why one more connection of this network would be too many; None when it would not."""
        if self.of_network.total() >= self.most:
            repeated.warn("connections", "Connections are refused: %d are open, which is all that may be (ulimit -n).", self.most)
            return Problem(503, "The server has as many connections open as it can. Try again in a moment.", headers={"Retry-After": "5"})
        allowed = self.allowed(network)
        if allowed and self.of_network[network] >= allowed:
            repeated.warn(
                "connections of one address",
                "Connections of %s are refused: it has %d open (AGENTOS_CONNECTIONS_AN_ADDRESS).",
                network,
                allowed,
            )
            return Problem(429, "Too many connections are open from your address.", headers={"Retry-After": "5"})
        return None

    @staticmethod
    def allowed(network: str) -> int:
        """Return how many connections this network may have; 0: as many as it likes, as our own proxies, from which all people come."""
        if not network or app_settings.TRUSTED_PROXY_COUNT or app_settings.BEHIND_TLS_PROXY:
            return 0
        is_here = ipaddress.ip_network(network).is_loopback or network == network_of("::1")
        return int(app_settings.CONNECTIONS_AN_ADDRESS) * (LOOPBACK_TIMES if is_here else 1)

    def enter(self, network: str) -> None:
        self.of_network[network] += 1

    def leave(self, network: str) -> None:
        self.of_network[network] -= 1
        if not self.of_network[network]:
            del self.of_network[network]


def network_of_peer(client: tuple[str, int] | None) -> str:
    """Return the network at the other end of a connection; empty for a Unix socket."""
    return network_of(plain_address(client[0])) if client else ""
