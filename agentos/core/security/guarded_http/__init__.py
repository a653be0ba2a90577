"""The one way out for requests whose URL a person decides: webhooks, tools that reach the network, model servers.

Names are resolved once, every answer is judged, and the connection goes to exactly the address that was judged: at every connect,
so redirects and names that change their mind between two questions meet the same judge. Only http and https; no redirects unless
asked for; answers have a limit in size and time. No proxy of the environment is used, since a proxy would do the connecting.
"""

from agentos.core.security.guarded_http.addresses import Forbidden, allowed_hosts, check_url
from agentos.core.security.guarded_http.clients import (
    ANSWER_LIMIT,
    MAX_REDIRECTS,
    TOTAL_SECONDS,
    AsyncTransport,
    Policy,
    async_client,
    client,
)

__all__ = [
    "ANSWER_LIMIT",
    "MAX_REDIRECTS",
    "TOTAL_SECONDS",
    "AsyncTransport",
    "Forbidden",
    "Policy",
    "allowed_hosts",
    "async_client",
    "check_url",
    "client",
]
