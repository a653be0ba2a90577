"""How often somebody may do something: so many times in a window of time, counted right whatever process is asked.

Where the counts are kept, and why there:

- Redis, when ``CACHE_URL`` names one: its increments are atomic for all processes. If it is down, the next one counts.
- a table, on PostgreSQL: many processes, so one atomic upsert (the room ``access`` has the table and gives us its counter).
- memory, on SQLite: that is one process by design, so memory is exact and costs no query.
"""

import logging
import math
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.db import connection
from django.http import HttpRequest

from agentos.conf import app_settings
from agentos.core import clock, metrics
from agentos.core.http.errors import Problem

logger = logging.getLogger(__name__)

SWEEP_AT = 10_000  # counts in memory, before those of past windows are dropped
LOG_EVERY = 60.0  # seconds
STATE = "agentos.rate"  # in a request's META


@dataclass(frozen=True, slots=True)
class RateState:
    """Where somebody stands with a limit. ``reset``: seconds until the window ends."""

    name: str
    limit: int
    remaining: int
    reset: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of the IETF draft "RateLimit header fields for HTTP" (draft 11)."""
        if not self.limit:
            return {}
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.limit};w={self.seconds}',
            "RateLimit": f'"{self.name}";r={self.remaining};t={self.reset}',
        }


class Counter(Protocol):
    def hit(self, key: str, window: int, seconds: int) -> int:
        """Count one more under ``key`` in the window of this number; return how many there are with it."""
        ...


class MemoryCounter:
    def __init__(self) -> None:
        self.counts: dict[str, tuple[float, int, int]] = {}  # key: end of its window, number of its window, count
        self.lock = threading.Lock()
        self.sweep_at = SWEEP_AT

    def hit(self, key: str, window: int, seconds: int) -> int:
        with self.lock:
            _, number, count = self.counts.get(key, (0, window, 0))
            count = count + 1 if number == window else 1
            self.counts[key] = ((window + 1) * seconds, window, count)
            if len(self.counts) > self.sweep_at:
                now = clock.now().timestamp()
                self.counts = {key: kept for key, kept in self.counts.items() if kept[0] > now}
                self.sweep_at = max(SWEEP_AT, 2 * len(self.counts))  # many that count still: not to look at all of them at each hit
            return count


class CacheCounter:
    """One trip to Redis. The key carries the window's number, so nothing has to be set back."""

    def hit(self, key: str, window: int, seconds: int) -> int:
        counted: int = caches[DEFAULT_CACHE_ALIAS].count(f"limit:{key}:{window}", seconds + 1)  # type: ignore[attr-defined]
        return counted


class _Counters:
    memory = MemoryCounter()
    table: Counter | None = None
    complained = float("-inf")


def use_table(counter: Counter) -> None:
    """Count in the table that this counter writes, wherever several processes share a database."""
    _Counters.table = counter


def forget() -> None:
    """Forget what this process has counted."""
    _Counters.memory = MemoryCounter()


def check(name: str, key: str, *, limit: int, seconds: int, sentence: str = "") -> RateState:
    """Count one more, and say how many are left. Raises ``Problem`` 429 past the limit; a limit of 0 is none.

    Call it outside a transaction: what is rolled back was not counted.
    """
    if limit <= 0:
        return RateState(name, 0, 0, 0, seconds)
    now = clock.now().timestamp()
    window = int(now // seconds)
    count = _hit(f"{name}:{key}", window, seconds)
    reset = max(1, math.ceil((window + 1) * seconds - now))
    state = RateState(name, limit, max(0, limit - count), reset, seconds)
    if count > limit:
        metrics.LIMITS.labels(name).inc()
        wait = f"Try again in {reset} second{'' if reset == 1 else 's'}."
        raise Problem(
            429,
            f"{sentence or 'That was too much at once.'} {wait}",
            code="too_many_requests",
            headers={"Retry-After": str(reset), **state.headers},
        )
    return state


def show(request: HttpRequest, state: RateState) -> None:
    """Let the answer to this request carry the state in its headers (core.middleware)."""
    request.META[STATE] = state.headers


def shown(request: HttpRequest) -> dict[str, str]:
    found: dict[str, str] = request.META.get(STATE, {})
    return found


def _hit(key: str, window: int, seconds: int) -> int:
    if app_settings.SHARED_CACHE:
        try:
            return CacheCounter().hit(key, window, seconds)
        except Exception as error:  # noqa: BLE001 - each cache has its own ways of failing
            _complain(error)
    if connection.vendor != "sqlite" and _Counters.table:
        return _Counters.table.hit(key, window, seconds)
    return _Counters.memory.hit(key, window, seconds)


def _complain(error: Any) -> None:
    now = time.monotonic()
    if now - _Counters.complained >= LOG_EVERY:
        _Counters.complained = now
        logger.warning("The cache does not count, limits start again elsewhere: %s: %s", type(error).__name__, error)
