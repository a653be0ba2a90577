"""Agents that are ready to be taken: each is taken, published, and made to call every tool that it has."""

import asyncio
import json
from dataclasses import replace

import pytest
from django.test import Client

from agentos.access.models import Team, User
from agentos.agents import actions, runtime
from agentos.agents.events import Finished, ReasoningDelta, ToolFailed, ToolFinished, Waiting
from agentos.agents.gallery import ready_agents
from agentos.agents.models import DjangoAgent
from agentos.agents.specs import AgentSpec, spec_of
from agentos.core import db as database
from tests.agents.fakes import play
from tests.html import page

URL = "/agentos/workshop/gallery/"
READY = [agent.agent_id for agent in ready_agents(is_operator=True)]
SERIES = {"kind": "bar", "title": "Tea", "labels": ["2025"], "series": [{"values": [3]}]}
WAITS = {"send-mail", "ask"}
CALLS = {  # one of each tool, as a scripted model is told to make it
    "ask": ("get_user_input", {"user_input_fields": [{"field_name": "title", "field_type": "str", "field_description": "Title"}]}),
    "calculator": ("add", {"a": 1, "b": 2}),
    "calendar-file": ("make_calendar_file", {"title": "Lunch", "start": "2026-03-01T12:00"}),
    "chart": ("make_chart", SERIES),
    "clock": ("current_time", {}),
    "fetch-page": ("fetch_page", {"url": "https://rehearsal.example/prices"}),
    "python": ("run_python", {"code": "1 + 2"}),
    "reasoning": ("think", {"title": "First", "thought": "Let me see."}),
    "send-mail": ("send_mail", {"subject": "Hello", "text": "Hello.", "to": ["anna@example.com"]}),
    "text": ("text_statistics", {"text": "One sentence."}),
    "web-search": ("web_search", {"query": "tea"}),
}


def taken(agent_id: str, team: Team, by: User) -> AgentSpec:
    """Take one and publish it with a scripted model, as its users have it."""
    agent = actions.take_ready_agent(agent_id=agent_id, team=team, by=by)
    actions.save_draft(agent=agent, changes={"model": "scripted:calls"}, stamp=None, by=by)
    version = actions.publish_agent(agent=agent, by=by)
    assert version.blueprint["description"]
    assert version.blueprint["starters"]
    return replace(spec_of(version.agent), instructions="", options={"send-mail": {"domains": ["example.com"]}})


@pytest.mark.django_db(transaction=True)
class TestEach:
    def test_is_one_of_ten(self) -> None:
        assert len(READY) == 10

    @pytest.mark.parametrize("agent_id", READY)
    async def test_works_with_its_tools(self, agent_id: str, support: Team, owner: User) -> None:
        spec = await database.write(taken, agent_id, support, owner)
        for slug in spec.tools:
            name, arguments = CALLS[slug]
            events = await play(spec, f"{name} {json.dumps(arguments)}")  # the user gives the addresses
            assert not [event for event in events if isinstance(event, ToolFailed)]
            if slug in WAITS:
                assert isinstance(events[-1], Waiting)
            else:
                assert [event for event in events if isinstance(event, ToolFinished | ReasoningDelta)], slug
                assert isinstance(events[-1], Finished)
        await runtime.close()
        await asyncio.to_thread(database.close)


@pytest.mark.django_db
class TestPage:
    def test_shows_what_each_has_and_what_is_missing(self, as_owner: Client, settings: object) -> None:
        settings.AGENTOS_SCRIPTED_MODELS = False  # type: ignore[attr-defined]
        soup = page(as_owner.get(URL))
        assert len(soup.all("article.card")) == 10
        card = soup.text("article[aria-labelledby=ready-web-researcher]")
        assert "Web search" in card
        assert "Your administrator has to set this up first." in card
        assert "AGENTOS_SEARCH_URL" not in card

    def test_takes_one_for_the_team(self, as_owner: Client, support: Team) -> None:
        answer = as_owner.post(URL, {"agent_id": "tutor"}, follow=True)
        agent = DjangoAgent.objects.get(agent_id="tutor")
        assert answer.request["PATH_INFO"] == f"/agentos/workshop/agent/{agent.agent_id}/"
        assert (agent.team, agent.is_active, agent.version) == (support, False, 0)
        as_owner.post(URL, {"agent_id": "tutor"})
        assert DjangoAgent.objects.filter(team=support).count() == 2  # taken twice: two agents

    def test_says_so_for_one_that_is_not_there(self, as_owner: Client) -> None:
        answer = as_owner.post(URL, {"agent_id": "../demo"})
        assert answer.status_code == 404
        assert "There is no such agent in the gallery." in page(answer).text()
        assert not DjangoAgent.objects.exists()

    def test_is_not_for_who_makes_no_agents(self, as_member: Client) -> None:
        assert as_member.get(URL).status_code == 403
        assert as_member.post(URL, {"agent_id": "tutor"}).status_code == 403
