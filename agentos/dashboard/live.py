"""The one event stream of a tab: what changed in its session and in its user's lists, as fragments with a cursor.

An idle stream is a task that waits for a notification: it holds no thread and no database connection. When it hears something, all that is
asked of the database is asked at once, in one reader's thread; what an answer has grown by is in memory.
"""

from collections.abc import AsyncIterator

from django.contrib.auth import get_user
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import escape
from django.views.decorators.http import require_GET

from agentos.access.guards import sign_in_url
from agentos.access.users import User
from agentos.chat import drawing, queries, seen
from agentos.chat.live import streaming
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.mirrors import mirrors
from agentos.chat.live.turns import tests_of
from agentos.chat.models import ChatSession, Run
from agentos.chat.registry import OpenStream, TooManyStreams, registry
from agentos.core import db
from agentos.core.db import outage
from agentos.core.fragments import draw, fragment
from agentos.core.http import sse
from agentos.core.pubsub import pubsub
from agentos.dashboard import live_agents, notices
from agentos.dashboard.layout import header
from agentos.dashboard.pacing import Pace
from agentos.dashboard.sidebar import Sidebar, sidebar

BEAT = sse.frame("", event="beat")
RETRY_AFTER = 30  # seconds, for a user with too many tabs


@require_GET
def stream(request: HttpRequest) -> HttpResponseBase:
    tab = open_tab(request)
    return tab if isinstance(tab, HttpResponse) else sse.EventStream(tab.frames(), BEAT)


stream.guard = "signed_in"  # type: ignore[attr-defined]  # it answers 401 itself: tests/test_house.py reads the mark


def open_tab(request: HttpRequest) -> "Tab | HttpResponse":
    """Return the tab of a request that has its login's session, or the answer that refuses it. Database work."""
    user = get_user(request)  # not ``request.user``, which would keep the request as long as the stream
    if not isinstance(user, User):
        return HttpResponse(status=401, headers={"HX-Redirect": sign_in_url()})
    session = None
    if session_id := request.GET.get("session", ""):
        session = queries.session_for(user, session_id)
        if session is None:
            return HttpResponse(status=404)
    shown = live_agents.shown_by(request.GET, user, session)
    try:
        agent_pk = shown.agent.pk if shown.agent and shown.is_open else None
        opened = registry.open(user, request.session.session_key or "", agent_pk, session_pk=session.pk if session else None)
    except TooManyStreams:
        return HttpResponse("Too many tabs are open.", status=429, headers={"Retry-After": str(RETRY_AFTER)})
    shown.follow(opened, request.GET)
    return Tab(user, session, opened, _cursor(request), request.GET.get("lists", ""), shown)


def _cursor(request: HttpRequest) -> Cursor:
    """Where the tab is: in the page at first, then what the browser heard last. An unknown cursor is none: the fresh state."""
    page = Cursor.read(request.GET.get("cursor", "")) or Cursor()
    return page.newer(Cursor.read(request.headers.get("Last-Event-ID", "")))


