"""Limits and rights, as the openai package meets them: it speaks to the application itself here, so that settings can be changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx2
import openai
import pytest
from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application
from django.test import AsyncClient
from openai import AsyncOpenAI

from agentos.access.actions import create_token, revoke_token
from agentos.access.models import User
from agentos.agents.events import Waiting
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.actions import send_message
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.engine import Engine
from tests.factories import ChatSessionFactory

HELLO: Any = [{"role": "user", "content": "Hello there"}]
BOTH = ("agents:read", "runs:write")


@pytest.fixture
async def caller(transactional_db: None) -> AsyncIterator[Callable[..., Any]]:
    """``await caller(user)``: a client with a token of this user's."""
    opened: list[AsyncOpenAI] = []

    async def of(user: User, *scopes: str) -> AsyncOpenAI:
        _, secret = await sync_to_async(create_token)(by=user, name="A program", scopes=scopes or BOTH)
        application: Any = get_asgi_application()
        transport = httpx2.ASGITransport(application)
        http = httpx2.AsyncClient(transport=transport)
        opened.append(AsyncOpenAI(base_url="http://testserver/v1", api_key=secret, http_client=http, max_retries=0))
        return opened[-1]

    yield of
    for client in opened:
        await client.close()


async def ask(client: AsyncOpenAI, model: str = "assistant", **more: Any) -> Any:
    return await client.chat.completions.create(model=model, messages=HELLO, **more)


class TestLimits:
    async def test_of_sends_are_429_with_the_time_to_wait(
        self, caller: Any, engine: Engine, member: User, everyone_agent: DjangoAgent, settings: Any
    ) -> None:
        settings.AGENTOS_SENDS_A_MINUTE = 1
        client = await caller(member)
        await ask(client)
        for stream in (False, True):
            with pytest.raises(openai.RateLimitError) as caught:
                await ask(client, stream=stream)
            assert int(caught.value.response.headers["Retry-After"]) >= 1
            assert caught.value.type == "rate_limit_error"
            assert "x-should-retry" not in caught.value.response.headers
        assert await Run.objects.acount() == 1

    async def test_of_a_token_are_429_too(self, caller: Any, member: User, settings: Any) -> None:
        settings.AGENTOS_TOKEN_REQUESTS_A_MINUTE = 1
        client = await caller(member)
        await client.models.list()
        with pytest.raises(openai.RateLimitError):
            await client.models.list()

    async def test_of_a_plan_are_402(self, caller: Any, engine: Engine, member: User, everyone_agent: DjangoAgent, settings: Any) -> None:
        settings.AGENTOS_RUNS_A_DAY = 1
        client = await caller(member)
        await ask(client)
        places: list[dict[str, Any]] = [{}, {"metadata": {"session_id": "new"}}]
        for more in places:
            with pytest.raises(openai.APIStatusError) as caught:
                await ask(client, **more)
            assert (caught.value.status_code, caught.value.type) == (402, "insufficient_quota")
            assert caught.value.response.headers["x-should-retry"] == "false"


class TestRights:
    async def test_are_those_of_the_owner(
        self, caller: Any, owner: User, stranger: User, team_agent: DjangoAgent, everyone_agent: DjangoAgent, inactive_agent: DjangoAgent
    ) -> None:
        mine = await (await caller(owner)).models.list()
        theirs = await (await caller(stranger)).models.list()
        assert [model.id for model in mine.data] == ["assistant", "support-writer"]
        assert [model.id for model in theirs.data] == ["assistant"]

    async def test_end_at_once(self, caller: Any, owner: User, engine: Engine, team_agent: DjangoAgent) -> None:
        client = await caller(owner)
        assert (await ask(client, "support-writer")).choices
        await owner.memberships.all().adelete()
        with pytest.raises(openai.NotFoundError):
            await ask(client, "support-writer")
        await User.objects.filter(pk=owner.pk).aupdate(is_active=False)
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()

    async def test_end_with_the_token(self, caller: Any, owner: User) -> None:
        client = await caller(owner)
        await client.models.list()
        await sync_to_async(revoke_token)(by=owner, token=await owner.api_tokens.aget())
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()

    async def test_to_an_agent_that_was_withdrawn_from_a_session_are_409(self, caller: Any, owner: User, team_agent: DjangoAgent) -> None:
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=team_agent)
        client = await caller(owner)
        await owner.memberships.all().adelete()
        with pytest.raises(openai.ConflictError) as caught:
            await ask(client, "support-writer", metadata={"session_id": session.session_id})
        assert caught.value.code == "agent_closed"

    async def test_of_a_cookie_are_none(self, owner: User, everyone_agent: DjangoAgent) -> None:
        browser = AsyncClient()
        await browser.aforce_login(owner)
        body = {"model": "assistant", "messages": HELLO}
        for answer in (
            await browser.get("/v1/models"),
            await browser.get("/v1/models/assistant"),
            await browser.post("/v1/chat/completions", body, content_type="application/json"),
            await browser.get("/v1/models", headers={"Authorization": "Basic b3duZXI6cGFzcw=="}),
        ):
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert await AuditRecord.objects.filter(verb="chat.message.sent").acount() == 0

    async def test_to_list_take_as_many_queries_for_many_agents(
        self, caller: Any, member: User, everyone_agent: DjangoAgent, django_assert_max_num_queries: Any
    ) -> None:
        from agentos.agents.queries import agents_for
        from agentos.api.openai.views import _model
        from tests.factories import AgentFactory

        def listed() -> int:
            return len([_model(agent) for agent in agents_for(member).defer("instructions")])

        await sync_to_async(AgentFactory.create_batch)(20, is_global=True)

        def count() -> None:
            with django_assert_max_num_queries(2):
                assert listed() == 21

        await sync_to_async(count)()


class TestApprovals:
    @pytest.mark.parametrize("stream", [False, True])
    async def test_that_are_asked_for_later_end_the_waiting(
        self, caller: Any, owner: User, everyone_agent: DjangoAgent, stream: bool
    ) -> None:
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=everyone_agent)
        first = await sync_to_async(send_message)(by=owner, session=session, text="One")
        asking = asyncio.create_task(ask(await caller(owner), metadata={"session_id": session.session_id}, stream=stream))
        while await Run.objects.acount() < 2:
            await asyncio.sleep(0.01)
        await sync_to_async(claim_next)(session.pk, timedelta(seconds=30))
        await sync_to_async(end_run)(run_pk=first.pk, event=Waiting(requirements=[]))
        with pytest.raises(openai.ConflictError, match="Your message is saved") as caught:
            await asking
        assert caught.value.code == "waiting_for_approval"
        assert caught.value.response.headers["x-should-retry"] == "false"


class TestUnavailable:
    async def test_agents_are_503(self, caller: Any, member: User) -> None:
        from tests.factories import AgentFactory

        await sync_to_async(AgentFactory)(agent_id="keyless", model="openai:gpt-5.4", is_global=True)
        with pytest.raises(openai.InternalServerError) as caught:
            await ask(await caller(member), "keyless")
        assert (caught.value.status_code, caught.value.code) == (503, "agent_unavailable")
        assert await ChatSession.objects.acount() == 0
