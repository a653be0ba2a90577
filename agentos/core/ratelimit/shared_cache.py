"""The cache that ``CACHE_URL`` names, Redis or Valkey: asked for a moment only, and left alone for a while when it does not answer.

A page asks it many times. Were each of them to wait for a server that is away, a cache that is down would stop the pages; here one
caller waits and tries for everybody, the others are told at once. Every caller does without it then.
"""

import functools
import logging
import threading
import time
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import cached_property
from redis import ConnectionError as NoConnection
from redis import ConnectionPool, Redis
from redis import TimeoutError as NoAnswer

logger = logging.getLogger(__name__)

PATIENCE = 0.5  # seconds for a connection, and for an answer; `?socket_timeout=2` in the URL says otherwise
PAUSE = 1.0  # seconds in which nobody asks after it did not answer
SHARE = 10  # or so many times as long as the failed try took: a name server may be slower than any limit of ours


class CacheAway(Exception):
    """The cache did not answer lately, and is not asked at this moment."""


class Health:
    """Knows whether the cache answers, for all threads of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.trouble = ""  # what it is away with
        self.again = 0.0  # when the next one may try, by the monotonic clock

    def may_ask(self) -> bool:
        with self.lock:
            now = time.monotonic()
            if self.trouble and now < self.again:
                return False
            if self.trouble:
                self.again = now + PAUSE  # this one tries for everybody
            return True

    def failed(self, error: Exception, took: float) -> None:
        with self.lock:
            is_new, self.trouble = not self.trouble, f"{type(error).__name__}: {error}"
            self.again = time.monotonic() + max(PAUSE, SHARE * took)
        if is_new:
            logger.warning("The cache is away, we go on without it: %s", self.trouble)

    def answered(self) -> None:
        if not self.trouble:
            return
        with self.lock:
            was_away, self.trouble = bool(self.trouble), ""
        if was_away:
            logger.warning("The cache is back.")


class PatientRedis(Redis):
    """Raises ``CacheAway`` instead of asking a server that is away."""

    def __init__(self, pool: ConnectionPool, health: Health) -> None:
        super().__init__(connection_pool=pool)
        self.health = health

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if not self.health.may_ask():
            raise CacheAway(self.health.trouble)
        begun = time.monotonic()
        try:
            answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except (NoConnection, NoAnswer, OSError) as error:
            self.health.failed(error, time.monotonic() - begun)
            raise
        self.health.answered()
        return answer


class Client(RedisCacheClient):
    """Django's, with one server and one pool of connections for all threads of this process."""

    def __init__(self, url: str) -> None:
        super().__init__([url], socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
        self.redis = PatientRedis(self._get_connection_pool(write=True), Health())  # type: ignore[attr-defined]

    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        return self.redis

    def count(self, key: str, seconds: int) -> int:
        number = int(self.redis.incr(key))
        if number == 1:
            self.redis.expire(key, seconds)
        return number


class SharedCache(RedisCache):
    """Django makes one of these for every thread and many a request: what costs something is in the client, which they share."""

    def __init__(self, url: str, params: dict[str, Any]) -> None:
        super().__init__(url, params)
        self.url = url

    @cached_property
    def _cache(self) -> Client:
        return client_of(self.url)

    def count(self, key: str, seconds: int) -> int:
        """Count one more under a key that lives for so long since the first; return how many there are with it. One trip."""
        return self._cache.count(self.make_and_validate_key(key), seconds)


@functools.cache
def client_of(url: str) -> Client:
    return Client(url)