class Tab:
    def __init__(
        self,
        user: User,
        session: ChatSession | None,
        opened: OpenStream,
        cursor: Cursor,
        lists: str,
        shown: live_agents.Shown | None = None,
    ) -> None:
        self.user = user
        self.session = session
        self.opened = opened
        self.cursor = cursor
        self.topic = f"user:{user.pk}"
        self.news = {"session", "draft"} if session else set()
        version, _, day = lists.partition("@")
        if version != pubsub.version(self.topic):
            self.news.add(self.topic)
        today = timezone.localdate()
        self.lists_on = today if day == str(today) else None  # the day for which the tab's list is known to have a group
        self.header: tuple[object, ...] = ()  # what the header says that this stream sent last
        self.shown = shown or live_agents.Shown(user)
        self.tests_of: str | None = None  # asked once

    async def frames(self) -> AsyncIterator[bytes]:
        topics = [self.topic, self.opened.topic, f"notice:{self.user.pk}", "stop"]
        if self.session:
            topics += [f"session:{self.session.pk}", f"draft:{self.session.pk}"]
        try:
            with pubsub.subscribe(*topics) as subscription:
                yield b": connected\nretry: 1000\n\n"
                pace = Pace(self.news)
                while not registry.stopping:
                    if data := await self._outlasting(pace):
                        yield data
                        pace.has_told()
                    if self.opened.closed:
                        yield self.shown.last_frame(self.opened)
                        return
                    pace.hear(await subscription.wait(pace.rest()))
                yield sse.frame(notices.notice(notices.RESTART))
                yield sse.frame("", event="restart")
        finally:
            registry.close(self.opened)

    async def _outlasting(self, pace: Pace) -> bytes:
        """The frames that are due. While the database is away that is a heartbeat now and then; all that was missed comes afterwards."""
        where, news = (self.cursor, self.session, self.header, self.lists_on), set(self.opened.news)
        try:
            return await self._news(pace)
        except DatabaseError as error:
            outage.note(error)
            self.cursor, self.session, self.header, self.lists_on = where
            self.opened.news |= news
            chat = {f"session:{self.session.pk}", f"draft:{self.session.pk}"} if self.session else set()
            pace.miss({self.topic, *chat}, outage.AGAIN_SECONDS)
            return BEAT if pace.is_quiet() else b""

    async def _news(self, pace: Pace) -> bytes:
        """The frames that are due, together: whatever is sent is a packet, and a wake-up for whoever takes it."""
        frames = [sse.frame(notices.heard(pace.rung))] if "notice" in pace.heard else []
        frames += await self._told(pace.heard, pace.lists_due())
        if not frames and pace.is_quiet():
            frames.append(BEAT)
        return b"".join(frames)

    async def _told(self, heard: set[str], lists: set[str]) -> list[bytes]:
        """What is new: frames, each with the cursor where it leaves a tab."""
        frames = []
        if lists or self.opened.news & live_agents.NEWS or (self.session and "session" in heard):
            frames += await db.read(self._read, heard, lists)
            if self.session and self.session.unseen:
                await db.write(seen.look, self.session)
        if self.session and "draft" in heard:
            frames += [self._frame(html) async for html in self._growth(self.session)]
        return frames

    def _read(self, heard: set[str], lists: set[str]) -> list[bytes]:
        """What has to be asked of the database."""
        frames = []
        if self.session and "session" in heard and (html := self._state(self.session)):
            frames.append(self._frame(html))
        if lists and (html := self._lists(lists)):
            frames.append(self._frame(html))
        if news := self.opened.news & live_agents.NEWS:
            self.opened.news -= news
            told, cursor = self.shown.frames(news, self.opened, self.session)
            frames, self.cursor = frames + told, cursor or self.cursor
        return frames

    def _frame(self, html: str) -> bytes:
        return sse.frame(html, event_id=str(self.cursor) if self.session else "")

    def _state(self, session: ChatSession) -> str:
        """Turns that began, changed or went away, and what stands round them."""
        change = streaming.changes(session.pk, self.cursor)
        if change is None:
            return ""
        self.cursor, self.session = change.cursor, change.session
        if change.session.deleted_at:
            self.opened.closed = True
            return ""
        html = [fragment("", f"#turn-{turn}", "delete") for turn in change.gone]
        if self.tests_of is None:
            self.tests_of = tests_of(change.session)
        views = change.views(may_write=self.opened.agent_pk is not None, tests_of=self.tests_of)
        html += [fragment(turn, "#turns", "upsert") for turn in drawing.render_turns(views)]
        return "".join(html) + self._around(change)

    def _around(self, change: streaming.Change) -> str:
        session = change.session
        runs = [run for run, _, _ in change.runs]
        if not runs:  # another title, for one: nothing to be told again
            return self._header(session)
        if any(run.status == Run.Status.WAITING for run in runs):  # said to all who hear the page, whatever they chose to hear of answers
            said, place = f"{session.agent} waits for your decision. Press Tab to get there.", "#status"
        else:
            said, place = f"{session.agent} {'is answering' if any(run.is_open for run in runs) else 'has answered'}.", "#spoken"
        return fragment(escape(said), place, "innerHTML") + self._header(session)

    def _header(self, session: ChatSession) -> str:
        agent = session.agent
        says = (session.title, session.fork_count, str(session.forked_from), agent.name, agent.model)
        if says == self.header:
            return ""
        self.header = says
        return fragment(header(session), "#chat-header", "outerMorph")

    async def _growth(self, session: ChatSession) -> AsyncIterator[str]:
        """New text of the running answer, from memory. One that runs elsewhere is mirrored for the first who asks."""
        draft = streaming.draft_for(session.pk)
        if self.cursor.run_pk and (draft is None or draft.run_pk != self.cursor.run_pk):
            draft = await mirrors.open(session.pk, self.cursor.run_pk)
        if draft is None or draft.run_pk != self.cursor.run_pk or draft.seq <= self.cursor.seq:
            return
        for seq, html in await streaming.grown(draft, self.cursor.seq):
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
