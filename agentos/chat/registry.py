"""The open live streams of this process: how many a user has, and whether their rights still hold."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from agentos.access import rights, sign_ins
from agentos.access.adapters import access
from agentos.access.models import ApiToken
from agentos.access.users import User
from agentos.agents.queries import may_use
from agentos.chat.callers import AGENT, CHECK_SECONDS, LOGIN, TOKEN
from agentos.core import clock, db
from agentos.core.pubsub import pubsub

log = logging.getLogger(__name__)

STREAMS_A_USER = 10
UNKNOWN = -1  # no version of the rights is this


@dataclass(eq=False, slots=True)
class OpenStream:
    """Opened by a login, or by the API token ``token_pk``. ``login`` is what the login hangs on: another one means that the login which
    opened the stream is over; a token outlives it. ``session_pk``: of the chat that a tab shows. ``lost``: what was lost when it was
    ``closed`` (``callers.LOST``).

    ``ask`` is asked once in every version of the rights but ``checked``, in a thread that may read the database, and says what is new for
    the stream's reader; it is put into ``news``, beside ``lost`` for the agent."""

    user_pk: int
    login: str
    session_key: str
    agent_pk: int | None
    token_pk: int | None = None
    session_pk: int | None = None
    closed: bool = False
    lost: str = ""
    ask: Callable[[], str] | None = None
    checked: int = UNKNOWN
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
        self.shown: Counter[int] = Counter()  # tabs that show a chat
        self.rights = UNKNOWN
        self.next_end: datetime | None = None  # when time alone changes the rights of this version
        self.stopping = False

    def open(
        self, user: User, session_key: str, agent_pk: int | None, token_pk: int | None = None, *, session_pk: int | None = None
    ) -> OpenStream:
        """Raises TooManyStreams."""
        if self.count[user.pk] >= STREAMS_A_USER:
            raise TooManyStreams
        stream = OpenStream(user.pk, sign_ins.hold_of(user), session_key, agent_pk, token_pk, session_pk)
        self.streams.add(stream)
        self.count[user.pk] += 1
        if session_pk:
            self.shown[session_pk] += 1
        return stream

    def close(self, stream: OpenStream) -> None:
        if stream not in self.streams:
            return
        self.streams.discard(stream)
        for count, pk in ((self.count, stream.user_pk), (self.shown, stream.session_pk)):
            if pk:
                count[pk] -= 1
                if not count[pk]:
                    del count[pk]

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
            pubsub.publish(stream.topic)
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
                pubsub.publish(stream.topic)

    def _lost(self, streams: list[OpenStream]) -> list[OpenStream]:
        by_token = [stream for stream in streams if stream.token_pk]
        by_login = [stream for stream in streams if not stream.token_pk]
        users = User.objects.filter(pk__in={stream.user_pk for stream in by_login}, is_active=True)
        people = {user.pk: sign_ins.hold_of(user) for user in users}
        logins = sign_ins.alive(stream.session_key for stream in by_login)
        lost = [
            _lost(stream, LOGIN) for stream in by_login if people.get(stream.user_pk) != stream.login or stream.session_key not in logins
        ]
        if by_token:
            usable = set(ApiToken.objects.usable().filter(pk__in={stream.token_pk for stream in by_token}).values_list("pk", flat=True))
            lost += [_lost(stream, TOKEN) for stream in by_token if stream.token_pk not in usable]
        now, version = clock.now(), rights.version()
        if version != self.rights:
            next_end = access().next_end(now)  # since before anybody is asked: an end that comes meanwhile is asked about again
            gone = set(lost)
            barred = [stream for stream in streams if stream not in gone and not _may_write(stream)]
            for stream in barred:
                stream.news.add("lost")
            lost += [_lost(stream, AGENT) for stream in barred]
            self.rights, self.next_end = version, next_end
        return lost


def _lost(stream: OpenStream, what: str) -> OpenStream:
    stream.lost = what
    return stream


def _may_write(stream: OpenStream) -> bool:
    if stream.agent_pk is None:
        return True
    return may_use(stream.user_pk, stream.agent_pk)


registry = Registry()
