"""What a tab shows of agents, and how it follows when agents or rights change.

A page that lists agents names its list in its stream's address. When the list has become another, the stream says ``agents``, and the
page asks for itself again, with what stands in its search by then. A composer is closed and opened by the stream. The address of a
stream that comes back says what the page shows by then: static/js/live.js sees to that.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.messages import INFO
from django.http import QueryDict

from agentos.access.models import User
from agentos.agents.cache import NOT_AVAILABLE, cards_for
from agentos.agents.models import DjangoAgent
from agentos.agents.queries import locked_agents_for, may_use
from agentos.agents.runtime import availability
from agentos.chat import queries, streaming
from agentos.chat.actions import WITHDRAWN
from agentos.chat.cursor import Cursor
from agentos.chat.models import ChatSession
from agentos.chat.registry import registry
from agentos.chat.transcript import open_transcript
from agentos.core import db, sse
from agentos.core.fragments import fragment
from agentos.dashboard.answers import composer
from agentos.dashboard.notices import notice

if TYPE_CHECKING:
    from agentos.dashboard.live import Tab

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
    return may_use(user, agent.pk)


@dataclass(slots=True)
class Shown:
    """What the page of a stream shows: a list of agents, or a composer for one of them."""

    user: User
    page: str = ""
    digest: str = ""
    agent: DjangoAgent | None = None
    is_open: bool = False

    def news(self) -> str:
        """What the tab has to be told: ``agents``, ``opened`` or nothing. What closes a composer ends the stream. Database work."""
        if self.page:
            before, self.digest = self.digest, digest(LISTS[self.page](self.user))
            return "agents" if self.digest != before else ""
        if self.agent is None or self.is_open or not usable(self.agent, self.user):
            return ""
        self.is_open = True
        return "opened"


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


def follow(tab: "Tab", shown: Shown, query: QueryDict) -> None:
    """Have the registry ask for this tab, and note where its page is behind already."""
    tab.shown = shown
    if shown.page or shown.agent:
        tab.opened.ask = shown.news
        tab.opened.checked = -1 if shown.page and query.get("rights", "") != str(registry.rights) else registry.rights
    if query.get("composer", "") == ("closed" if shown.is_open else "open"):
        tab.opened.news.add("composer")


async def frames(tab: "Tab") -> AsyncIterator[bytes]:
    """Tell the tab what has been found out about it since the last time."""
    news = {"agents", "opened", "composer"} & tab.opened.news
    tab.opened.news -= news
    if "agents" in news:
        yield sse.frame("", event="agents")
    if news & {"composer", "opened"} and (html := await db.read(_composer, tab)):
        yield sse.frame(html, event_id=str(tab.cursor) if tab.session else "")
    if "opened" in news and tab.shown.agent:
        yield sse.frame(notice(f"{tab.shown.agent.name} is open to you again.", INFO))


def farewell(tab: "Tab") -> bytes:
    """The last frame of a stream that had to end: its page is loaded again, unless all that is lost is the agent."""
    if "lost" in tab.opened.news and tab.shown.agent:
        return sse.frame(notice(f"Your agent {tab.shown.agent.name} was closed."))
    return sse.frame("", event="closed")


def _composer(tab: "Tab") -> str:
    """The composer as it has to be now, and the turns with the buttons that go with it."""
    agent = tab.shown.agent
    tab.shown.is_open = agent is not None and usable(agent, tab.user)
    tab.opened.agent_pk = agent.pk if agent and tab.shown.is_open else None
    turns = ""
    if tab.session:
        session = queries.session_for(tab.user, tab.session.session_id)
        if session is None:
            return ""
        transcript = open_transcript(session, may_write=tab.shown.is_open)
        tab.cursor = Cursor.read(transcript.cursor) or tab.cursor
        turns = "".join(fragment(streaming.render_turn(view), "#turns", "upsert") for view in transcript.turns)
    fresh = composer(
        tab.user,
        session=tab.session,
        agent=agent,
        closed="" if tab.shown.is_open else WITHDRAWN,
        note="" if agent is None or availability(agent.model).ok else NOT_AVAILABLE,
    )
    return turns + fragment(fresh, "#composer", "outerHTML")
