"""What stands round every page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from agentos.access.models import User
from agentos.chat.models import ChatSession, Run
from agentos.core import clock
from agentos.dashboard.sidebar import age, sidebar
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory
from tests.html import page

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class TestSidebar:
    @pytest.mark.parametrize(
        ("ago", "name"),
        [
            (timedelta(hours=-1), "Today"),
            (timedelta(hours=12), "Today"),
            (timedelta(hours=12, seconds=1), "Yesterday"),
            (timedelta(hours=36), "Yesterday"),
            (timedelta(days=2), "This week"),
            (timedelta(days=6), "This week"),
            (timedelta(days=7), "Older"),
        ],
    )
    def test_groups_by_calendar_days(self, ago: timedelta, name: str) -> None:
        assert age(NOW - ago, NOW) == name

    def test_has_pinned_chats_on_top(self, member: User) -> None:
        ChatSessionFactory(user=member, title="Now")
        ChatSessionFactory(user=member, title="Long ago", updated_at=clock.now() - timedelta(days=30))
        ChatSessionFactory(user=member, title="Kept", updated_at=clock.now() - timedelta(days=30), is_pinned=True)
        groups = sidebar(member).groups
        assert [(group.name, [str(session) for session in group.sessions]) for group in groups] == [
            ("Pinned", ["Kept"]),
            ("Today", ["Now"]),
            ("Older", ["Long ago"]),
        ]

    def test_shows_what_goes_on(self, as_member: Client, session: ChatSession) -> None:
        waiting = RunFactory(session__user=session.user, status=Run.Status.WAITING).session
        RunFactory(session=session, status=Run.Status.QUEUED)
        found = page(as_member.get("/agentos/"))
        assert found.one(f"#row-{session.session_id} .dot")["title"] == "Is answering"
        assert found.one(f"#row-{waiting.session_id} .dot")["title"] == "Waits for you"

    @pytest.mark.parametrize(("unseen", "word"), [("answer", "unread"), ("failure", "failed")])
    def test_says_what_was_not_seen(self, as_member: Client, session: ChatSession, unseen: str, word: str) -> None:
        ChatSession.objects.update(unseen=unseen)
        found = page(as_member.get("/agentos/"))
        row = found.one(f"#row-{session.session_id}")
        assert row.has_attr("data-unseen")
        assert found.one(f"#row-{session.session_id} .dot")["title"] == word.capitalize()
        assert found.text(f"#row-{session.session_id} .sr-only") == f", {word}"
        assert word in found.text(".continue .hint")
        assert found.text("title") == "(1) Dashboard · AgentOS"
        assert "icon-news" in str(found.one("link[rel=icon]")["href"])
        assert word in page(as_member.get("/agentos/sessions/")).text(".chats .hint")

    def test_says_of_the_open_chat_that_nothing_is_unread(self, as_member: Client, session: ChatSession, url: str) -> None:
        ChatSession.objects.update(unseen="answer")
        found = page(as_member.get(f"{url}?before=9"))  # which is no look
        assert not found.has("[data-unseen]")
        assert not found.text("title").startswith("(")

    def test_marks_the_open_chat(self, as_member: Client, session: ChatSession, url: str) -> None:
        assert page(as_member.get(url)).one("#sidebar-list [aria-current=page]")["href"] == url


class TestFrame:
    def test_starts_a_new_chat_with_the_agent_at_hand(self, as_member: Client, session: ChatSession, url: str) -> None:
        assert page(as_member.get(url)).one("#new-chat")["href"] == "/agentos/chat/support-writer/"
        assert page(as_member.get("/agentos/")).one("#new-chat")["href"] == "/agentos/chat/"

    def test_shows_the_administration_to_operators(self, as_member: Client, as_operator: Client) -> None:
        assert not page(as_member.get("/agentos/")).has("a[href='/admin/']")
        assert page(as_operator.get("/agentos/")).has("a[href='/admin/']")

    @pytest.mark.parametrize("path", ["/agentos/", "/agentos/agents/", "/agentos/sessions/", "/agentos/chat/a/", "SESSION"])
    def test_has_one_heading_landmarks_and_ids_of_their_own(self, as_member: Client, session: ChatSession, url: str, path: str) -> None:
        AgentFactory(agent_id="a", is_global=True)
        RunFactory.create_batch(2, session=session)
        found = page(as_member.get(path.replace("SESSION", url)))
        assert len(found.all("h1")) == len(found.all("main")) == len(found.all("nav")) == 1
        assert found.text("title").endswith("· AgentOS")
        ids = [str(tag["id"]) for tag in found.all("[id]")]
        assert sorted(set(ids)) == sorted(ids)
        icons = {str(tag["id"]) for tag in found.all("symbol")}
        assert {str(use["href"]).removeprefix("#") for use in found.all("use")} <= icons

    def test_names_every_control(self, as_member: Client, session: ChatSession, url: str) -> None:
        RunFactory(session=session)
        for path in ("/agentos/", "/agentos/agents/", "/agentos/sessions/", url, f"{url}manage/"):
            found = page(as_member.get(path))
            for control in found.all("button, a[href]:not([aria-hidden])"):
                assert control.get("aria-label") or control.get_text(strip=True), control
            for field in found.all("input:not([type=hidden]):not([type=checkbox]), textarea"):
                assert found.has(f"label[for='{field['id']}']"), field

    def test_gives_htmx_the_token(self, as_member: Client, rf: Any) -> None:
        client = Client(enforce_csrf_checks=True)
        client.cookies = as_member.cookies
        found = page(client.get("/agentos/"))
        token = str(found.one("body")["hx-headers:inherited"]).split('"')[3]
        assert client.post("/agentos/run/nothing/stop/", headers={"x-csrftoken": token}).status_code == 404
        assert client.post("/agentos/run/nothing/stop/").status_code == 403
