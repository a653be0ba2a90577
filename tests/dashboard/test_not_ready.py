"""An agent whose model cannot be used: said before somebody writes, to operators with what is missing, and taken back when it can be."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from bs4 import BeautifulSoup
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from tests.conftest import signed_in
from tests.dashboard.open_page import OpenPage
from tests.factories import AgentFactory

URL = "/agentos/chat/keyless/"
MEMBERS = "This agent is not available now. Ask your administrator."
OPERATORS = "This agent is not available now. OPENAI_API_KEY is not set."


@pytest.fixture
def keyless(db: None, monkeypatch: pytest.MonkeyPatch) -> DjangoAgent:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return AgentFactory(agent_id="keyless", name="Keyless", model="openai:gpt-5.4", is_global=True)


def said(client: Client, url: str, selector: str) -> str:
    found = BeautifulSoup(client.get(url).content, "html.parser").select_one(selector)
    assert found is not None, selector
    return " ".join(found.get_text(" ").split())


def test_members_are_told_whom_to_ask(keyless: DjangoAgent, member: User) -> None:
    assert said(signed_in(member), URL, "#composer.closed").startswith(MEMBERS)
    assert said(signed_in(member), "/agentos/agents/", "#agent-keyless .down") == MEMBERS


def test_operators_are_told_what_is_missing(keyless: DjangoAgent, operator: User) -> None:
    assert said(signed_in(operator), URL, "#composer.closed").startswith(OPERATORS)
    assert said(signed_in(operator), "/agentos/agents/", "#agent-keyless .down") == OPERATORS


def test_a_chat_that_goes_on_is_closed_too(keyless: DjangoAgent, member: User) -> None:
    session = actions.create_session(agent=keyless, by=member)
    assert said(signed_in(member), f"/agentos/session/{session.session_id}/", "#composer.closed").startswith(MEMBERS)


def test_what_was_written_before_stays_in_the_box(keyless: DjangoAgent, member: User) -> None:
    answer = signed_in(member).post(URL, {"message": "Hello"})
    assert answer.status_code == 503
    box = BeautifulSoup(answer.content, "html.parser").select_one("#message")
    assert box is not None
    assert box.get_text().strip() == "Hello"


def test_a_program_is_refused_and_no_run_fails(keyless: DjangoAgent, member: User) -> None:
    _, secret = create_token(by=member, name="A program", scopes=["agents:read", "runs:write"])
    body: dict[str, Any] = {"model": "keyless", "messages": [{"role": "user", "content": "Hello"}]}
    answer = Client().post("/v1/chat/completions", body, "application/json", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 503
    assert "not available" in answer.json()["error"]["message"]
    assert not member.runs.exists()


@pytest.mark.parametrize("goes_on", [True, False])
async def test_an_open_page_follows_when_it_is_ready(
    keyless: DjangoAgent, member: User, monkeypatch: pytest.MonkeyPatch, *, goes_on: bool
) -> None:
    """A key is set, and the server started again: the tab comes back."""
    url = URL
    if goes_on:
        session = await sync_to_async(actions.create_session)(agent=keyless, by=member)
        url = f"/agentos/session/{session.session_id}/"
    page = await (await sync_to_async(lambda: OpenPage(signed_in(member), url))()).start()
    assert page.text("#composer").startswith(MEMBERS)
    assert not page.tab.opened.news
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    await page.come_back()
    await page.hear('id="message"')
    assert page.one("#composer")["method"] == "post"
    monkeypatch.delenv("OPENAI_API_KEY")
    await page.come_back()
    await page.hear("not available now")
    assert page.text("#composer").startswith(MEMBERS)
