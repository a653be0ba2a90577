"""A live tab while the database is away: it stays open, beats, and is told all that it missed."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.test import Client

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.live.cursor import Cursor
from agentos.chat.models import Run
from agentos.chat.registry import OpenStream
from agentos.chat.runs import following, waiting
from agentos.core import db, repeated
from agentos.core.db import outage
from agentos.core.http import sse
from agentos.dashboard import live
from agentos.dashboard.pacing import Pace
from tests.dashboard.open_page import PATIENCE, OpenPage
from tests.factories import AgentFactory
from tests.live_dom import LiveDom


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(outage, "AGAIN_SECONDS", 0.02)


@pytest.fixture
def agent(transactional_db: None) -> DjangoAgent:
    return AgentFactory(is_global=True, model="scripted:5x0")


def away(*args: object, **kwargs: object) -> NoReturn:
    raise OperationalError("the server has gone")


@pytest.mark.parametrize("broken", ["_state", "_lists"])
async def test_a_tab_outlasts_it(broken: str, member: User, agent: DjangoAgent, as_member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await sync_to_async(actions.create_session)(agent=agent, by=member)
    url = f"/agentos/session/{session.session_id}/"
    page = await (await sync_to_async(OpenPage)(as_member, url)).start()
    with monkeypatch.context() as patch:
        patch.setattr(live.Tab, broken, away)
        await sync_to_async(actions.send_message)(by=member, session=session, text="Is anybody there?")
        while page.events.count("beat") < 3:
            await page._next()
    fresh = await sync_to_async(live_dom)(as_member, url)
    assert [page.dom.shown(part) == fresh.shown(part) for part in ("turns", "sidebar-list")].count(True) <= 1
    async with asyncio.timeout(PATIENCE):
        while any(page.dom.shown(part) != fresh.shown(part) for part in ("turns", "sidebar-list")):
            await page._next()
    await page.leave()


def live_dom(client: Client, url: str) -> LiveDom:
    return LiveDom(client.get(url).content.decode())


class Flaky:
    """Reads that fail a few times."""

    def __init__(self, read: Callable[..., Any]) -> None:
        self.read = read
        self.failures = 3

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise OperationalError("the server has gone")
        return await self.read(*args, **kwargs)


@pytest.fixture
async def ended(member: User, agent: DjangoAgent) -> Run:
    run = await sync_to_async(actions.send_message)(by=member, agent=agent, text="Hello.")
    await sync_to_async(actions.stop_run)(run=run, by=member)
    return run


async def test_who_follows_a_run_does_not_notice(ended: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(db.read)
    monkeypatch.setattr(db, "read", flaky)
    looks = [look async for look in following.follow(ended)]
    assert looks[-1].end
    assert looks[-1].end.pk == ended.pk
    assert flaky.failures == 0


async def test_who_waits_for_a_run_does_not_notice(ended: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.02)
    flaky = Flaky(db.read)
    monkeypatch.setattr(db, "read", flaky)
    found = await waiting.ended(ended, 10)
    assert found
    assert found.pk == ended.pk


def test_it_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    repeated.forget()
    for _ in range(100):
        outage.note(OperationalError("the server\nhas gone"))
    assert [record.message for record in caplog.records] == ["The database is away; open streams wait for it: the server has gone"]


async def test_what_was_read_before_it_is_read_again(member: User, agent: DjangoAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chat was read and is ahead of what was sent, since the lists of the same packet could not be."""
    run = await sync_to_async(actions.send_message)(by=member, agent=agent, text="Is anybody there?")
    tab = live.Tab(member, run.session, OpenStream(member.pk, "", "", agent.pk), Cursor(), "")
    pace = Pace({"session", tab.topic})
    with monkeypatch.context() as patch:
        patch.setattr(live.Tab, "_lists", away)
        assert await tab._outlasting(pace) in {b"", live.BEAT}
    assert b"Is anybody there?" in await tab._outlasting(pace)
