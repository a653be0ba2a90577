"""A tab that comes back to its stream, after it was hidden or offline, and one whose right ends by time: both equal a fresh page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from agentos.access.models import Membership, Plan, User
from agentos.agents.models import DjangoAgent
from agentos.chat.actions import WITHDRAWN
from agentos.chat.models import ChatSession
from agentos.chat.registry import registry
from agentos.core import clock
from tests.dashboard.open_page import OpenPage, opened
from tests.factories import ChatSessionFactory, MembershipFactory, RunFactory, SubscriptionFactory

NEWS = {"agents", "opened", "composer", "lost"}


async def change(work: Callable[[], Any]) -> None:
    """An operator does something; then the registry looks, as it does every few seconds."""
    await sync_to_async(work)()
    await registry.look()


async def while_hidden(page: OpenPage, *work: Callable[[], Any]) -> None:
    """The tab lets go of its stream, and comes back when it is shown again."""
    await page.leave()
    for each in work:
        await change(each)
    await page.come_back()
    await registry.look()


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "rights", -1)
    monkeypatch.setattr(registry, "next_end", None)


@pytest.fixture
def session(transactional_db: None, member: User, team_agent: DjangoAgent) -> ChatSession:
    session = ChatSessionFactory(user=member, agent=team_agent)
    RunFactory(session=session)
    return session


@pytest.fixture
def leave(member: User) -> Callable[[], Any]:
    return lambda: Membership.objects.get(user=member).delete()


@pytest.fixture
def join(member: User, team_agent: DjangoAgent) -> Callable[[], Any]:
    return lambda: MembershipFactory(user=member, team=team_agent.team)


@pytest.fixture(params=["session", "new chat"])
def address(request: pytest.FixtureRequest, session: ChatSession) -> str:
    return f"/agentos/session/{session.session_id}/" if request.param == "session" else "/agentos/chat/support-writer/"


class TestComposer:
    async def test_lost_in_sight_and_regained_out_of_sight_is_open(
        self, address: str, member: User, leave: Callable[[], Any], join: Callable[[], Any]
    ) -> None:
        page = await opened(member, address)
        await self.lose(page, leave)
        await while_hidden(page, join)
        await page.hear("textarea")
        await self.expect_fresh(page)
        assert page.dom.soup.select("#composer textarea")
        await page.leave()

    async def test_regained_in_sight_and_lost_out_of_sight_is_closed(
        self, session: ChatSession, member: User, leave: Callable[[], Any], join: Callable[[], Any]
    ) -> None:
        await sync_to_async(leave)()
        page = await opened(member, f"/agentos/session/{session.session_id}/")
        await change(join)
        await page.hear("is open to you again")
        await while_hidden(page, leave)
        await page.hear("composer closed")
        await self.expect_fresh(page)
        await page.leave()

    async def test_regained_says_how_little_is_left(
        self, address: str, member: User, leave: Callable[[], Any], join: Callable[[], Any], settings: Any
    ) -> None:
        settings.AGENTOS_RUNS_A_DAY = 1
        page = await opened(member, address)
        await self.lose(page, leave)
        await while_hidden(page, join)
        await page.hear("0 of 1 ")
        await self.expect_fresh(page)
        await page.leave()

    async def test_lost_and_regained_out_of_sight_is_left_alone(
        self, address: str, member: User, leave: Callable[[], Any], join: Callable[[], Any]
    ) -> None:
        """Whoever was typing there must not be disturbed."""
        page = await opened(member, address)
        await while_hidden(page, leave, join)
        assert not page.tab.opened.news & NEWS
        await page.leave()

    async def test_still_closed_is_left_alone(self, address: str, member: User, leave: Callable[[], Any]) -> None:
        page = await opened(member, address)
        await self.lose(page, leave)
        await while_hidden(page)
        assert not page.tab.opened.news & NEWS
        await page.leave()

    async def lose(self, page: OpenPage, leave: Callable[[], Any]) -> None:
        await change(leave)
        await page.hear_the_end()
        await page.come_back()
        await page.hear("composer closed")

    async def expect_fresh(self, page: OpenPage) -> None:
        elements = ["composer", "turns"]
        if "session" not in page.url:
            elements = ["composer"]
            page.one("#message")["autofocus"] = ""  # a page that comes takes the focus, a stream does not
        await sync_to_async(page.expect_fresh)(*elements)


class TestLists:
    @pytest.mark.parametrize(("url", "elements"), [("/agentos/agents/", ["agent-list", "facets"]), ("/agentos/", ["home"])])
    async def test_that_followed_and_became_again_what_they_were_are_fresh(
        self, url: str, elements: list[str], member: User, session: ChatSession, leave: Callable[[], Any], join: Callable[[], Any]
    ) -> None:
        page = await opened(member, url)
        await registry.look()
        await change(leave)
        await page.hear("event: agents")
        await while_hidden(page, join)
        await page.hear("event: agents")
        await sync_to_async(page.expect_fresh)(*elements)
        await page.leave()

    async def test_that_did_not_change_are_left_alone(self, member: User, session: ChatSession) -> None:
        page = await opened(member, "/agentos/agents/")
        await while_hidden(page, MembershipFactory)
        assert not page.tab.opened.news & NEWS
        await page.leave()


class TestSubscriptionThatEndsByTime:
    @pytest.fixture
    def end(self, transactional_db: None, pro: Plan, stranger: User, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        """Nobody does anything: an hour goes by."""
        subscription = SubscriptionFactory(customer__user=stranger, plan=pro, current_period_end=timezone.now() + timedelta(minutes=30))
        assert subscription.pk
        return lambda: monkeypatch.setattr(clock, "now", lambda: timezone.now() + timedelta(hours=1))

    async def test_closes_the_composer(self, end: Callable[[], None], stranger: User, plan_agent: DjangoAgent) -> None:
        session = await sync_to_async(lambda: ChatSessionFactory(user=stranger, agent=plan_agent))()
        page = await opened(stranger, f"/agentos/session/{session.session_id}/")
        await registry.look()
        await change(end)
        await page.hear_the_end()
        assert "Your agent Analyst was closed." in page.text("#notices")
        await page.come_back()
        await page.hear("composer closed")
        await sync_to_async(page.expect_fresh)("composer")
        assert str(WITHDRAWN) in page.text("#composer")
        await page.leave()

    async def test_locks_its_card(self, end: Callable[[], None], stranger: User, plan_agent: DjangoAgent) -> None:
        page = await opened(stranger, "/agentos/agents/")
        await registry.look()
        assert not page.dom.soup.select(".card.locked")
        await change(end)
        await page.hear("event: agents")
        await sync_to_async(page.expect_fresh)("agent-list", "facets")
        assert "Included in plan Pro" in page.text(".card.locked")
        await page.leave()
