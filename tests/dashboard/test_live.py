"""The stream of a tab: cut wherever one likes, it ends up as a fresh page; it closes when a right is gone or the server goes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import RequestFactory

from agentos.access.models import Membership, User
from agentos.access.sign_ins import hold_of
from agentos.agents.events import Finished
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.drawing import render_turn
from agentos.chat.live.buffer import live_buffers
from agentos.chat.live.cursor import Cursor
from agentos.chat.live.transcript import open_transcript
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.registry import OpenStream, Registry, registry
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.core.pubsub import pubsub
from agentos.dashboard.layout import frame
from agentos.dashboard.live import Tab, open_tab
from agentos.dashboard.pacing import Pace
from agentos.dashboard.sidebar import sidebar
from tests.conftest import signed_in
from tests.factories import AgentFactory, ChatSessionFactory
from tests.live_dom import LiveDom

EVENTS = 200
MARKDOWN = "Some **words** of it.\n\n- one\n- two\n\n```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end. "


def line(number: int) -> tuple[str, dict[str, Any]]:
    """The journal of a long answer: thoughts, text in small pieces, a tool call now and then."""
    if number <= 10:  # thoughts
        return "reasoning", {"text": f"thought {number} "}
    if number % 50 == 0:
        return "tool_started", {"call_id": str(number), "name": "add", "args": {"n": number}}
    if number % 50 == 1:
        return "tool_finished", {"call_id": str(number - 1), "name": "add", "result": "ok", "seconds": 0.1}
    start = (number * 7) % len(MARKDOWN)
    return "text", {"text": MARKDOWN[start : start + 7]}


@pytest.fixture
def running(transactional_db: None, member: User) -> Run:
    agent = AgentFactory(is_global=True, model="scripted:5x0")
    session = actions.create_session(agent=agent, by=member)
    actions.send_message(by=member, session=session, text="Go on.")
    run = claim_next(session.pk, timedelta(seconds=30))
    assert run is not None
    run.by = member
    return run


def tab_of(run: Run, cursor: Cursor) -> Tab:
    opened = OpenStream(run.by_id, run.by.password, "key", run.session.agent_id)
    return Tab(run.by, run.session, opened, cursor, pubsub.version(f"user:{run.by_id}"))


def fresh(session: ChatSession) -> tuple[LiveDom, Cursor]:
    transcript = open_transcript(ChatSession.objects.get(pk=session.pk), may_write=True)
    cursor = Cursor.read(transcript.cursor)
    assert cursor is not None
    return LiveDom('<div id="turns">' + "".join(render_turn(view) for view in transcript.turns) + "</div>"), cursor


async def tell(dom: LiveDom, tab: Tab, heard: set[str]) -> None:
    """Take a page to the present, frame by frame."""
    for data in await tab._told(heard, set()):
        dom.apply("\n".join(line.removeprefix("data: ") for line in data.decode().splitlines() if line.startswith("data: ")))


@pytest.mark.timeout(300)
async def test_a_stream_cut_after_any_event_ends_up_the_same(running: Run) -> None:
    """An answer of 200 events, cut after event k and resumed with that cursor, for every k from 0 to 200."""
    page, start = await sync_to_async(fresh)(running.session)
    first, draft = str(page.soup), live_buffers.open(running)
    tabs: list[tuple[str, Cursor]] = []
    whole, follower = LiveDom(first), tab_of(running, start)
    for number in range(EVENTS + 1):
        if number:
            kind, data = line(number)
            await RunEvent.objects.acreate(run=running, seq=number, attempt=1, kind=kind, data=data)
            draft.take(number, kind, data)
            await tell(whole, follower, {"draft"})
        tabs.append((str(whole.soup), follower.cursor))
    assert [cursor.seq for _, cursor in tabs] == list(range(EVENTS + 1))
    expected = (await sync_to_async(fresh)(running.session))[0]
    for html, cursor in tabs:
        dom = LiveDom(html)
        await tell(dom, tab_of(running, cursor), {"session", "draft"})
        assert dom.words() == expected.words(), f"cut after event {cursor.seq}"
        if cursor.seq % 20 == 0:
            assert dom.shown("turns") == expected.shown("turns")
    live_buffers.close(draft)
    await sync_to_async(end_run)(run_pk=running.pk, event=Finished(), attempt=1)
    ended = (await sync_to_async(fresh)(running.session))[0].shown("turns")
    for html, cursor in tabs[:: EVENTS // 8]:
        dom = LiveDom(html)
        await tell(dom, tab_of(running, cursor), {"session", "draft"})
        assert dom.shown("turns") == ended


async def test_what_was_said_while_the_state_was_read_finds_its_place(running: Run) -> None:
    """The turn that the state brings and the words that go into it must not share a frame."""
    draft = live_buffers.open(running)
    await RunEvent.objects.acreate(run=running, seq=1, attempt=1, kind="text", data={"text": "One "})
    draft.take(1, "text", {"text": "One "})
    draft.take(2, "text", {"text": "two."})
    dom = LiveDom('<div id="turns"></div>')
    await tell(dom, tab_of(running, Cursor()), {"session", "draft"})
    live_buffers.close(draft)
    assert "One two." in " ".join(dom.words())


async def test_an_answer_that_has_ended_does_not_grow_any_more(running: Run) -> None:
    """Its draft may stay for a moment longer than its run."""
    dom, cursor = await sync_to_async(fresh)(running.session)
    draft, tab = live_buffers.open(running), tab_of(running, cursor)
    for seq, text in enumerate(("One block.", "\n\nAnother."), 1):
        await tell(dom, tab, {"draft"})
        await RunEvent.objects.acreate(run=running, seq=seq, attempt=1, kind="text", data={"text": text})
        draft.take(seq, "text", {"text": text})
    await sync_to_async(end_run)(run_pk=running.pk, event=Finished(), attempt=1)
    await tell(dom, tab, {"session", "draft"})
    live_buffers.close(draft)
    assert dom.shown("turns") == (await sync_to_async(fresh)(running.session))[0].shown("turns")


async def test_who_listens_hears_whether_it_is_answered(running: Run) -> None:
    """The line that a screen reader reads out."""
    tab = tab_of(running, Cursor())
    assert b"is answering." in b"".join(await tab._told({"session"}, set()))
    await sync_to_async(actions.stop_run)(run=running, by=running.by)
    told = b"".join(await tab._told({"session"}, set()))
    assert b"has answered." in told
    assert b"is answering." not in told


async def test_another_title_is_shown_and_nothing_is_told_again(running: Run) -> None:
    tab = tab_of(running, Cursor())
    await tab._told({"session"}, set())
    await sync_to_async(actions.rename_session)(session=running.session, title="Nuts", by=running.by)
    told = b"".join(await tab._told({"session"}, set()))
    assert b"Nuts" in told
    assert b"is answering." not in told


async def test_what_a_tab_shows_is_seen(running: Run) -> None:
    """Also where the end was written by another process, which knows nothing of this one's tabs."""
    await sync_to_async(end_run)(run_pk=running.pk, event=Finished(), attempt=1)
    assert (await ChatSession.objects.aget(pk=running.session_id)).unseen == ChatSession.Unseen.ANSWER
    with pubsub.subscribe(f"user:{running.by_id}") as lists:
        await tab_of(running, Cursor())._told({"session"}, set())
        assert await lists.wait(20) == {f"user:{running.by_id}"}
    assert (await ChatSession.objects.aget(pk=running.session_id)).unseen == ChatSession.Unseen.NOTHING


