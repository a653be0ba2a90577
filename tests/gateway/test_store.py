"""Our tables as Agno's server reads them: the caller's chats, in the order and the pages that it asks for."""

import enum
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from agno.db.base import SessionType
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.chat.models import ChatSession, Run
from agentos.gateway import context, database
from agentos.gateway.context import CallContext
from agentos.gateway.store import PAGE_LIMIT, PAGES_LIMIT, Store
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

DAY = timedelta(days=1)
THEN = datetime(2026, 1, 10, tzinfo=UTC)


def store_of(user: User) -> Store:
    """The store in a request of this user's."""
    context.enter(CallContext(user, None))
    made: Any = Store  # which defines its abstract methods when it is imported
    store: Store = made()
    return store


@pytest.fixture
def three(owner: User) -> list[ChatSession]:
    """Opened as A, B, C, and used last as B, C, A."""
    agent = AgentFactory(agent_id="assistant", is_global=True)
    sessions: list[ChatSession] = []
    for name, opened, used in (("A", 0, 9), ("B", 1, 7), ("C", 2, 8)):
        session = ChatSessionFactory(user=owner, title=f"Plan {name}", **({"agent": agent} if name != "C" else {}))
        ChatSession.objects.filter(pk=session.pk).update(created_at=THEN + opened * DAY, updated_at=THEN + used * DAY)
        sessions.append(session)
    ChatSessionFactory(title="Plan of somebody else")
    return sessions


async def names(store: Store, **asked: Any) -> str:
    return "".join(found.session_data["session_name"][-1] for found in await store.get_sessions(**asked))


class Order(enum.Enum):
    ASC = "ASC"


class TestSessions:
    @pytest.mark.parametrize(
        ("sort_by", "order", "expected"),
        [
            (None, None, "CBA"),
            ("created_at", "asc", "ABC"),
            ("created_at", "desc", "CBA"),
            ("updated_at", "asc", "BCA"),
            ("updated_at", "desc", "ACB"),
            ("updated_at", Order.ASC, "BCA"),
            ("user__password", "asc", "ABC"),
        ],
    )
    async def test_come_in_the_order_that_is_asked_for(
        self, three: list[ChatSession], owner: User, sort_by: str | None, order: Any, expected: str
    ) -> None:
        assert await names(store_of(owner), sort_by=sort_by, sort_order=order) == expected

    async def test_come_in_pages_with_their_number(self, three: list[ChatSession], owner: User) -> None:
        store = store_of(owner)
        for page, expected in ((None, "CB"), (0, "CB"), (1, "CB"), (2, "A"), (3, "")):
            assert await names(store, limit=2, page=page) == expected
        rows, total = await store.get_sessions(limit=2, page=2, deserialize=False)
        assert ([row["session_data"]["session_name"] for row in rows], total) == (["Plan A"], 3)
        assert rows[0]["session_type"] == "agent"

    async def test_come_in_pages_of_a_size_that_can_be_read(self, three: list[ChatSession], owner: User) -> None:
        store = store_of(owner)
        assert await names(store, limit=PAGE_LIMIT) == "CBA"
        assert await names(store, limit=1, page=PAGES_LIMIT) == ""
        for limit, page in ((PAGE_LIMIT + 1, 1), (1, PAGES_LIMIT + 1)):
            with pytest.raises(database.Broken):
                await store.get_sessions(limit=limit, page=page)
            refused = context.current().refused
            assert refused is not None
            assert refused.status == 422

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ({"component_id": "assistant"}, "BA"),
            ({"session_name": "plan b"}, "B"),
            ({"start_timestamp": int((THEN + DAY).timestamp())}, "CB"),
            ({"end_timestamp": int((THEN + DAY).timestamp())}, "BA"),
            ({"session_type": SessionType.AGENT}, "CBA"),
            ({"session_type": SessionType.TEAM}, ""),
        ],
    )
    async def test_are_those_that_are_asked_for(self, three: list[ChatSession], owner: User, asked: Any, expected: str) -> None:
        assert await names(store_of(owner), **asked) == expected

    async def test_of_another_user_are_not_there(self, three: list[ChatSession], owner: User, member: User) -> None:
        """Whoever Agno's server says it is about: the caller alone counts."""
        store, session, other = store_of(owner), three[0], str(member.pk)
        assert await names(store, user_id=str(owner.pk)) == "CBA"
        assert await store.get_sessions(user_id=other) == []
        assert await store.get_sessions(user_id=other, deserialize=False) == ([], 0)
        assert await store.get_session(session.session_id, user_id=other) is None
        assert await store.rename_session(session.session_id, None, "Evil", user_id=other) is None
        assert await store.delete_session(session.session_id, user_id=other) is False
        await store.delete_sessions([session.session_id], user_id=other)
        found = await store.get_session(session.session_id)
        found.user_id = other
        assert await store.upsert_session(found) is None
        await session.arefresh_from_db()
        assert (session.title, session.deleted_at) == ("Plan A", None)

    async def test_are_deleted_by_their_owner(self, three: list[ChatSession], owner: User) -> None:
        store = store_of(owner)
        assert await store.delete_session(three[0].session_id) is True
        assert await store.delete_session(three[0].session_id) is False
        await store.delete_sessions([three[1].session_id, "unknown"])
        assert await names(store) == "C"


