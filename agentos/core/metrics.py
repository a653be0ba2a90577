"""The figures that this process counts while it works, for Prometheus. Who is shown them is for the room ``operations`` to say.

They are counted at the end of a request or a run, never for each word. Labels come from closed lists and from names of routes: what anybody
can make up is no label.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LONG_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

REQUESTS = Histogram(
    "agentos_request_seconds",
    "Time until an answer began, by the name of its route.",
    ("route", "method", "status"),
    registry=REGISTRY,
    buckets=SECONDS,
)
RUNS = Counter("agentos_runs_ended", "Runs of this process that ended or paused, by what became of them.", ("status",), registry=REGISTRY)
RUN_ERRORS = Counter("agentos_run_errors", "Runs of this process that failed, by what they failed of.", ("code",), registry=REGISTRY)
FIRST_TOKEN = Histogram(
    "agentos_run_first_token_seconds", "From a message to the first word of its answer.", registry=REGISTRY, buckets=LONG_SECONDS
)
RUN_SECONDS = Histogram(
    "agentos_run_seconds", "From the start of an answer to its end.", ("status",), registry=REGISTRY, buckets=LONG_SECONDS
)
TOKENS = Counter("agentos_tokens", "Model tokens of the runs of this process.", ("direction",), registry=REGISTRY)
WEBHOOKS = Counter("agentos_webhook_requests", "Requests to receivers of webhooks, by their result.", ("result",), registry=REGISTRY)
LIMITS = Counter("agentos_limits_hit", "Refusals since somebody did something too often.", ("limit",), registry=REGISTRY)


def answered(route: str, method: str, status: int, seconds: float) -> None:
    """Count an answer. ``route``: the name of a route, never a path."""
    by = method if method in METHODS else "other"
    REQUESTS.labels(route, by, f"{status // 100}xx").observe(seconds)
