"""Sessions as nouns: found, opened, changed, deleted, forked."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, Run
from agentos.core import clock
from tests.api.calls import ROOT, assert_refused, post
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

pytestmark = pytest.mark.django_db

SESSIONS = f"{ROOT}sessions/"
KEYS = {
    *("id", "title", "agent_name", "agent_id", "created_at", "updated_at", "pinned", "archived", "status", "unread"),
    *("forked_from", "forked_at_turn", "fork_count", "approved_tools", "bases", "url"),
}


@pytest.fixture
def session(owner: User, everyone_agent: DjangoAgent) -> ChatSession:
    return ChatSessionFactory(user=owner, agent=everyone_agent, title="Holiday plans")


def url(session: ChatSession) -> str:
    return f"{SESSIONS}{session.session_id}/"


def patch(client: Client, path: str, body: str) -> Any:
    return client.patch(path, body, content_type="application/json")


class TestList:
    def test_walks_through_all_of_them_newest_opened_first(self, as_owner: Client, owner: User, everyone_agent: DjangoAgent) -> None:
        opened = [ChatSessionFactory(user=owner, agent=everyone_agent).session_id for _ in range(7)]
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = as_owner.get(f"{SESSIONS}?limit=3&cursor={cursor}").json()
            assert list(page) == ["sessions", "next"]
            seen += [row["id"] for row in page["sessions"]]
            cursor = page["next"]
            # What happens in between moves nothing.
            ChatSession.objects.filter(session_id=opened[0]).update(updated_at=clock.now())
            ChatSessionFactory(user=owner, agent=everyone_agent)
        assert seen == opened[::-1]

    def test_shows_what_lists_show(self, as_owner: Client, session: ChatSession) -> None:
        RunFactory(session=session, status=Run.Status.RUNNING)
        row = as_owner.get(SESSIONS, {"limit": 10}).json()["sessions"][0]
        assert set(row) == {*KEYS, "excerpts"}
        assert row["excerpts"] == []
        assert (row["status"], row["pinned"], row["archived"], row["url"]) == ("running", False, False, url(session))

    def test_of_a_search_say_where_it_was_found(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, input="Where to?", answer="To Lisbon, of course: Lisbon.")
        (row,) = as_owner.get(SESSIONS, {"search": "lisbon"}).json()["sessions"]
        assert row["excerpts"] == [
            {
                "run_id": run.run_id,
                "turn": 1,
                "of": "answer",
                "text": "To Lisbon, of course: Lisbon.",
                "matches": [{"start": 3, "end": 9}, {"start": 22, "end": 28}],
                "run_url": f"{ROOT}runs/{run.run_id}/",
            }
        ]
        assert as_owner.get(SESSIONS, {"search": "holiday"}).json()["sessions"][0]["excerpts"] == []

    def test_says_what_nobody_has_seen_and_reading_it_here_is_no_look(self, as_owner: Client, session: ChatSession) -> None:
        assert as_owner.get(url(session)).json()["unread"] is False
        ChatSession.objects.filter(pk=session.pk).update(unseen=ChatSession.Unseen.FAILURE)
        assert [as_owner.get(url(session)).json()["unread"] for _ in range(2)] == [True, True]

    def test_finds_by_text_by_agent_and_by_archive(self, as_owner: Client, owner: User, session: ChatSession) -> None:
        other = ChatSessionFactory(user=owner, agent=AgentFactory(agent_id="other", is_global=True), is_archived=True)
        RunFactory(session=other, answer="It is raining in Lisbon.")

        def found(**by: str) -> list[str]:
            return [row["id"] for row in as_owner.get(SESSIONS, by).json()["sessions"]]

        assert found(search="lisbon") == found(agent="other") == found(archived="true") == [other.session_id]
        assert found(search="holiday") == found(archived="false") == [session.session_id]
        assert found(archived="any") == [other.session_id, session.session_id]
        assert found(search="lisbon", archived="false") == []

    @pytest.mark.parametrize("query", ["cursor=x", "cursor=-1", "limit=0", "limit=101", "archived=maybe", f"cursor={'9' * 19}"])
    def test_refuses_what_it_does_not_know(self, as_owner: Client, query: str) -> None:
        assert_refused(as_owner.get(f"{SESSIONS}?{query}"), 422, "invalid_fields", query.partition("=")[0])

    def test_of_a_stranger_is_empty(self, as_stranger: Client, session: ChatSession) -> None:
        assert as_stranger.get(SESSIONS, {"limit": 5}).json() == {"sessions": [], "next": None}

    def test_asks_as_many_queries_for_many(self, as_owner: Client, owner: User, session: ChatSession) -> None:
        counts = []
        for more in (1, 15):
            for fork in ChatSessionFactory.create_batch(more, user=owner, forked_from=session):
                RunFactory(session=fork)
            with CaptureQueriesContext(connection) as queries:
                assert as_owner.get(SESSIONS, {"limit": "50", "search": "Chat"}).json()["sessions"]
            counts.append(len(queries))
        assert counts == [5, 5]  # the session, the user, the names of agents, the page, where it was found


class TestOpen:
    def test_answers_with_the_session_and_its_address(self, as_owner: Client, everyone_agent: DjangoAgent) -> None:
        response = post(as_owner, SESSIONS, {"agent_id": "assistant", "title": "New"})
        assert response.status_code == 201
        body = response.json()
        assert set(body) == KEYS
        assert response.headers["Location"] == body["url"]
        assert as_owner.get(body["url"]).json() == body

    def test_is_done_once_for_a_key(self, as_owner: Client, everyone_agent: DjangoAgent) -> None:
        body, key = {"agent_id": "assistant", "title": "New"}, {"Idempotency-Key": "k1"}
        answers = [post(as_owner, SESSIONS, body, **key).json() for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert ChatSession.objects.count() == AuditRecord.objects.filter(verb="chat.session.created").count() == 1
        assert post(as_owner, f"{ROOT}create-session/", body, **key).json()["session_id"] == answers[0]["id"]

    def test_under_a_key_that_was_used_for_something_else_is_refused(
        self, as_owner: Client, as_stranger: Client, session: ChatSession
    ) -> None:
        key = {"Idempotency-Key": "k1"}
        post(as_owner, SESSIONS, {"agent_id": "assistant", "title": "New"}, **key)
        for path, body in (
            (SESSIONS, {"agent_id": "assistant", "title": "Newer"}),
            (f"{url(session)}fork/", {}),
            (f"{url(session)}runs/", {"message": "Hi"}),
        ):
            assert_refused(post(as_owner, path, body, **key), 422, "key_reused")
        assert post(as_stranger, SESSIONS, {"agent_id": "assistant"}, **key).status_code == 201  # a key is its user's


class TestChange:
    def test_renames_pins_and_archives_at_once(self, as_owner: Client, session: ChatSession) -> None:
        response = patch(as_owner, url(session), '{"title": "Lisbon", "pinned": true, "archived": true}')
        assert response.json() | {"title": "Lisbon", "pinned": True, "archived": True} == response.json()
        assert patch(as_owner, url(session), '{"pinned": false}').json()["title"] == "Lisbon"
        verbs = AuditRecord.objects.filter(verb__startswith="chat.session.").order_by("pk").values_list("verb", flat=True)
        assert [verb.rpartition(".")[2] for verb in verbs] == ["renamed", "pinned", "archived", "unpinned"]

    def test_changes_all_or_nothing(self, as_owner: Client, session: ChatSession) -> None:
        session.refresh_from_db()
        assert_refused(patch(as_owner, url(session), '{"title": " ", "pinned": true}'), 422, "invalid_fields", "title")
        assert not ChatSession.objects.get(pk=session.pk).is_pinned

    @pytest.mark.parametrize("body", ["{}", '{"title": null}', '{"pinned": "yes"}', '{"archived": 1}', '{"colour": "red"}', "[]"])
    def test_refuses_what_says_nothing(self, as_owner: Client, session: ChatSession, body: str) -> None:
        assert_refused(patch(as_owner, url(session), body), 422, "invalid_fields")

    def test_is_not_for_strangers(self, as_stranger: Client, session: ChatSession) -> None:
        assert_refused(patch(as_stranger, url(session), '{"pinned": true}'), 404, "session_not_found")


class TestDelete:
    def test_takes_it_away_with_its_runs(self, as_owner: Client, session: ChatSession) -> None:
        run = RunFactory(session=session, status=Run.Status.RUNNING)
        response = as_owner.delete(url(session))
        assert (response.status_code, response.content) == (204, b"")
        run.refresh_from_db()
        assert run.status == Run.Status.STOPPED
        for path in (url(session), f"{ROOT}runs/{run.run_id}/"):
            assert as_owner.get(path).status_code == 404
        assert as_owner.get(SESSIONS, {"limit": 5}).json()["sessions"] == []


class TestRestore:
    def test_brings_it_back(self, as_owner: Client, as_stranger: Client, session: ChatSession) -> None:
        before = as_owner.get(url(session)).json()
        as_owner.delete(url(session))
        assert_refused(as_stranger.post(f"{url(session)}restore/"), 404, "session_not_found")
        assert [as_owner.post(f"{url(session)}restore/").json() for _ in range(2)] == [before, before]
        assert AuditRecord.objects.filter(verb="chat.session.restored").count() == 1


class TestFork:
    def test_copies_up_to_a_turn_or_all(self, as_owner: Client, session: ChatSession) -> None:
        RunFactory.create_batch(3, session=session)
        short = post(as_owner, f"{url(session)}fork/", {"through_turn": 2})
        assert short.status_code == 201
        assert (short.json()["forked_from"], short.json()["forked_at_turn"]) == (session.session_id, 2)
        assert len(as_owner.get(f"{short.json()['url']}runs/").json()["runs"]) == 2
        assert len(as_owner.get(f"{post(as_owner, f'{url(session)}fork/', {}).json()['url']}runs/").json()["runs"]) == 3
        assert as_owner.get(url(session)).json()["fork_count"] == 2

    def test_is_done_once_for_a_key(self, as_owner: Client, session: ChatSession) -> None:
        ids = {post(as_owner, f"{url(session)}fork/", {}, **{"Idempotency-Key": "k"}).json()["id"] for _ in range(2)}
        assert len(ids) == 1
        assert ChatSession.objects.count() == 2

    def test_needs_turns_that_have_ended(self, as_owner: Client, session: ChatSession) -> None:
        RunFactory(session=session, status=Run.Status.RUNNING)
        assert_refused(post(as_owner, f"{url(session)}fork/", {}), 409, "wrong_state")
