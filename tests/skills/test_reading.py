"""Agents that have skills: what their model is told, and what it reads. Real Agno, with scripted models."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Team
from agentos.agents.events import Event, ToolFailed, ToolFinished
from agentos.agents.runtime import building, facade
from agentos.agents.specs import AgentSpec, spec_of
from agentos.agents.tools.read_skill import PAGE, listed
from agentos.core import db
from agentos.skills import actions
from agentos.skills.models import Skill
from agentos.skills.queries import ChosenSkill
from tests.agents.fakes import play
from tests.factories import AgentFactory, SkillFactory, TeamFactory

pytestmark = pytest.mark.django_db(transaction=True)


def call(**arguments: Any) -> str:
    return f"read_skill {json.dumps(arguments)}"


def spec_with(*names: str, **fields: Any) -> AgentSpec:
    return spec_of(AgentFactory(model="scripted:calls", skills=list(names), **fields))


async def told(spec: AgentSpec) -> str:
    facade.engine()
    runner = await building.built(spec, [], ["Hi"], run_id="r", user_id="1", session_id="s")
    return str(runner.instructions)


def results(events: Sequence[Event]) -> list[str]:
    return [event.result for event in events if isinstance(event, ToolFinished)]


def errors(events: Sequence[Event]) -> list[str]:
    return [event.error for event in events if isinstance(event, ToolFailed)]


class TestInstructions:
    async def test_have_names_and_what_they_are_for_and_no_more(self) -> None:
        await db.write(SkillFactory, name="voice", description="How we write.", first="A secret of the body.")
        said = await told(await db.write(spec_with, "voice", instructions="Be kind."))
        assert said.startswith("Be kind.\n\nYou have skills")
        assert said.endswith("\n- voice: How we write.")
        assert "like /name, call read_skill with its name before anything else" in said
        assert "secret" not in said

    async def test_are_those_of_the_agent_without_skills(self) -> None:
        assert await told(await db.write(spec_with, instructions="Be kind.")) == "Be kind."

    async def test_of_a_model_without_tools_do_not_speak_of_them(self) -> None:
        await db.write(SkillFactory, name="voice")
        spec = await db.write(lambda: spec_of(AgentFactory(model="local:smollm2", skills=["voice"], instructions="")))
        assert building._instructions(spec) == building.LOCAL_INSTRUCTIONS

    def test_of_many_skills_stay_short(self) -> None:
        assert len(listed([ChosenSkill(n, f"skill-{n}", "word " * 200) for n in range(50)])) < 14_000
        assert listed([]) == ""


class TestChoice:
    async def test_is_of_everybodys_and_the_teams_and_the_teams_goes_first(self) -> None:
        def make() -> tuple[AgentSpec, AgentSpec, Skill]:
            team: Team = TeamFactory()
            SkillFactory(name="voice")
            SkillFactory(name="plain")
            SkillFactory(name="theirs", team=TeamFactory())
            ours: Skill = SkillFactory(name="voice", team=team)
            return spec_with("voice", "theirs", "plain", team=team), spec_with("voice", "theirs"), ours

        of_team, of_nobody, ours = await db.write(make)
        assert [skill.name for skill in of_team.skills] == ["voice", "plain"]
        assert of_team.skills[0].pk == ours.pk
        assert [skill.pk for skill in of_nobody.skills] != [ours.pk]
        assert [skill.name for skill in of_nobody.skills] == ["voice"]

    @pytest.mark.django_db
    def test_costs_one_query_however_many_there_are_and_none_without(self) -> None:
        for names in ([], ["a"], [f"skill-x{n}" for n in range(20)]):
            for name in names:
                SkillFactory(name=name)
            agent = AgentFactory(skills=names)
            with CaptureQueriesContext(connection) as asked:
                assert len(spec_of(agent).skills) == len(names)
            assert len(asked) == bool(names)


class TestReading:
    async def test_gives_the_skill_with_its_files_and_then_a_file(self, operator: Any) -> None:
        def make() -> AgentSpec:
            skill = SkillFactory(name="voice", first="Be brief. <script>")
            actions.save_skill(skill=skill, files={"references/words.md": b"Say you.", "logo.png": b"\0"}, by=operator)
            return spec_with("voice")

        spec = await db.write(make)
        events = await play(spec, "\n\n".join([call(name="voice"), call(name="/voice", file="references/words.md")]))
        skill, file = results(events)
        assert skill.startswith(
            "Skill voice, version 2\nIts files: logo.png (no text), references/words.md\nNothing of a skill is run here"
        )
        assert skill.endswith("Be brief. <script>\n")
        assert file == "Skill voice, version 2, references/words.md\n\nSay you."

    async def test_gives_a_long_one_in_pages(self) -> None:
        body = "\n".join(f"line {n}" for n in range(4000))
        await db.write(SkillFactory, name="long", first=body)
        spec = await db.write(spec_with, "long")
        events = await play(spec, "\n\n".join(call(name="long", page=page) for page in (1, 2, 3)))
        first, second, third = results(events)
        assert "Page 1 of 3" in first
        assert len(first) < PAGE + 200
        assert "line 3999" in third
        assert "line 0\n" not in second

    async def test_of_what_is_not_there_says_what_is(self, operator: Any) -> None:
        def make() -> AgentSpec:
            actions.save_skill(skill=SkillFactory(name="voice"), files={"logo.png": b"\0"}, by=operator)
            SkillFactory(name="others")
            return spec_with("voice")

        spec = await db.write(make)
        wrong = [
            call(name="others"),
            call(name="voice", file="../../etc/passwd"),
            call(name="voice", file="logo.png"),
            call(name="voice", page=7),
        ]
        others, path, picture, page = errors(await play(spec, "\n\n".join(wrong)))
        assert "You have no skill 'others'. You have: voice." in others
        assert "has no file '../../etc/passwd'. Its files: logo.png (no text)" in path
        assert "logo.png is no text" in picture
        assert "no page 7" in page

    async def test_of_one_that_was_deleted_meanwhile_fails_alone(self) -> None:
        skill = await db.write(SkillFactory, name="voice")
        spec = await db.write(spec_with, "voice")
        await db.write(skill.delete)
        (error,) = errors(await play(spec, call(name="voice")))
        assert "You have no skill 'voice'" in error

    async def test_is_no_tool_of_an_agent_without_skills(self) -> None:
        spec = await db.write(spec_with)
        assert results(await play(spec, call(name="voice"))) == []

    async def test_is_each_members_own(self) -> None:
        def make() -> AgentSpec:
            for name in ("anns", "leads"):
                SkillFactory(name=name)
            ann = spec_of(AgentFactory(agent_id="ann", model="scripted:calls", skills=["anns"]))
            lead = spec_of(AgentFactory(model="scripted:lead", skills=["leads"]))
            return AgentSpec(lead.agent_id, "Crew", lead.model, kind="team", mode="coordinate", members=(ann,), skills=lead.skills)

        spec = await db.write(make)
        events = await play(spec, "\n\n".join([call(name="anns"), call(name="leads")]))
        assert any("Skill anns, version 1" in result for result in results(events))
        assert any("You have no skill 'leads'. You have: anns." in error for error in errors(events))
