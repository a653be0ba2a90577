"""Suggestions for a draft by its model: who may ask, what is read, that it counts, and how a page takes one."""

import json
from typing import Any

import pytest
from django.test import Client

from agentos.access.models import Plan, Team, User
from agentos.agents import actions as workshop
from agentos.agents import queries as catalogue
from agentos.agents import suggestions
from agentos.agents.blueprint import checked
from agentos.agents.errors import NotYourAgent
from agentos.agents.models import DjangoAgent
from agentos.chat import ephemeral, suggesting, trying
from agentos.chat.errors import AgentUnavailable, QuotaReached
from agentos.chat.models import Run
from agentos.chat.runs.engine import Engine
from agentos.chat.runs.waiting import ended
from agentos.core import db
from agentos.core.http.errors import Problem
from tests.html import page

PARTS = ("starters", "instructions")


@pytest.fixture
def agent(owner: User, support: Team) -> DjangoAgent:
    return workshop.start_agent(name="Helper", team=support, blueprint={"model": "scripted:tool"}, by=owner)


def start(agent: DjangoAgent, by: User, part: str = "starters", model: str = "scripted:tool") -> Run:
    blueprint = checked({"name": "Helper", "model": model, "tools": ["clock"], "instructions": "Be kind."})
    return suggesting.start(agent=agent, blueprint=blueprint, part=part, by=by)


class TestAsking:
    def test_is_for_those_who_may_change_it(self, agent: DjangoAgent, owner: User, member: User, stranger: User) -> None:
        for other in (member, stranger):
            with pytest.raises(NotYourAgent):
                start(agent, other)
        run = start(agent, owner)
        assert trying.trials_of(owner, agent) == []
        assert trying.trial_for(owner, run.run_id) is None

    def test_says_why_not(self, agent: DjangoAgent, owner: User, pro: Plan) -> None:
        with pytest.raises(AgentUnavailable):
            start(agent, owner, model="scripted:nothing")
        Plan.objects.filter(pk=pro.pk).update(runs_a_day=0)
        with pytest.raises(QuotaReached):
            start(agent, owner)
        assert not Run.objects.exists()

    @pytest.mark.parametrize("part", PARTS)
    async def test_is_answered_by_the_model_alone(self, engine: Engine, agent: DjangoAgent, owner: User, part: str) -> None:
        run = await db.write(start, agent, owner, part)
        end = await ended(run, 60)
        assert end
        assert json.loads(end.input)["instructions"] == "Be kind."
        assert [each["kind"] for each in end.parts] == ["text"]
        assert suggesting.suggestion_of(end, part).text
        await db.write(ephemeral.discard, run_pk=run.pk, by=owner)
        assert (await Run.objects.aget()).input == ""

    async def test_that_fails_says_so(self, engine: Engine, agent: DjangoAgent, owner: User) -> None:
        run = await db.write(start, agent, owner, "starters", "scripted:auth")
        end = await ended(run, 60)
        for found in (end, None, Run(status=Run.Status.COMPLETED, answer="Sure! Here are some.")):
            with pytest.raises(Problem) as refused:
                suggesting.suggestion_of(found, "starters")
            assert refused.value.status == 502


class TestReading:
    @pytest.mark.parametrize(
        ("part", "said", "text"),
        [
            ("starters", '{"starters": ["One ", "Two\\nlines", "", "Three", "Four", "Five"]}', "One\nTwo lines\nThree\nFour"),
            ("starters", '```json\n{"starters": ["One"]}\n```', "One"),
            ("starters", json.dumps({"starters": ["x" * 201, "Two"]}), "Two"),
            ("starters", '{"starters": "One"}', ""),
            ("starters", '{"starters": ["One"], "more": 1}', ""),
            ("starters", "One\nTwo", ""),
            ("instructions", '{"instructions": " Be brief. "}', "Be brief."),
            ("instructions", json.dumps({"instructions": "x" * 20_001}), ""),
            ("instructions", "{}", ""),
        ],
    )
    def test_takes_what_fits(self, part: str, said: str, text: str) -> None:
        assert suggestions.read(part, said).text == text


class TestPages:
    @staticmethod
    def url(agent: DjangoAgent, part: str) -> str:
        return f"/agentos/workshop/agent/{agent.agent_id}/suggest/{part}/"

    def test_offer_it_where_a_model_can_be_used(self, as_owner: Client, owner: User, agent: DjangoAgent) -> None:
        found = page(as_owner.get(f"/agentos/workshop/agent/{agent.agent_id}/"))
        assert found.has("#ask-starters")
        assert found.has("#ask-instructions")
        workshop.save_draft(agent=agent, changes={"model": ""}, stamp=None, by=owner)
        found = page(as_owner.get(f"/agentos/workshop/agent/{agent.agent_id}/"))
        assert not found.has("#ask-starters")
        assert "Choose a model that can be used now" in found.text("#suggest-starters")

    @pytest.mark.parametrize("part", PARTS)
    def test_show_and_take_one_without_saving(
        self, as_owner: Client, agent: DjangoAgent, part: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def answered(run: Run, *_more: Any) -> Run:
            run.status, run.answer = Run.Status.COMPLETED, json.dumps({part: ["A <b>"] if part == "starters" else "A <b>"})
            return run

        monkeypatch.setattr("agentos.dashboard.views.workshop.suggesting.ended", answered)
        form = {"name": "Typed", "model": "scripted:tool", "instructions": "Mine", "starters": "Mine"}
        found = page(as_owner.post(self.url(agent, part), form))
        assert found.text(f"#suggested-{part}").strip() == "A <b>"
        assert found.one("#draft-name")["value"] == "Typed"
        assert found.text(f"#draft-{part}").strip() == "Mine"
        taken = page(as_owner.post(self.url(agent, part), {**form, "do": "take", f"suggested_{part}": "A\nB"}))
        assert taken.text(f"#draft-{part}").split() == ["A", "B"]
        assert catalogue.worked_on(agent, catalogue.draft_of(agent))[part] in ("", [])

    def test_say_why_not_and_lose_nothing(self, as_owner: Client, agent: DjangoAgent) -> None:
        answer = as_owner.post(self.url(agent, "starters"), {"name": "Typed", "model": "scripted:nothing", "instructions": "Mine"})
        assert answer.status_code == 503
        assert "cannot be used now" in page(answer).text("#notices")
        assert page(answer).text("#draft-instructions").strip() == "Mine"
        assert as_owner.post(self.url(agent, "name")).status_code == 404
