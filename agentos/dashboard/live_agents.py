"""What a tab shows of agents, and how it follows when agents or rights change.

A page that lists agents names its list in its stream's address. When the list has become another, the stream says ``agents``, and the
page asks for itself again, with what stands in its search by then. A composer is closed and opened by the stream. The address of a
stream that comes back says what the page shows by then: static/js/stream.js sees to that.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

from django.contrib.messages import INFO
from django.http import QueryDict

from agentos.access.users import User
from agentos.agents.cache import cards_for
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import locked_agents_for, may_use
from agentos.chat import queries
from agentos.chat.drawing import render_turn
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.transcript import open_transcript
from agentos.chat.models import ChatSession
from agentos.chat.registry import OpenStream, registry
from agentos.core.fragments import fragment
from agentos.core.http import sse
from agentos.dashboard.answers import composer, objection
from agentos.dashboard.notices import notice

NEWS = frozenset({"agents", "opened", "composer"})  # what ``OpenStream.news`` may say of agents; "lost" ends the stream

LISTS: dict[str, Callable[[User], list[Any]]] = {
    "agents": lambda user: [*cards_for(user), *locked_agents_for(user)],
    "home": cards_for,
}


def followed(live_url: str, page: str, rights: int, cards: Iterable[Any]) -> str:
    """The address of a stream that follows the list of ``page``. ``rights``: their version when ``cards`` were not yet read."""
    return f"{live_url}&{urlencode({'list': page, 'rights': rights, 'digest': digest(cards)})}"


def digest(cards: Iterable[Any]) -> str:
    return blake2b(repr(list(cards)).encode(), digest_size=8).hexdigest()


def usable(agent: DjangoAgent, user: User) -> bool:
    return may_use(user.pk, agent.pk)


@dataclass(slots=True)
class Shown:
    """What the page of a stream shows: a list of agents, or a composer for one of them. But for ``last_frame`` all is database work."""

    user: User
    page: str = ""
    digest: str = ""
    agent: DjangoAgent | None = None
    is_open: bool = False

    def follow(self, opened: OpenStream, query: QueryDict) -> None:
        """Have the registry ask what is new, and note where the page is behind already."""
        if self.page or self.agent:
            opened.ask = self.news
            opened.checked = -1 if self.page and query.get("rights", "") != str(registry.rights) else registry.rights
        is_open = not objection(self.agent if self.is_open else None, self.user)
        if query.get("composer", "") == ("closed" if is_open else "open"):
            opened.news.add("composer")

    def news(self) -> str:
        """What the tab has to be told: ``agents``, ``opened`` or nothing. What closes a composer ends the stream."""
        if self.page:
            before, self.digest = self.digest, digest(LISTS[self.page](self.user))
            return "agents" if self.digest != before else ""
        if self.agent is None or self.is_open or not usable(self.agent, self.user):
            return ""
        self.is_open = True
        return "opened"

    def frames(self, news: set[str], opened: OpenStream, session: ChatSession | None) -> tuple[list[bytes], Cursor | None]:
        """Return what says these news, and where it leaves a tab that follows this session."""
        frames, cursor = [], None
        if "agents" in news:
            frames.append(sse.frame("", event="agents"))
        if news & {"composer", "opened"}:
            html, cursor = self._composer(opened, session)
            if html:
                frames.append(sse.frame(html, event_id=str(cursor) if cursor else ""))
        if "opened" in news and self.agent:
            frames.append(sse.frame(notice(f"{self.agent} is open to you again.", INFO)))
        return frames, cursor

    def _composer(self, opened: OpenStream, session: ChatSession | None) -> tuple[str, Cursor | None]:
        """The composer as it has to be now, and the turns with the buttons that go with it."""
        agent, user = self.agent, self.user
        self.is_open = agent is not None and usable(agent, user)
        opened.agent_pk = agent.pk if agent and self.is_open else None
        turns, cursor = "", None
        if session:
            found = queries.session_for(user, session.session_id)
            if found is None:
                return "", None
            transcript = open_transcript(found, may_write=self.is_open)
            cursor = Cursor.read(transcript.cursor)
            turns = "".join(fragment(render_turn(view), "#turns", "upsert") for view in transcript.turns)
        fresh = composer(user, session=session, agent=agent, closed=objection(agent if self.is_open else None, user))
        return turns + fragment(fresh, "#composer", "outerHTML"), cursor

    def last_frame(self, opened: OpenStream) -> bytes:
        """Of a stream that had to end: its page is loaded again, unless all that is lost is the agent."""
        if "lost" in opened.news and self.agent:
            return sse.frame(notice(f"Your agent {self.agent} was closed."))
        return sse.frame("", event="closed")


def shown_by(query: QueryDict, user: User, session: ChatSession | None) -> Shown:
    """What the page said of itself. Database work."""
    page = query.get("list", "")
    if page in LISTS:
        return Shown(user, page=page, digest=query.get("digest", ""))
    agent = session.agent if session else _named(query.get("agent", ""))
    return Shown(user, agent=agent, is_open=agent is not None and usable(agent, user))


def _named(agent_id: str) -> DjangoAgent | None:
    found: DjangoAgent | None = DjangoAgent.objects.filter(agent_id=agent_id).first() if agent_id.isprintable() and agent_id else None
    return found
