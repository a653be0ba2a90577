"""The one event stream of a tab: what changed in its session and in its user's lists, as fragments with a cursor.

An idle stream is a task that waits for the bell: it holds no thread and no database connection.
"""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.views.decorators.http import require_GET

from agentos.access.models import User
from agentos.chat import queries, streaming
from agentos.chat.cursor import Cursor
from agentos.chat.models import ChatSession
from agentos.chat.registry import OpenStream, TooManyStreams, registry
from agentos.core import db, sse
from agentos.core.bell import bell
from agentos.core.compiled import draw
from agentos.core.fragments import fragment
from agentos.dashboard import live_agents, notices
from agentos.dashboard.frame import header
from agentos.dashboard.pacing import Pace
from agentos.dashboard.sidebar import Sidebar, sidebar

RETRY_AFTER = 30  # seconds, for a user with too many tabs


@require_GET
async def stream(request: HttpRequest) -> HttpResponseBase:
    """The view. A server that speaks ASGI is given ``open_tab`` directly (site_config/streams.py), past the middleware."""
    tab = await sync_to_async(open_tab)(request)
    return tab if isinstance(tab, HttpResponse) else sse.response(tab.frames())


stream.guard = "signed_in"  # type: ignore[attr-defined]  # it answers 401 itself: tests/test_house.py reads the mark


def open_tab(request: HttpRequest) -> "Tab | HttpResponse":
    """Return the tab of a request that has its login's session, or the answer that refuses it. Database work."""
    user = get_user(request)
    if not isinstance(user, User):
        return HttpResponse(status=401, headers={"HX-Redirect": reverse("access:sign-in")})
    session = None
    if session_id := request.GET.get("session", ""):
        session = queries.session_for(user, session_id)
        if session is None:
            return HttpResponse(status=404)
    shown = live_agents.shown_by(request.GET, user, session)
    try:
        opened = registry.open(user, request.session.session_key or "", shown.agent.pk if shown.agent and shown.is_open else None)
    except TooManyStreams:
        return HttpResponse("Too many tabs are open.", status=429, headers={"Retry-After": str(RETRY_AFTER)})
    tab = Tab(user, session, opened, _cursor(request), request.GET.get("lists", ""))
    live_agents.follow(tab, shown, request.GET)
    return tab


def _cursor(request: HttpRequest) -> Cursor:
    """Where the tab is: in the page at first, then what the browser heard last. An unknown cursor is none: the fresh state."""
    page = Cursor.read(request.GET.get("cursor", "")) or Cursor()
    return page.newer(Cursor.read(request.headers.get("Last-Event-ID", "")))


