"""All chats: the list, search, and what one does to a chat."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from agentos.access.models import User
from agentos.chat.models import ChatSession, Run
from agentos.core import clock
from tests.dashboard.asking import get, post, queries
from tests.factories import ChatSessionFactory, RunFactory, UserFactory
from tests.html import page

URL = "/agentos/sessions/"


class TestList:
    def test_has_pinned_chats_first(self, as_member: Client, member: User) -> None:
        ChatSessionFactory(user=member, title="New one")
        ChatSessionFactory(user=member, title="Pinned one", is_pinned=True, updated_at=clock.now() - timedelta(days=9))
        ChatSessionFactory(user=member, title="Put away", is_archived=True)
        ChatSessionFactory(title="Somebody else's")
        assert page(as_member.get(URL)).texts(".chats .title") == ["Pinned one", "New one"]

    def test_has_an_archive(self, as_member: Client, member: User) -> None:
        ChatSessionFactory(user=member, title="Put away", is_archived=True)
        found = page(as_member.get(f"{URL}?archived=1"))
        assert found.texts(".chats .title") == ["Put away"]
        assert found.text(".tabs [aria-current]") == "Archive"

    def test_goes_on_page_by_page(self, as_member: Client, member: User) -> None:
        for number in range(70):
            ChatSessionFactory(user=member, title=f"Chat {number}", updated_at=clock.now() - timedelta(minutes=number))
        seen: list[str] = []
        address = URL
        while address:
            found = page(as_member.get(address))
            seen += found.texts(".chats .title")
            more = found.all(".more-chats")
            address = URL + str(more[0]["href"]) if more else ""
        assert seen == [f"Chat {number}" for number in range(70)]

    @pytest.mark.parametrize("before", ["x", "2026-99-99~1", "~", "2026-01-01T00:00:00+00:00~99999999999999999999"])
    def test_bears_any_place_in_the_address(self, as_member: Client, session: ChatSession, before: str) -> None:
        assert as_member.get(URL, {"before": before}).status_code == 200
        assert get(as_member, f"{URL}older/?before={before}").status_code == 200

    @pytest.mark.parametrize("query", ["refund", "draft a reply", "CUSTOMER", "support writer"])
    def test_finds_by_title_message_answer_and_agent(self, as_member: Client, run: Run, query: str) -> None:
        ChatSessionFactory(user=run.by, title="Another")
        assert page(as_member.get(URL, {"q": query})).texts(".chats .title") == ["Refund case"]

    def test_says_what_to_do_when_there_is_nothing(self, as_member: Client, member: User) -> None:
        assert page(as_member.get(URL)).one(".empty a")["href"] == "/agentos/agents/"
        assert "archive is empty" in page(as_member.get(f"{URL}?archived=1")).text(".empty")
        assert "“<i>”" in page(as_member.get(URL, {"q": "<i>"})).text(".empty")

    def test_takes_the_same_queries_for_any_number_of_chats(self, as_member: Client, session: ChatSession) -> None:
        few = queries(as_member, URL)
        for more in ChatSessionFactory.create_batch(25, user=session.user):
            RunFactory(session=more)
        assert queries(as_member, URL) == few

    def test_shows_where_it_found_something(self, as_member: Client, run: Run) -> None:
        there = RunFactory(session=run.session, input="?", answer="Sent on <b> MONDAY of all of it")
        found = page(as_member.get(URL, {"q": "case monday"}))
        assert (found.text(".chats .title mark"), found.text(".chats .excerpt mark")) == ("case", "MONDAY")
        assert found.text(".chats .excerpt") == "Sent on <b> MONDAY of all of it"
        aside = page(get(as_member, f"{URL}?q=monday"))
        assert aside.text("#sidebar-results .excerpt mark") == "MONDAY"
        links = [
            str(where.one(row)["href"])
            for where, row in ((found, ".chats .row > a:first-child"), (aside, "#sidebar-results .row > a:first-child"))
        ]
        assert links == [f"/agentos/session/{run.session.session_id}/?run={there.run_id}#turn-2"] * 2

    def test_of_a_search_takes_the_same_queries_for_any_number_of_chats(self, as_member: Client, session: ChatSession) -> None:
        few = queries(as_member, f"{URL}?q=refund")
        for more in ChatSessionFactory.create_batch(25, user=session.user):
            RunFactory(session=more, input="refund")
        assert queries(as_member, f"{URL}?q=refund") == few


class TestSidebarSearch:
    def test_answers_with_what_it_found(self, as_member: Client, run: Run) -> None:
        found = page(get(as_member, f"{URL}?q=refund"))
        assert found.one("#sidebar-results") is next(iter(found.soup.find_all(True)))
        assert found.texts(".title") == ["Refund case"]
        assert not found.has(f"#row-{run.session.session_id}")  # that id is the list's own

    def test_says_that_it_found_nothing(self, as_member: Client, session: ChatSession) -> None:
        assert "No chats match “zzz”" in page(get(as_member, f"{URL}?q=zzz")).text("#sidebar-results")

    def test_for_nothing_leaves_the_list_alone(self, as_member: Client, session: ChatSession) -> None:
        assert page(get(as_member, f"{URL}?q=+")).text("#sidebar-results") == ""


class TestOlder:
    def test_goes_on_where_the_sidebar_ends(self, as_member: Client, member: User, url: str, session: ChatSession) -> None:
        for number in range(40):
            ChatSessionFactory(user=member, title=f"Chat {number}", updated_at=clock.now() - timedelta(hours=number + 1))
        shown = page(as_member.get(url))
        more = shown.one("#sidebar-older .more")
        found = page(get(as_member, str(more["hx-get"]), came_from=url))
        assert shown.texts("#sidebar-list .title") + found.texts(".title") == ["Refund case", *(f"Chat {number}" for number in range(40))]
        assert not found.has(".more")
        assert shown.texts("#sidebar-list .group-name")[-1] not in found.texts(".group-name")[:1]

    def test_knows_the_chat_that_is_open(self, as_member: Client, member: User) -> None:
        for number in range(35):
            last = ChatSessionFactory(user=member, updated_at=clock.now() - timedelta(hours=number + 1))
        url = f"/agentos/session/{last.session_id}/"
        more = page(as_member.get(url)).one(".more")
        assert page(get(as_member, str(more["hx-get"]), came_from=url)).one("[aria-current=page]")["href"] == url

    def test_is_a_page_without_htmx(self, as_member: Client, session: ChatSession) -> None:
        assert as_member.get(f"{URL}older/?before=a~1").headers["Location"] == f"{URL}?before=a~1"


class TestManage:
    def test_is_a_menu_and_a_page(self, as_member: Client, url: str) -> None:
        fragment, whole = page(get(as_member, f"{url}manage/")), page(as_member.get(f"{url}manage/"))
        assert fragment.one("#manage") is next(iter(fragment.soup.find_all(True)))
        assert whole.has("nav")
        assert whole.has("#manage")

    def test_offers_the_way_back(self, as_member: Client, member: User) -> None:
        away = ChatSessionFactory(user=member, is_pinned=True, is_archived=True)
        found = page(get(as_member, f"/agentos/session/{away.session_id}/manage/"))
        assert (found.text("#pin"), found.text("#archive")) == ("Unpin", "Bring back from the archive")


class TestRename:
    def test_shows_the_new_title_where_it_stands(self, as_member: Client, session: ChatSession, url: str) -> None:
        response = post(as_member, f"{url}rename/", {"title": " New \n title "}, came_from=url)
        found = page(response)
        assert found.text("hx-partial[hx-target='#chat-header'] h1") == "New title"
        assert found.text("hx-partial[hx-target='#sidebar-list'] [aria-current=page] .title") == "New title"
        assert response.headers["HX-Trigger"] == "chat-changed"

    def test_leaves_the_header_of_another_chat_alone(self, as_member: Client, session: ChatSession, url: str) -> None:
        assert not page(post(as_member, f"{url}rename/", {"title": "New"}, came_from="/agentos/")).has("#chat-header")

    def test_leads_back_without_htmx(self, as_member: Client, session: ChatSession, url: str) -> None:
        response = as_member.post(f"{url}rename/", {"title": "New"})
        assert (response.status_code, response.headers["Location"]) == (303, url)
        session.refresh_from_db()
        assert session.title == "New"

    @pytest.mark.parametrize("title", ["", "  ", "x" * 201])
    def test_refuses_what_is_no_title(self, as_member: Client, session: ChatSession, url: str, title: str) -> None:
        for response in (post(as_member, f"{url}rename/", {"title": title}), as_member.post(f"{url}rename/", {"title": title})):
            assert response.status_code == 422
            assert page(response).one("#rename-title")["aria-invalid"] == "true"
            assert page(response).has("#rename-error")

    def test_keeps_a_title_that_is_too_long_in_the_field(self, as_member: Client, url: str) -> None:
        assert page(post(as_member, f"{url}rename/", {"title": "x" * 201})).one("#rename-title")["value"] == "x" * 201


class TestPinAndArchive:
    def test_change_the_list(self, as_member: Client, session: ChatSession, url: str) -> None:
        found = page(post(as_member, f"{url}pin/", {"pinned": "1"}, came_from="/agentos/"))
        assert found.texts(".group-name") == ["Pinned"]
        found = page(post(as_member, f"{url}archive/", {"archived": "1"}, came_from="/agentos/"))
        assert not found.has(f"#row-{session.session_id}")
        assert "is in the archive" in found.text("hx-partial[hx-target='#notices']")
        assert found.one("hx-partial[hx-target='#notices'] .notice form")["action"] == f"{url}archive/"
        session.refresh_from_db()
        assert session.is_pinned
        assert session.is_archived

    def test_can_be_undone(self, as_member: Client, session: ChatSession, url: str) -> None:
        for action, field in (("pin", "pinned"), ("archive", "archived")):
            as_member.post(f"{url}{action}/", {field: "1"})
            assert as_member.post(f"{url}{action}/", {field: "0"}).status_code == 303
        session.refresh_from_db()
        assert not session.is_pinned
        assert not session.is_archived

    def test_reload_the_list_of_all_chats(self, as_member: Client, url: str) -> None:
        assert post(as_member, f"{url}pin/", {"pinned": "1"}, came_from=URL).headers["HX-Refresh"] == "true"


class TestDeleted:
    def test_lists_what_may_still_be_brought_back(self, as_member: Client, member: User, run: Run) -> None:
        def deleted(title: str, minutes: int, **more: Any) -> ChatSession:
            chat = ChatSessionFactory(title=title, deleted_at=clock.now() - timedelta(minutes=minutes), **{"user": member, **more})
            RunFactory(session=chat, by=chat.user)
            return chat

        deleted("First", 50)
        deleted("Last", 1)
        deleted("Too long ago", 61)
        deleted("Somebody else's", 1, user=UserFactory())
        erased = deleted("Nothing is left of it", 1)
        Run.objects.filter(session=erased).update(is_hidden=True)
        found = page(as_member.get(f"{URL}deleted/"))
        assert found.texts(".chats .title") == ["Last", "First"]
        post(as_member, str(found.all(".chats form")[0]["action"]))
        assert page(as_member.get(f"{URL}deleted/")).texts(".chats .title") == ["First"]

    def test_says_when_there_is_nothing(self, as_member: Client) -> None:
        assert "Nothing to bring back" in page(as_member.get(f"{URL}deleted/")).text(".empty")

    def test_brings_back_on_its_page(self, as_member: Client, member: User) -> None:
        chat = ChatSessionFactory(user=member, deleted_at=clock.now())
        response = post(as_member, f"/agentos/session/{chat.session_id}/restore/", came_from=f"{URL}deleted/")
        assert response.headers["HX-Refresh"] == "true"


class TestDelete:
    def test_takes_the_chat_away_and_offers_it_back(self, as_member: Client, session: ChatSession, url: str) -> None:
        found = page(post(as_member, f"{url}delete/", came_from="/agentos/"))
        assert not found.has(f"#row-{session.session_id}")
        undo = found.one("hx-partial[hx-target='#notices'] .notice[data-seconds='8'] form")
        assert undo["action"] == f"{url}restore/"
        assert as_member.get(url).status_code == 404

    def test_of_the_open_chat_leads_away_from_it(self, as_member: Client, session: ChatSession, url: str) -> None:
        assert post(as_member, f"{url}delete/", came_from=url).headers["HX-Redirect"] == "/agentos/"
        assert page(as_member.get("/agentos/")).one(".notice form")["action"] == f"{url}restore/"
        assert not page(as_member.get("/agentos/")).has("#notices .notice")

    def test_works_without_htmx(self, as_member: Client, session: ChatSession, url: str) -> None:
        response = as_member.post(f"{url}delete/", follow=True)
        assert response.redirect_chain == [(URL, 303)]
        assert page(response).one(".notice form")["action"] == f"{url}restore/"

    def test_never_trusts_a_title(self, as_member: Client, session: ChatSession, url: str) -> None:
        ChatSession.objects.update(title="<b>x</b>")
        found = page(post(as_member, f"{url}delete/", came_from="/agentos/"))
        assert found.text(".notice p") == "“<b>x</b>” was deleted."


class TestRestore:
    def test_brings_the_chat_back(self, as_member: Client, session: ChatSession, url: str) -> None:
        as_member.post(f"{url}delete/")
        found = page(post(as_member, f"{url}restore/", came_from="/agentos/"))
        assert found.has(f"#row-{session.session_id}")
        assert as_member.get(url).status_code == 200

    def test_of_a_chat_that_is_there_or_somebody_elses_is_not_found(self, as_member: Client, as_owner: Client, url: str) -> None:
        assert post(as_member, f"{url}restore/").status_code == 404
        as_member.post(f"{url}delete/")
        assert as_owner.post(f"{url}restore/").status_code == 404

    def test_says_so(self, as_member: Client, session: ChatSession, url: str) -> None:
        as_member.post(f"{url}delete/", follow=True)
        response = as_member.post(f"{url}restore/")
        assert [str(message) for message in get_messages(response.wsgi_request)] == ["“Refund case” is back."]
