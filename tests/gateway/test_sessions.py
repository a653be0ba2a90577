"""Sessions through Agno's API: who may name one that is not there yet, and what a rename is."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory
from tests.gateway.conftest import bearer, token_for

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def agent(db: None) -> DjangoAgent:
    return await sync_to_async(AgentFactory)(agent_id="assistant", is_global=True, model="scripted:echo")


@pytest.fixture
async def ask(http: httpx.AsyncClient, owner: User) -> Ask:
    headers = bearer(await sync_to_async(token_for)(owner))

    async def ask(method: str, path: str, **sent: Any) -> httpx.Response:
        return await http.request(method, path, headers=headers, **sent)

    return ask


@pytest.fixture
async def session(owner: User, agent: DjangoAgent) -> ChatSession:
    return await sync_to_async(ChatSessionFactory)(user=owner, agent=agent, title="Plans")


class TestARename:
    WAYS = (("PATCH", "/sessions/{}"), ("POST", "/sessions/{}/rename"))

    @pytest.mark.parametrize(("method", "path"), WAYS)
    async def test_is_written_down(self, ask: Ask, session: ChatSession, method: str, path: str) -> None:
        answer = await ask(method, path.format(session.session_id), json={"session_name": "New plans"})
        assert answer.json()["session_name"] == "New plans"
        await session.arefresh_from_db()
        assert (session.title, session.revision) == ("New plans", 1)
        assert (await AuditRecord.objects.aget(verb="chat.session.renamed")).object_id == session.session_id

    @pytest.mark.parametrize(("method", "path"), WAYS)
    async def test_that_changes_nothing_is_none(self, ask: Ask, session: ChatSession, method: str, path: str) -> None:
        """Clients send the name along with everything else: the chat stays where it is in the lists, and nobody is told."""
        answer = await ask(method, path.format(session.session_id), json={"session_name": "Plans"})
        assert answer.json()["session_name"] == "Plans"
        before = session.updated_at
        await session.arefresh_from_db()
        assert (session.revision, session.updated_at) == (0, before)
        assert not await AuditRecord.objects.filter(verb="chat.session.renamed").aexists()

    async def test_of_a_chat_without_a_title_to_what_it_is_shown_as_is_none(self, ask: Ask, owner: User, agent: DjangoAgent) -> None:
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=agent, title="")
        await ask("PATCH", f"/sessions/{session.session_id}", json={"session_name": str(session)})
        await session.arefresh_from_db()
        assert session.title == ""


class TestASessionThatIsNotThere:
    async def test_is_opened_by_a_message_or_by_its_making(self, ask: Ask, agent: DjangoAgent) -> None:
        form = {"message": "Hello", "stream": "false", "background": "true", "session_id": "mine"}
        assert (await ask("POST", "/agents/assistant/runs", data=form)).status_code == 202
        assert (await ask("POST", "/sessions", json={"session_id": "other", "agent_id": "assistant"})).status_code == 201
        assert await ChatSession.objects.acount() == 2

    async def test_is_found_by_nothing_else(self, ask: Ask, agent: DjangoAgent) -> None:
        for method, path, sent in (
            ("GET", "/agents/assistant/runs", {"params": {"session_id": "mine"}}),
            ("GET", "/sessions/mine", {}),
            ("GET", "/sessions/mine/runs", {}),
            ("PATCH", "/sessions/mine", {"json": {"session_name": "New"}}),
            ("POST", "/sessions/mine/rename", {"json": {"session_name": "New"}}),
            ("DELETE", "/sessions/mine", {}),
        ):
            answer = await ask(method, path, **sent)
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "session_not_found"), path
        assert not await ChatSession.objects.aexists()

    async def test_is_what_another_agents_is(self, ask: Ask, session: ChatSession) -> None:
        """The path says which agent, so a session of another one is not there; neither is its run."""
        await sync_to_async(AgentFactory)(agent_id="other", is_global=True)
        run = await sync_to_async(RunFactory)(session=session)
        for path in (f"/agents/other/runs?session_id={session.session_id}", f"/agents/other/runs/{run.run_id}"):
            assert (await ask("GET", path)).status_code == 404, path
        for path in (f"/agents/assistant/runs?session_id={session.session_id}", f"/agents/assistant/runs/{run.run_id}"):
            assert (await ask("GET", path)).status_code == 200, path
