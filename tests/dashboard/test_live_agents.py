"""Open tabs follow agents and rights: lists, composers, notices. A tab that followed equals a freshly loaded one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Membership, Subscription, User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession
from agentos.chat.registry import OpenStream, Registry, registry
from agentos.core import notices
from agentos.core.pubsub import pubsub
from agentos.dashboard.live import Tab, open_tab
from agentos.dashboard.notices import RESTART
from tests.conftest import signed_in
from tests.dashboard.open_page import OpenPage, opened
from tests.factories import AgentFactory, ChatSessionFactory, MembershipFactory, RunFactory, SubscriptionFactory


async def change(work: Callable[[], Any]) -> None:
    """An operator does something; then the registry looks, as it does every few seconds."""
    await sync_to_async(work)()
    await registry.look()


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "rights", -1)


@pytest.fixture
def catalogue(transactional_db: None) -> None:
    AgentFactory(agent_id="writer", name="Writer", is_global=True, tools=["clock"])
    AgentFactory(agent_id="counter", name="Counter", is_global=True, tools=["clock", "calculator"])


def make(**fields: Any) -> Callable[[], Any]:
    return partial(AgentFactory, is_global=True, **fields)


def save(agent_id: str, **fields: Any) -> Callable[[], None]:
    def work() -> None:
        agent = DjangoAgent.objects.get(agent_id=agent_id)
        for name, value in fields.items():
            setattr(agent, name, value)
        agent.save()

    return work


class TestAgentsPage:
    async def test_follows_every_change_as_a_fresh_page_shows_it(
        self, member: User, catalogue: None, team_agent: DjangoAgent, plan_agent: DjangoAgent
    ) -> None:
        page = await opened(member, "/agentos/agents/")
        await registry.look()
        steps = [
            make(agent_id="poet", name="Poet", capabilities=["rhymes"]),
            save("writer", name="Author", description="Writes books."),
            save("counter", is_active=False),
            lambda: Membership.objects.get(user=member).delete(),
            lambda: MembershipFactory(user=member, team=team_agent.team),
            lambda: SubscriptionFactory(customer__user=member, plan=plan_agent.plans.get()),
            lambda: Subscription.objects.get(customer__user=member).delete(),
            lambda: DjangoAgent.objects.get(agent_id="poet").delete(),
        ]
        for step in steps:
            await change(step)
            await page.hear("event: agents")
            await sync_to_async(page.expect_fresh)("agent-list", "facets")
        await page.leave()

    async def test_keeps_to_what_is_searched_for_at_that_moment(self, member: User, catalogue: None) -> None:
        """What was typed after the page came counts, and stays as it is."""
        page = await opened(member, "/agentos/agents/?tool=clock")
        page.one("#agent-search")["value"] = "count"
        await change(make(agent_id="second-counter", name="Second Counter", tools=["clock"]))
        await page.hear("event: agents")
        await change(make(agent_id="other-counter", name="Counter without a clock"))
        await page.hear("event: agents")
        assert [str(card["id"]) for card in page.dom.soup.select(".card")] == ["agent-counter", "agent-second-counter"]
        assert page.one("#agent-search")["value"] == "count"
        page.url = "/agentos/agents/?tool=clock&q=count"
        await sync_to_async(page.expect_fresh)("agent-list", "facets")
        await page.leave()

    async def test_gets_its_first_agent(self, member: User) -> None:
        page = await opened(member, "/agentos/agents/")
        assert page.dom.soup.select("#agent-filters ~ [data-none]")
        await change(make(agent_id="poet", name="Poet"))
        await page.hear("event: agents")
        assert not page.dom.soup.select("#agent-filters ~ [data-none]")
        await sync_to_async(page.expect_fresh)("agent-list", "facets")
        await page.leave()

    async def test_hears_of_a_change_that_came_before_its_stream(self, member: User, catalogue: None) -> None:
        page = await sync_to_async(lambda: OpenPage(signed_in(member), "/agentos/agents/"))()
        await change(make(agent_id="poet", name="Poet"))
        await page.start()
        await registry.look()
        await page.hear("event: agents")
        await page.leave()

    async def test_is_left_alone_when_nothing_of_it_changes(self, member: User, catalogue: None) -> None:
        page = await opened(member, "/agentos/agents/")
        await change(lambda: AgentFactory(agent_id="hidden", is_active=False))
        await change(MembershipFactory)
        assert page.tab.opened.news == set()
        assert page.tab.opened.checked == registry.rights
        await page.leave()


class TestDashboard:
    async def test_follows_as_a_fresh_page_shows_it(self, member: User, catalogue: None) -> None:
        page = await opened(member, "/agentos/")
        await change(save("counter", is_active=False))
        await page.hear("event: agents")
        await sync_to_async(page.expect_fresh)("home")
        assert "Writer" in page.text("#start")
        await change(save("writer", is_active=False))
        await page.hear("event: agents")
        await sync_to_async(page.expect_fresh)("home")
        assert "No agents are available to you yet" in page.text("#home")
        await page.leave()


class TestComposer:
    @pytest.fixture
    def session(self, transactional_db: None, member: User, team_agent: DjangoAgent) -> ChatSession:
        session = ChatSessionFactory(user=member, agent=team_agent)
        RunFactory(session=session)
        return session

    async def test_closes_and_opens_with_the_right_to_the_agent(self, session: ChatSession, member: User) -> None:
        page = await opened(member, f"/agentos/session/{session.session_id}/")
        await change(lambda: Membership.objects.get(user=member).delete())
        await page.hear_the_end()
        assert "closed" not in page.events
        assert "Your agent Support Writer was closed." in page.text("#notices")
        await page.come_back()
        await page.hear("composer closed")
        await sync_to_async(page.expect_fresh)("composer", "turns")
        assert not page.dom.soup.select("#composer textarea, #turns .retry")
        await change(lambda: MembershipFactory(user=member, team=session.agent.team))
        await page.hear("is open to you again")
        await sync_to_async(page.expect_fresh)("composer", "turns")
        assert page.dom.soup.select("#composer textarea")
        assert page.dom.soup.select("#turns .retry")
        await page.leave()

    async def test_closes_again_after_it_was_opened(self, session: ChatSession, member: User) -> None:
        leave, join = lambda: Membership.objects.get(user=member).delete(), lambda: MembershipFactory(user=member, team=session.agent.team)
        await sync_to_async(leave)()
        page = await opened(member, f"/agentos/session/{session.session_id}/")
        await change(join)
        await page.hear("is open to you again")
        await change(leave)
        await page.hear_the_end()
        assert "closed" not in page.events

    async def test_of_a_new_chat_closes_too(self, session: ChatSession, member: User) -> None:
        page = await opened(member, "/agentos/chat/support-writer/")
        await change(save("support-writer", is_active=False))
        await page.hear_the_end()
        await page.come_back()
        await page.hear("composer closed")
        assert not page.dom.soup.select("#composer textarea")
        await page.leave()

    async def test_of_an_agent_that_is_deleted_closes(self, catalogue: None, member: User) -> None:
        page = await opened(member, "/agentos/chat/writer/")
        await change(lambda: DjangoAgent.objects.get(agent_id="writer").delete())
        await page.hear_the_end()
        await page.come_back()
        await page.hear("composer closed")
        await page.leave()

    async def test_stays_as_it_is_while_the_right_holds(self, session: ChatSession, member: User) -> None:
        """Whoever is typing there must not be disturbed."""
        page = await opened(member, f"/agentos/session/{session.session_id}/")
        await change(make(agent_id="poet"))
        assert page.tab.opened.news == set()
        assert not page.tab.opened.closed
        await page.leave()

    async def test_says_nothing_of_an_agent_that_was_never_open(self, other_team_agent: DjangoAgent, stranger: User) -> None:
        page = await opened(stranger, "/agentos/")
        page.live_url = "/agentos/live/?agent=researcher&composer=open"
        tab = await sync_to_async(page.connect)()
        frames = tab.frames()
        said = b"".join([await anext(frames) for _ in range(3)])
        assert b"Researcher" not in said
        await frames.aclose()  # type: ignore[attr-defined]
        await page.leave()

    async def test_of_a_suspended_user_is_not_all_that_goes(self, session: ChatSession, member: User) -> None:
        page = await opened(member, f"/agentos/session/{session.session_id}/")
        await change(lambda: User.objects.filter(pk=member.pk).update(is_active=False))
        await page.hear_the_end()
        assert page.events[-1] == "closed"


class TestAddress:
    @pytest.mark.parametrize("query", ["list=unknown", "list=agents&rights=x&digest=%00", "agent=%00&composer=open", "composer=closed"])
    def test_that_is_not_one_of_ours_does_no_harm(self, member: User, query: str) -> None:
        client = signed_in(member)
        request = RequestFactory().get(f"/agentos/live/?{query}")
        request.session = SessionStore(client.session.session_key)
        tab = open_tab(request)
        assert isinstance(tab, Tab)
        registry.close(tab.opened)


class TestNotices:
    async def test_reach_the_open_tabs_of_their_user_once_they_are_true(self, member: User, owner: User) -> None:
        mine, theirs = await opened(member, "/agentos/"), await opened(owner, "/agentos/")

        def roll_back() -> None:
            with transaction.atomic():
                notices.send(member.pk, "Never.")
                transaction.set_rollback(True)

        await sync_to_async(roll_back)()
        await sync_to_async(notices.send)(member.pk, "80 % of <this month> are used.")
        await mine.hear("80 %")
        assert mine.text("#notices p") == "80 % of <this month> are used."
        assert mine.one("#notices")["role"] == "status"
        assert mine.one("#notices [data-dismiss]")
        await sync_to_async(notices.send)(owner.pk, "Yours.")
        await theirs.hear("Yours.")
        assert theirs.text("#notices p") == "Yours."
        await mine.leave()
        await theirs.leave()

    async def test_announce_a_restart(self, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        page = await opened(member, "/agentos/")
        monkeypatch.setattr(registry, "stopping", True)
        pubsub.publish("stop")
        await page.hear_the_end()
        assert page.text("#notices p") == RESTART
        assert page.events[-1] == "restart"


class TestCost:
    async def test_is_one_question_a_stream_and_change(self, member: User) -> None:
        watched = Registry()
        asked: list[str] = []

        def ask() -> str:
            asked.append("")
            return ""

        for _ in range(3):
            watched.open(member, "key", None).ask = ask
        for version, questions in ((1, 3), (1, 3), (2, 6), (2, 6)):
            watched.rights = version
            await watched._ask()
            assert len(asked) == questions

    def test_of_a_look_without_a_change_does_not_grow(self, member: User) -> None:
        watched = Registry()
        opened = [OpenStream(member.pk, member.password, "key", None, ask=str) for _ in range(50)]
        watched._lost(opened)
        with CaptureQueriesContext(connection) as captured:
            watched._lost(opened)
        assert len(captured) == 3
