"""Skills as a part of an agent: chosen in its form, in its versions, its file and the API."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Team, User
from agentos.agents import actions, files, queries
from agentos.agents import blueprint as blueprints
from agentos.agents.changes import changes
from agentos.agents.errors import NotReady
from agentos.agents.models import DjangoAgent
from tests.factories import AgentFactory, SkillFactory, TeamFactory
from tests.html import page

pytestmark = pytest.mark.django_db

READY = {"name": "Letter Helper", "description": "", "instructions": "Be brief.", "model": "scripted:5x0"}


@pytest.fixture
def draft(owner: User, support: Team) -> DjangoAgent:
    return actions.start_agent(name="Letter Helper", team=support, blueprint=READY, by=owner)


def edit_url(agent: DjangoAgent) -> str:
    return f"/agentos/workshop/agent/{agent.agent_id}/"


def worked_on(agent: DjangoAgent) -> list[str]:
    found: list[str] = queries.worked_on(agent, queries.draft_of(agent))["skills"]
    return found


class TestForm:
    def test_offers_everybodys_and_the_teams(self, as_owner: Client, draft: DjangoAgent, support: Team) -> None:
        SkillFactory(name="voice", description="How <b>we</b> write.")
        SkillFactory(name="ours", team=support)
        SkillFactory(name="theirs", team=TeamFactory())
        found = page(as_owner.get(edit_url(draft)))
        assert [box["value"] for box in found.all("input[name=skills]")] == ["ours", "voice"]
        assert "How <b>we</b> write." in found.text(".skill-choices")
        assert not found.has(".skill-choices b")

    def test_keeps_what_is_chosen_and_says_what_is_gone(self, as_owner: Client, draft: DjangoAgent) -> None:
        skill = SkillFactory(name="voice")
        stamp = queries.stamp_of(queries.draft_of(draft))
        as_owner.post(edit_url(draft), {**READY, "skills": ["voice"], "stamp": stamp})
        assert worked_on(draft) == ["voice"]
        skill.delete()
        found = page(as_owner.get(edit_url(draft)))
        assert found.one("input[name=skills][checked]")["value"] == "voice"
        assert "Not there any more" in found.text(".skill-choices")
        as_owner.post(edit_url(draft), {**READY, "stamp": queries.stamp_of(queries.draft_of(draft))})
        assert worked_on(draft) == []

    def test_asks_as_much_for_many(self, as_owner: Client, draft: DjangoAgent) -> None:
        as_owner.get(edit_url(draft))  # what is remembered by the process is asked for once
        counts = []
        for _ in range(2):
            SkillFactory.create_batch(5)
            with CaptureQueriesContext(connection) as asked:
                as_owner.get(edit_url(draft))
            counts.append(len(asked))
        assert counts[0] == counts[1]


class TestPublishing:
    def test_needs_skills_that_are_there_for_its_team(self, owner: User, draft: DjangoAgent, support: Team) -> None:
        SkillFactory(name="theirs", team=TeamFactory())
        actions.save_draft(agent=draft, changes={"skills": ["theirs"]}, stamp=None, by=owner)
        with pytest.raises(NotReady) as refused:
            actions.publish_agent(agent=draft, by=owner)
        assert refused.value.missing["skills"].startswith("There are no such skills here: theirs.")
        SkillFactory(name="theirs", team=support)
        actions.publish_agent(agent=draft, by=owner)
        draft.refresh_from_db()
        assert draft.skills == ["theirs"]

    def test_shows_them_in_what_is_new(self) -> None:
        before = blueprints.empty()
        (change,) = changes(before, {**before, "skills": ["voice"]})
        assert (change.label, [(line.kind, line.text) for line in change.lines]) == ("Skills", [("new", "voice")])


class TestFile:
    def test_names_them_and_says_which_are_missing_here(self, owner: User, draft: DjangoAgent, support: Team) -> None:
        SkillFactory(name="voice", team=support)
        actions.save_draft(agent=draft, changes={"skills": ["voice", "other"]}, stamp=None, by=owner)
        written = files.written(draft, queries.worked_on(draft, queries.draft_of(draft)))
        assert json.loads(written)["agent"]["skills"] == ["voice", "other"]
        given = files.read(written.encode(), by=owner, team=support.pk)
        assert given.blueprint["skills"] == ["voice", "other"]
        assert [said for said in given.missing if "skills" in said] == [
            "There are no such skills here: other. Take them away, or bring them first."
        ]

    def test_of_before_there_were_skills_can_be_read(self, draft: DjangoAgent) -> None:
        content = json.loads(files.written(draft, queries.worked_on(draft, queries.draft_of(draft))))
        del content["agent"]["skills"]
        assert files.read(json.dumps(content).encode(), by=None).blueprint["skills"] == []


class TestApi:
    def test_changes_them(self, as_owner: Client, draft: DjangoAgent) -> None:
        url = "/api/v1/agentos/workshop/agents/letter-helper/draft/"
        sent = {"blueprint": {"skills": ["voice"]}}
        answer = as_owner.patch(url, json.dumps(sent), content_type="application/json")
        assert answer.status_code == 200, answer.content
        assert answer.json()["blueprint"]["skills"] == ["voice"]
        assert answer.json()["missing"]["skills"].startswith("There are no such skills here: voice.")


class TestComposer:
    def test_lists_what_a_message_may_name(self, as_owner: Client, support: Team) -> None:
        SkillFactory(name="voice", team=support, description="How <b>we</b> write.")
        agent = AgentFactory(model="scripted:5x0", team=support, skills=["voice", "gone"])
        found = page(as_owner.get(f"/agentos/chat/{agent.agent_id}/"))
        (option,) = found.all("#composer-skills [role=option]")
        assert (option["data-name"], found.one("#composer-skills").has_attr("hidden")) == ("voice", True)
        assert "How <b>we</b> write." in option.get_text()

    def test_lists_nothing_where_nothing_is_read(self, as_owner: Client, support: Team) -> None:
        SkillFactory(name="voice", team=support)
        for agent in (AgentFactory(model="local:smollm2", team=support, skills=["voice"]), AgentFactory(team=support)):
            assert not page(as_owner.get(f"/agentos/chat/{agent.agent_id}/")).has("#composer-skills")
