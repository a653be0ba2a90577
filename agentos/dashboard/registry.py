"""The open live streams of this process: how many a user has, and whether their rights still hold."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.utils import timezone

from agentos.access import rights
from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.core import db
from agentos.core.bell import bell

log = logging.getLogger(__name__)

STREAMS_A_USER = 10
CHECK_SECONDS = 5.0


@dataclass(eq=False, slots=True)
class OpenStream:
    """``password`` is the stored hash: another one means that the login which opened the stream is over."""

    user_pk: int
    password: str
    session_key: str
    agent_pk: int | None
    closed: bool = False

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
        self.stopping = False

    def open(self, user: User, session_key: str, agent_pk: int | None) -> OpenStream:
        """Raises TooManyStreams."""
        if self.count[user.pk] >= STREAMS_A_USER:
            raise TooManyStreams
        stream = OpenStream(user.pk, user.password, session_key, agent_pk)
        self.streams.add(stream)
        self.count[user.pk] += 1
        return stream

    def close(self, stream: OpenStream) -> None:
        self.streams.discard(stream)
        self.count[stream.user_pk] -= 1
        if not self.count[stream.user_pk]:
            del self.count[stream.user_pk]

    async def watch(self) -> None:
        """Close streams whose user, login or right to the agent is gone: asked of the database every few seconds, for all at once."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not self.streams:
                continue
            try:
                lost = await db.read(self._lost, list(self.streams))
            except Exception:
                log.exception("Rights could not be checked; the streams stay open until they can.")
                continue
            for stream in lost:
                stream.closed = True
                bell.ring(stream.topic)

    def _lost(self, streams: list[OpenStream]) -> list[OpenStream]:
        passwords = dict(User.objects.filter(pk__in={stream.user_pk for stream in streams}, is_active=True).values_list("pk", "password"))
        keys = {stream.session_key for stream in streams}
        logins = set(Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list("session_key", flat=True))
        lost = [stream for stream in streams if passwords.get(stream.user_pk) != stream.password or stream.session_key not in logins]
        version = rights.version()
        if version != self.rights:
            gone = set(lost)
            lost += [stream for stream in streams if stream not in gone and not _may_write(stream)]
            self.rights = version
        return lost


def _may_write(stream: OpenStream) -> bool:
    if stream.agent_pk is None:
        return True
    user = User.objects.get(pk=stream.user_pk)
    return bool(DjangoAgent.objects.usable_by(user).filter(pk=stream.agent_pk).exists())


registry = Registry()
