"""The open live streams of this process: how many a user has, and whether their rights still hold."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.sessions.models import Session
from django.utils import timezone

from agentos.access import rights
from agentos.access.models import ApiToken, User
from agentos.agents.queries import may_use
from agentos.core import clock, db
from agentos.core.bell import bell

log = logging.getLogger(__name__)

STREAMS_A_USER = 10
CHECK_SECONDS = 5.0


@dataclass(eq=False, slots=True)
class OpenStream:
    """Opened by a login, or by the API token ``token_pk``. ``password`` is the stored hash: another one means that the login which
    opened the stream is over; a token outlives it. ``ask`` is asked once in every version of the rights but ``checked``, in a thread
    that may read the database, and says what is new for the stream's reader; it is put into ``news``, beside ``lost`` for the agent."""

    user_pk: int
    password: str
    session_key: str
    agent_pk: int | None
    token_pk: int | None = None
    closed: bool = False
    ask: Callable[[], str] | None = None
    checked: int = -1
    news: set[str] = field(default_factory=set)

    @property
    def topic(self) -> str:
        return f"stream:{id(self)}"


class TooManyStreams(Exception):
    """The user has as many tabs open as one may have."""


class Registry:
    def __init__(self) -> None:
        self.streams: set[OpenStream] = set()
        self.count: Counter[int] = Counter()
        self.rights = -1
        self.next_end: datetime | None = None  # when time alone changes the rights of this version
        self.stopping = False

    def open(self, user: User, session_key: str, agent_pk: int | None, token_pk: int | None = None) -> OpenStream:
        """Raises TooManyStreams."""
        if self.count[user.pk] >= STREAMS_A_USER:
            raise TooManyStreams
        stream = OpenStream(user.pk, user.password, session_key, agent_pk, token_pk)
        self.streams.add(stream)
        self.count[user.pk] += 1
        return stream

    def close(self, stream: OpenStream) -> None:
        if stream not in self.streams:
            return
        self.streams.discard(stream)
        self.count[stream.user_pk] -= 1
        if not self.count[stream.user_pk]:
            del self.count[stream.user_pk]

    async def watch(self) -> None:
        """Close streams whose user, login or right to the agent is gone: asked of the database every few seconds, for all at once."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if self.streams:
                await self.look()

    async def look(self) -> None:
        try:
            if self.next_end and self.next_end <= clock.now():
                await db.write(rights.ended, self.rights)
            lost = await db.read(self._lost, list(self.streams))
        except Exception:
            log.exception("Rights could not be checked; the streams stay open until they can.")
            return
        for stream in lost:
            stream.closed = True
            bell.ring(stream.topic)
        await self._ask()

    async def _ask(self) -> None:
        """Ask the streams that follow what depends on rights: after a change only, one after the other, so that nobody waits for it."""
        for stream in [stream for stream in self.streams if stream.ask and stream.checked != self.rights and not stream.closed]:
            version = self.rights
            try:
                news = await db.read(stream.ask) if stream.ask else ""
            except Exception:
                log.exception("A stream could not be asked what changed for it; it is asked again.")
                return
            stream.checked = version
            if news:
                stream.news.add(news)
                bell.ring(stream.topic)

    def _lost(self, streams: list[OpenStream]) -> list[OpenStream]:
        by_token = [stream for stream in streams if stream.token_pk]
        streams = [stream for stream in streams if not stream.token_pk]
        passwords = dict(User.objects.filter(pk__in={stream.user_pk for stream in streams}, is_active=True).values_list("pk", "password"))
        keys = {stream.session_key for stream in streams}
        logins = set(Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list("session_key", flat=True))
        lost = [stream for stream in streams if passwords.get(stream.user_pk) != stream.password or stream.session_key not in logins]
        if by_token:
            usable = set(ApiToken.objects.usable().filter(pk__in={stream.token_pk for stream in by_token}).values_list("pk", flat=True))
            lost += [stream for stream in by_token if stream.token_pk not in usable]
        now, version = clock.now(), rights.version()
        if version != self.rights:
            next_end = rights.next_end(now)  # since before anybody is asked: an end that comes meanwhile is asked about again
            gone = set(lost)
            barred = [stream for stream in streams if stream not in gone and not _may_write(stream)]
            for stream in barred:
                stream.news.add("lost")
            lost += barred
            self.rights, self.next_end = version, next_end
        return lost


def _may_write(stream: OpenStream) -> bool:
    if stream.agent_pk is None:
        return True
    return may_use(User(pk=stream.user_pk), stream.agent_pk)


registry = Registry()