class Tab:
    def __init__(self, user: User, session: ChatSession | None, opened: OpenStream, cursor: Cursor, lists: str) -> None:
        self.user = user
        self.session = session
        self.opened = opened
        self.cursor = cursor
        self.topic = f"user:{user.pk}"
        self.news = {"session", "draft"} if session else set()
        version, _, day = lists.partition("@")
        if version != bell.version(self.topic):
            self.news.add(self.topic)
        today = timezone.localdate()
        self.lists_on = today if day == str(today) else None  # the day for which the tab's list is known to have a group
        self.header: tuple[object, ...] = ()  # what the header says that this stream sent last
        self.shown = live_agents.Shown(user)
        self.look = db.read  # what a tab that comes has missed may be much; what it hears then is little

    async def frames(self) -> AsyncIterator[bytes]:
        topics = [self.topic, self.opened.topic, f"notice:{self.user.pk}", "stop"]
        if self.session:
            topics += [f"session:{self.session.pk}", f"draft:{self.session.pk}"]
        try:
            with bell.listen(*topics) as listener:
                yield b": connected\nretry: 1000\n\n"
                pace = Pace(self.news)
                while not registry.stopping:
                    if data := await self._news(pace):
                        yield data
                        pace.has_told()
                    if self.opened.closed:
                        yield live_agents.farewell(self)
                        return
                    pace.hear(await listener.wait(pace.rest()))
                yield sse.frame(notices.notice(notices.RESTART))
                yield sse.frame("", event="restart")
        finally:
            registry.close(self.opened)

    async def _news(self, pace: Pace) -> bytes:
        """The frames that are due, together: whatever is sent is a packet, and a wake-up for whoever takes it."""
        frames = [sse.frame(notices.heard(pace.rung))] if "notice" in pace.heard else []
        frames += await self._told(pace.heard, pace.lists_due())
        if self.opened.news:
            frames += [data async for data in live_agents.frames(self)]
        if not frames and pace.is_quiet():
            frames.append(sse.frame("", event="beat"))
        return b"".join(frames)

    async def _told(self, heard: set[str], lists: set[str]) -> list[bytes]:
        """What is new: frames, each with the cursor where it leaves a tab."""
        frames = []
        if self.session and "session" in heard:
            look, self.look = self.look, db.look
            if html := await look(self._state, self.session):
                frames.append(self._frame(html))
        if self.session and "draft" in heard:
            frames += [self._frame(html) for html in self._growth(self.session)]
        if lists and (html := await db.look(self._lists, lists)):
            frames.append(self._frame(html))
        return frames

    def _frame(self, html: str) -> bytes:
        return sse.frame(html, event_id=str(self.cursor) if self.session else "")

    def _state(self, session: ChatSession) -> str:
        """Turns that began, changed or went away, and what stands round them."""
        change = streaming.changes(session.pk, self.cursor, may_write=self.opened.agent_pk is not None)
        if change is None:
            return ""
        self.cursor, self.session = change.cursor, change.session
        if change.session.deleted_at:
            self.opened.closed = True
            return ""
        html = [fragment("", f"#turn-{turn}", "delete") for turn in change.gone]
        html += [fragment(streaming.render_turn(view), "#turns", "upsert") for view in change.turns]
        return "".join(html) + self._around(change)

    def _around(self, change: streaming.Change) -> str:
        session = change.session
        busy = any(view.run.is_open for view in change.turns)
        said = f"{session.agent.name} is answering." if busy else f"{session.agent.name} has answered."
        return fragment(escape(said), "#status", "innerHTML") + self._header(session)

    def _header(self, session: ChatSession) -> str:
        agent = session.agent
        says = (session.title, session.fork_count, str(session.forked_from), agent.name, agent.model)
        if says == self.header:
            return ""
        self.header = says
        return fragment(header(session), "#chat-header", "outerMorph")

    def _growth(self, session: ChatSession) -> Iterator[str]:
        """New text of the running answer, from memory."""
        draft = streaming.draft_for(session.pk)
        if draft is None or draft.run_pk != self.cursor.run_pk or draft.seq <= self.cursor.seq:
            return
        for seq, html in streaming.growth(draft, self.cursor.seq):
            self.cursor = Cursor(self.cursor.revision, draft.run_pk, seq)
            yield html

    def _lists(self, rung: set[str]) -> str:
        """The list of chats; when sessions only moved to its top, and it is known to have one, just those."""
        today = timezone.localdate()
        moved = [int(topic.partition("#")[2]) for topic in rung if "#" in topic]
        current = self.session.session_id if self.session else ""
        if len(moved) < len(rung) or self.lists_on != today:
            shown = sidebar(self.user, current)
            self.lists_on = today if shown.has_today else None
            return fragment(get_template("chat/_sidebar_list.html").render({"sidebar": shown}), "#sidebar-list", "outerMorph")
        found = [session for session in (queries.listed_session(self.user, pk) for pk in set(moved)) if session and not session.is_archived]
        return "".join(self._row(session, Sidebar(current=current)) for session in sorted(found, key=lambda session: session.updated_at))

    def _row(self, session: ChatSession, around: Sidebar) -> str:
        row = draw("chat/_row.html", {"session": session, "prefix": "row", "current": around.current})
        element = f"#row-{session.session_id}"
        if session.is_pinned:
            return fragment(row, element, "outerHTML")
        return fragment("", element, "delete") + fragment(row, "#sidebar-today", "afterbegin")