class TestOneSession:
    @pytest.fixture
    def session(self, owner: User) -> ChatSession:
        session = ChatSessionFactory(user=owner)
        for number in (1, 2, 3):
            RunFactory(session=session, turn=number, input=f"Q{number}")
        RunFactory(session=session, turn=3, input="Taken back", is_hidden=True)
        return session

    async def asked(self, store: Store, session: ChatSession, **how: Any) -> list[str]:
        return [run.input.input_content for run in (await store.get_session(session.session_id, **how)).runs]

    async def test_has_its_turns_in_reading_order_the_newest_at_least(self, session: ChatSession, owner: User) -> None:
        store = store_of(owner)
        assert await self.asked(store, session) == ["Q1", "Q2", "Q3"]
        assert await self.asked(store, session, runs_limit=2) == ["Q2", "Q3"]
        assert await store.get_session(session.session_id, session_type=SessionType.TEAM) is None
        assert (await store.get_session(session.session_id, deserialize=False))["session_type"] == "agent"

    async def test_has_one_turn_where_one_is_asked_for(self, session: ChatSession, owner: User) -> None:
        store = store_of(owner)
        run = await Run.objects.select_related("session__agent").aget(session=session, turn=2)
        assert await self.asked(store, session, only_run=run) == ["Q2"]
        other = await sync_to_async(ChatSessionFactory)(user=owner)
        assert await self.asked(store, other, only_run=run) == []

    async def test_is_read_in_no_longer_a_piece_than_can_be(
        self, session: ChatSession, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agentos.gateway.store.RUNS_LIMIT", 2)
        assert await self.asked(store_of(owner), session) == await self.asked(store_of(owner), session, runs_limit=3) == ["Q2", "Q3"]

    async def test_gives_one_of_its_runs_to_its_owner(self, session: ChatSession, owner: User, member: User) -> None:
        run = await Run.objects.aget(session=session, turn=2)
        store = store_of(owner)
        assert (await store.get_run(run.run_id)).run_id == run.run_id
        assert (await store.get_run(run.run_id, deserialize=False))["run_id"] == run.run_id
        assert await store_of(member).get_run(run.run_id) is None
        assert await store_of(member).get_run(run.run_id, deserialize=False) is None


class TestTheRest:
    async def test_is_not_there(self, owner: User) -> None:
        store: Any = store_of(owner)
        with pytest.raises(NotImplementedError, match="get_user_memories"):
            await store.get_user_memories()
        assert await store.table_exists(store.session_table_name)
        assert not await store.table_exists("other")