async def test_who_listens_hears_that_a_decision_is_waited_for(running: Run) -> None:
    tab = tab_of(running, Cursor())
    await Run.objects.filter(pk=running.pk).aupdate(status=Run.Status.WAITING)
    told = b"".join(await tab._told({"session"}, set()))
    assert b"waits for your decision." in told
    assert b"is answering." not in told


async def test_a_growing_answer_costs_no_look_at_the_state(running: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only "session" says that turns or what stands round them have changed, only "draft" that an answer has grown."""
    _, cursor = await sync_to_async(fresh)(running.session)
    draft, looked = live_buffers.open(running), list[ChatSession]()
    draft.take(1, "text", {"text": "Word."})
    tab = tab_of(running, cursor)

    def look(session: ChatSession) -> str:
        looked.append(session)
        return ""

    monkeypatch.setattr(tab, "_state", look)
    assert [b"Word." in data for data in await tab._told({"draft"}, set())] == [True]
    assert looked == []
    draft.take(2, "text", {"text": " Two."})
    assert await tab._told({"session"}, set()) == []
    assert await tab._told(set(), set()) == []
    assert looked == [running.session]
    live_buffers.close(draft)


async def test_a_tab_without_a_chat_is_told_of_none(running: Run) -> None:
    tab = Tab(running.by, None, OpenStream(running.by_id, "", "", None), Cursor(), "")
    assert await tab._told({"session", "draft"}, set()) == []


class TestOpening:
    """What a stream is opened for: the agent that its page may write to, or none."""

    def open(self, user: User, query: str) -> OpenStream:
        request = RequestFactory().get(f"/agentos/live/?{query}")
        request.session = SessionStore(signed_in(user).session.session_key)
        tab = open_tab(request)
        assert isinstance(tab, Tab)
        registry.close(tab.opened)
        return tab.opened

    def test_holds_the_agent_of_an_open_composer(self, member: User, team_agent: DjangoAgent) -> None:
        session = ChatSessionFactory(user=member, agent=team_agent)
        for query in (f"session={session.session_id}", f"agent={team_agent.agent_id}"):
            assert self.open(member, query).agent_pk == team_agent.pk

    def test_holds_no_agent_of_a_composer_that_is_closed(self, stranger: User, team_agent: DjangoAgent) -> None:
        """Otherwise the chat of an agent that was withdrawn could not be read: its stream would end at the first look."""
        session = ChatSessionFactory(user=stranger, agent=team_agent)
        for query in (f"session={session.session_id}", f"agent={team_agent.agent_id}"):
            opened = self.open(stranger, query)
            assert opened.agent_pk is None
            assert opened not in Registry()._lost([opened])

    def test_holds_no_agent_where_the_page_has_none(self, member: User, team_agent: DjangoAgent) -> None:
        assert self.open(member, "").agent_pk is None
        assert self.open(member, "list=agents").agent_pk is None

    def test_is_not_for_the_chat_of_another_one(self, member: User, stranger: User) -> None:
        request = RequestFactory().get(f"/agentos/live/?session={ChatSessionFactory(user=member).session_id}")
        request.session = SessionStore(signed_in(stranger).session.session_key)
        answer = open_tab(request)
        assert isinstance(answer, HttpResponse)
        assert answer.status_code == 404

    def test_is_refused_to_who_has_too_many_tabs(self, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agentos.chat.registry.STREAMS_A_USER", 0)
        request = RequestFactory().get("/agentos/live/")
        request.session = SessionStore(signed_in(member).session.session_key)
        answer = open_tab(request)
        assert isinstance(answer, HttpResponse)
        assert (answer.status_code, answer["Retry-After"]) == (429, "30")


class TestWhatIsDue:
    """What a tab is sent at once: a notice, what is new, and a beat where there is nothing."""

    def tab(self, member: User) -> Tab:
        return Tab(member, None, OpenStream(member.pk, "", "", None), Cursor(), pubsub.version(f"user:{member.pk}"))

    async def told(self, tab: Tab, rung: set[str], *, is_quiet: bool = False) -> bytes:
        pace = Pace(set())
        pace.hear(rung)
        pace.beat_due = pace.now() + (-1 if is_quiet else 60)
        return await tab._news(pace)

    async def test_is_nothing_when_nothing_happened(self, transactional_db: None, member: User) -> None:
        assert await self.told(self.tab(member), set()) == b""

    async def test_is_a_beat_after_a_long_silence(self, transactional_db: None, member: User) -> None:
        assert b"event: beat" in await self.told(self.tab(member), set(), is_quiet=True)

    async def test_is_no_beat_beside_news(self, transactional_db: None, member: User) -> None:
        said = await self.told(self.tab(member), {f"notice:{member.pk}#Almost used."}, is_quiet=True)
        assert b"Almost used." in said
        assert b"event: beat" not in said

    async def test_is_what_changed_of_its_agent(self, transactional_db: None, member: User) -> None:
        tab = self.tab(member)
        tab.opened.news.add("agents")
        assert b"event: agents" in await self.told(tab, set())
        assert tab.opened.news == set()
        assert await self.told(tab, set()) == b""


class TestLists:
    @pytest.fixture
    def agent(self, transactional_db: None) -> DjangoAgent:
        return AgentFactory(is_global=True, model="scripted:5x0")

    @pytest.mark.parametrize("knows_its_page", [True, False])
    async def test_follow_what_happens_as_a_fresh_page_shows_it(self, member: User, agent: DjangoAgent, rf, knows_its_page: bool) -> None:
        do = sync_to_async
        one = await do(actions.create_session)(agent=agent, by=member, title="One")
        two = await do(actions.create_session)(agent=agent, by=member, title="Two")
        tab = await do(self.tab)(rf, member) if knows_its_page else Tab(member, None, OpenStream(member.pk, "", "", None), Cursor(), "")
        dom = LiveDom(await do(self.html)(member))
        steps = [
            lambda: actions.send_message(by=member, session=one, text="Hello"),
            lambda: actions.send_message(by=member, session=two, text="Hello"),
            lambda: claim_next(one.pk, timedelta(seconds=30)),
            lambda: end_run(run_pk=Run.objects.get(session=one).pk, event=Finished(), attempt=1),
            lambda: actions.pin_session(session=two, pinned=True, by=member),
            lambda: actions.send_message(by=member, session=two, text="Again"),
            lambda: actions.rename_session(session=one, title="First", by=member),
            lambda: actions.delete_session(session=two, by=member),
        ]
        topic = f"user:{member.pk}"
        with pubsub.subscribe(topic) as listener:
            for number, step in enumerate(steps):
                await do(step)()
                await asyncio.sleep(0)
                rung = await listener.wait(0)
                dom.apply(await do(tab._lists)(rung) if rung else "")
                assert dom.shown("sidebar-list") == LiveDom(await do(self.html)(member)).shown("sidebar-list"), f"step {number}"

    @pytest.mark.parametrize("has_chats", [True, False])
    def test_move_one_row_where_the_page_has_a_place_for_it(self, member: User, agent: DjangoAgent, rf, has_chats: bool) -> None:
        if has_chats:
            actions.create_session(agent=agent, by=member)
        tab = self.tab(rf, member)
        session = actions.create_session(agent=agent, by=member)
        html = tab._lists({f"user:{member.pk}#{session.pk}"})
        assert ("#sidebar-today" in html, "#sidebar-list" in html) == (has_chats, not has_chats)

    def test_are_sent_at_once_to_a_page_that_is_behind_and_to_no_other(self, member: User, agent: DjangoAgent, rf) -> None:
        topic = f"user:{member.pk}"
        lists = f"{pubsub.version(topic)}@"
        assert self.tab(rf, member).news == set()
        pubsub.publish(topic)
        assert Tab(member, None, OpenStream(member.pk, "", "", None), Cursor(), lists).news == {topic}
        assert self.tab(rf, member).news == set()

    @staticmethod
    def tab(rf, user: User) -> Tab:
        """The tab of a page that was just loaded, by what its address says."""
        request = rf.get("/")
        request.user = user
        lists = parse_qs(urlsplit(frame(request)["live_url"]).query)["lists"][0]
        return Tab(user, None, OpenStream(user.pk, "", "", None), Cursor(), lists)

    @staticmethod
    def html(user: User) -> str:
        return render_to_string("chat/_sidebar_list.html", {"sidebar": sidebar(user)})


class TestFrames:
    async def first(self, frames: AsyncIterator[bytes], wanted: bytes, most: int = 20) -> bool:
        async with asyncio.timeout(20):
            async for frame in frames:
                most -= 1
                if wanted in frame:
                    return True
                if not most:
                    break
        return False

    async def test_begin_at_once(self, running: Run) -> None:
        frames = tab_of(running, Cursor()).frames()
        assert (await anext(frames)).startswith(b": connected\nretry: ")
        await frames.aclose()  # type: ignore[attr-defined]

    async def test_say_that_the_server_goes_away(self, running: Run, monkeypatch) -> None:
        frames = tab_of(running, Cursor()).frames()
        await anext(frames)
        monkeypatch.setattr(registry, "stopping", True)
        pubsub.publish("stop")
        assert await self.first(frames, b"event: restart")

    async def test_end_when_a_right_is_gone(self, running: Run) -> None:
        tab = tab_of(running, Cursor())
        frames = tab.frames()
        await anext(frames)
        tab.opened.closed = True
        pubsub.publish(tab.opened.topic)
        assert await self.first(frames, b"event: closed")

    async def test_end_when_the_chat_is_deleted_in_another_tab(self, running: Run) -> None:
        frames = tab_of(running, Cursor()).frames()
        await anext(frames)
        await sync_to_async(actions.delete_session)(session=running.session, by=running.by)
        assert await self.first(frames, b"event: closed")

    async def test_beat_when_there_is_nothing_to_say(self, running: Run, monkeypatch) -> None:
        monkeypatch.setattr("agentos.core.http.sse.HEARTBEAT_SECONDS", 0.05)
        assert await self.first(tab_of(running, Cursor()).frames(), b"event: beat")


class TestRegistry:
    """Who may go on reading is asked again while a stream is open."""

    @pytest.fixture
    def opened(self, owner: User, team_agent: DjangoAgent, client) -> OpenStream:
        client.force_login(owner)
        return OpenStream(owner.pk, hold_of(owner), client.session.session_key, team_agent.pk)

    def test_keeps_a_stream_whose_rights_hold(self, opened: OpenStream) -> None:
        assert Registry()._lost([opened]) == []

    def test_closes_the_stream_of_a_suspended_user(self, opened: OpenStream, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(is_active=False)
        assert Registry()._lost([opened]) == [opened]

    def test_closes_the_stream_of_a_login_that_is_over(self, opened: OpenStream, client) -> None:
        client.logout()
        assert Registry()._lost([opened]) == [opened]

    def test_closes_the_stream_of_a_user_with_a_new_password(self, opened: OpenStream, owner: User) -> None:
        owner.set_password("another good one")
        owner.save()
        assert Registry()._lost([opened]) == [opened]

    def test_closes_the_stream_of_a_removed_member(self, opened: OpenStream, owner: User) -> None:
        watched = Registry()
        assert watched._lost([opened]) == []
        Membership.objects.filter(user=owner).get().delete()
        assert watched._lost([opened]) == [opened]
