"""What /metrics shows: what this process has counted, and what the database says of all processes. The latter is asked every few seconds
at most, by partial indexes of what is open, however often somebody looks."""

import asyncio
import hmac
from datetime import datetime
from typing import NamedTuple

from django.db import DatabaseError
from django.db.models import Count, Min
from prometheus_client import Gauge, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from agentos.agents.prices import MICRO
from agentos.chat.models import IS_OPEN, Run
from agentos.chat.registry import registry
from agentos.chat.usage import Used, this_month_by_model
from agentos.conf import app_settings
from agentos.core import clock, db
from agentos.core.db import outage
from agentos.core.metrics import REGISTRY
from agentos.core.serving.protocol import Connection
from agentos.webhooks.outbound.models import IS_PENDING, Delivery

KEPT_SECONDS = 5.0
PATIENCE = 3.0  # seconds in which the database has to answer

OPEN_RUNS = Gauge("agentos_runs", "Runs of all processes that are open, by their state.", ("status",), registry=REGISTRY)
QUEUE = Gauge("agentos_queue_depth", "Messages of all processes that wait for their answer to begin.", registry=REGISTRY)
OLDEST = Gauge("agentos_queue_oldest_seconds", "How long the oldest of them has waited.", registry=REGISTRY)
PENDING = Gauge("agentos_webhooks_pending", "Webhooks of all processes that are to be sent.", registry=REGISTRY)
ANSWERS = Gauge(
    "agentos_answers_this_month", "Answers of all processes since the month began, by their model.", ("model",), registry=REGISTRY
)
MONTHS_TOKENS = Gauge(
    "agentos_tokens_this_month", "Model tokens of all processes since the month began.", ("model", "direction"), registry=REGISTRY
)
COST = Gauge(
    "agentos_cost_this_month_dollars", "What models have cost since the month began, as far as it is known.", ("model",), registry=REGISTRY
)
UNPRICED = Gauge(
    "agentos_unpriced_this_month",
    "How often a model was asked at a price that is not known since the month began.",
    ("model",),
    registry=REGISTRY,
)
DATABASE = Gauge("agentos_database_up", "1 when the database answered; the figures of all processes are then new.", registry=REGISTRY)
STREAMS = Gauge("agentos_open_streams", "Live streams that are open here.", registry=REGISTRY)
CONNECTIONS = Gauge("agentos_open_connections", "Connections that are open here.", registry=REGISTRY)
STREAMS.set_function(lambda: len(registry.streams))
CONNECTIONS.set_function(Connection.crowd.of_network.total)
for collector in (ProcessCollector, PlatformCollector, GCCollector):
    collector(registry=REGISTRY)


class Open(NamedTuple):
    """What is open in the database."""

    runs: dict[str, int]
    oldest: datetime | None
    webhooks: int
    months: list[Used]


class Figures:
    def __init__(self) -> None:
        self.good_until = 0.0
        self.asking: asyncio.Task[Open] | None = None

    async def page(self, accept: str) -> tuple[bytes, str]:
        """Return the figures and their content type."""
        await self._refresh()
        encode, kind = choose_encoder(accept)
        return encode(REGISTRY), kind

    async def _refresh(self) -> None:
        now = asyncio.get_running_loop().time
        if now() < self.good_until:
            return
        if self.asking is None or self.asking.done():
            self.asking = asyncio.create_task(db.read(ask))
        try:
            found = await asyncio.wait_for(asyncio.shield(self.asking), PATIENCE)
        except (DatabaseError, TimeoutError) as error:
            outage.note(error)
            DATABASE.set(0)
        else:
            DATABASE.set(1)
            _show(found)
        self.good_until = now() + KEPT_SECONDS


def ask() -> Open:
    """Database work: three looks into indexes of what is open, and the rows of this month's usage, a few a person."""
    is_open = Run.objects.filter(IS_OPEN).order_by()
    counts = dict(is_open.values_list("status").annotate(Count("pk")))
    oldest = is_open.filter(status=Run.Status.QUEUED).aggregate(at=Min("created_at"))["at"]
    return Open(counts, oldest, Delivery.objects.filter(IS_PENDING).count(), this_month_by_model())


def _show(found: Open) -> None:
    for status in Run.OPEN:
        OPEN_RUNS.labels(status.value).set(found.runs.get(status, 0))
    QUEUE.set(found.runs.get(Run.Status.QUEUED, 0))
    OLDEST.set(max(0.0, (clock.now() - found.oldest).total_seconds()) if found.oldest else 0)
    PENDING.set(found.webhooks)
    for figure in (ANSWERS, MONTHS_TOKENS, COST, UNPRICED):
        figure.clear()  # of models that nobody has asked this month
    for used in found.months:
        ANSWERS.labels(used.key).set(used.answers)
        MONTHS_TOKENS.labels(used.key, "input").set(used.input_tokens)
        MONTHS_TOKENS.labels(used.key, "output").set(used.output_tokens)
        COST.labels(used.key).set(used.cost_micro / MICRO)
        UNPRICED.labels(used.key).set(used.unpriced)


def may_see(authorization: str) -> bool:
    """Whether a request that says this may see the figures: it has the token, or none is set."""
    scheme, _, given = authorization.partition(" ")
    wanted: str = app_settings.METRICS_TOKEN
    return not wanted or (scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted.encode()))
