"""Agents as files: out, in, and what is no agent."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from agentos.access.models import Team, User
from agentos.agents import actions, files, queries
from agentos.agents.blueprint import blueprint_of, checked
from agentos.agents.errors import NotYourAgent
from agentos.agents.files import BadFile
from agentos.agents.models import DjangoAgent
from tests.html import page

PARTS = {
    "name": "Letter Helper",
    "model": "scripted:echo",
    "instructions": "Be brief.\n\nBe kind.",
    "tools": ["clock"],
    "starters": ["Hi – há"],
}


def content(**more: Any) -> bytes:
    return json.dumps({"kind": files.KIND, "schema": files.SCHEMA, "agent_id": "letter-helper", "agent": PARTS, **more}).encode()


class TestWriting:
    def test_and_reading_gives_the_same(self, team_agent: DjangoAgent) -> None:
        text = files.written(team_agent, checked(PARTS))
        assert files.read(text.encode(), by=None).blueprint == checked(PARTS)
        assert files.read(text.encode(), by=None).agent_id == "support-writer"
        assert text == files.written(team_agent, checked(PARTS))
        assert "há" in text

    def test_says_nothing_of_people(self, team_agent: DjangoAgent) -> None:
        assert set(json.loads(files.written(team_agent, blueprint_of(team_agent)))) == {"kind", "schema", "agent_id", "agent", "tests"}

    def test_and_importing_keeps_the_tests(self, team_agent: DjangoAgent, support: Team, owner: User) -> None:
        expected = {"message": "Hi", "must_say": ["Ada"], "must_not_say": [], "tools": ["clock"], "criterion": "Is kind."}
        actions.create_case(agent=team_agent, given=expected, kept_answer="Of a chat.", by=owner)
        text = files.written(team_agent, blueprint_of(team_agent))
        assert "Of a chat." not in text
        made, _ = actions.import_agent(data=text.encode(), team=support, by=owner)
        assert list(made.cases.values(*expected)) == [expected]


class TestCopying:
    def test_makes_a_draft_of_what_is_published(self, as_owner: Client, support: Team, team_agent: DjangoAgent, owner: User) -> None:
        actions.save_draft(agent=team_agent, changes={"instructions": "Not published."}, stamp=None, by=owner)
        answer = as_owner.post(f"/agentos/workshop/agent/{team_agent.agent_id}/copy/", follow=True)
        copied = DjangoAgent.objects.get(agent_id="copy-of-support-writer")
        assert answer.request["PATH_INFO"] == "/agentos/workshop/agent/copy-of-support-writer/"
        assert (copied.team, copied.version, copied.is_active) == (support, 0, False)
        made = queries.worked_on(copied, queries.draft_of(copied))
        assert made == {**blueprint_of(team_agent), "name": "Copy of Support Writer"}

    def test_leaves_the_settings_of_tools_to_operators(self, support: Team, team_agent: DjangoAgent, owner: User, operator: User) -> None:
        options = {"sql": {"sources": ["sales"]}}
        DjangoAgent.objects.filter(pk=team_agent.pk).update(tools=["sql"], tool_options=options)
        team_agent.refresh_from_db()
        mine, missing = actions.copy_agent(agent=team_agent, team=support, by=owner)
        assert queries.worked_on(mine, queries.draft_of(mine))["tool_options"] == {}
        assert "Your administrator sets the settings of its model and its tools." in missing
        theirs, _ = actions.copy_agent(agent=team_agent, by=operator)
        assert queries.worked_on(theirs, queries.draft_of(theirs))["tool_options"] == options

    def test_is_for_who_may_change_it(self, team_agent: DjangoAgent, support: Team, member: User) -> None:
        with pytest.raises(NotYourAgent):
            actions.copy_agent(agent=team_agent, team=support, by=member)
        assert DjangoAgent.objects.count() == 1

    def test_keeps_a_long_name_short_enough(self, team_agent: DjangoAgent, operator: User) -> None:
        DjangoAgent.objects.filter(pk=team_agent.pk).update(name="n" * 80)
        team_agent.refresh_from_db()
        assert len(actions.copy_agent(agent=team_agent, by=operator)[0].name) <= 80


class TestReading:
    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "JSON"),
            (b"\xff\xfe", "JSON"),
            (b"{", "JSON"),
            (b"[" * 100_000, "JSON"),
            (b'{"a": NaN}', "JSON"),
            (b"[]", "not the file of an agent"),
            (b'{"kind": "other"}', "not the file of an agent"),
            (content(schema=4), "schema number 4"),
            (content(tests={}), "no list"),
            (content(tests=[{"message": ""}]), "A test in this file cannot be one"),
            (content(tests=[{"answer": "x"}]), "no 'answer'"),
            (content(schema="1"), "schema number 1"),
            (content(schema=None), "schema number None"),
            (content(agent=[]), "nothing of an agent"),
            (content(agent_id=7), "nothing of an agent"),
            (content(agent={**PARTS, "is_global": True}), "is_global"),
            (content(agent={**PARTS, "name": ""}), "no name"),
            (content(agent={**PARTS, "name": "x" * 81}), "Name"),
            (content(agent={**PARTS, "tools": {"clock": 1}}), "Tools"),
            (b" " * (files.MOST_BYTES + 1), "1 MB"),
        ],
    )
    def test_refuses_in_a_sentence_and_makes_nothing(self, data: bytes, said: str, operator: User) -> None:
        with pytest.raises(BadFile) as refused:
            actions.import_agent(data=data, by=operator)
        assert said in refused.value.sentence
        assert not DjangoAgent.objects.exists()


class TestImporting:
    def test_makes_a_draft(self, owner: User, support: Team) -> None:
        agent, given = actions.import_agent(data=content(), team=support, by=owner)
        assert (agent.agent_id, agent.version, agent.is_active, agent.team, given.missing) == ("letter-helper", 0, False, support, [])
        assert queries.worked_on(agent, queries.draft_of(agent)) == checked(PARTS)

    def test_finds_another_id_where_its_own_is_taken_or_none(self, operator: User) -> None:
        ids = [actions.import_agent(data=content(agent_id=agent_id), by=operator)[0].agent_id for agent_id in ("helper", "helper", "")]
        assert ids == ["helper", "letter-helper", "letter-helper-2"]

    def test_lists_what_is_missing(self, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        parts = {**PARTS, "model": "openai:gpt-5.4", "tools": ["clock", "crm"]}
        _, given = actions.import_agent(data=content(agent=parts), by=operator)
        assert len(given.missing) == 2
        assert "crm" in given.missing[0]
        assert "OPENAI_API_KEY" in given.missing[1]

    def test_leaves_settings_of_tools_to_operators(self, owner: User, operator: User, support: Team) -> None:
        data = content(agent={**PARTS, "tool_options": {"clock": {"zone": "UTC"}}})
        agent, given = actions.import_agent(data=data, team=support, by=owner)
        assert queries.worked_on(agent, queries.draft_of(agent))["tool_options"] == {}
        assert given.missing == ["Your administrator sets the settings of its model and its tools."]
        agent, _ = actions.import_agent(data=data, by=operator)
        assert queries.worked_on(agent, queries.draft_of(agent))["tool_options"] == {"clock": {"zone": "UTC"}}

    def test_is_for_who_makes_agents(self, member: User, support: Team) -> None:
        with pytest.raises(NotYourAgent):
            actions.import_agent(data=content(), team=support, by=member)


class TestCommand:
    def call(self, *words: str) -> str:
        out = StringIO()
        call_command("agentos_agents", *words, stdout=out, stderr=StringIO())
        return out.getvalue()

    def test_brings_an_agent_from_here_to_there(self, operator: User, team_agent: DjangoAgent, tmp_path: Path) -> None:
        file = tmp_path / "writer.json"
        self.call("export", "support-writer", str(file))
        assert file.read_text(encoding="utf-8") == self.call("export", "support-writer")
        assert "support-writer-2" in self.call("import", str(file), "--team", "Support")
        made = DjangoAgent.objects.get(version=0)
        assert (made.team, queries.worked_on(made, queries.draft_of(made))) == (team_agent.team, blueprint_of(team_agent))

    def test_lists_what_there_is(self, team_agent: DjangoAgent, support: Team, owner: User) -> None:
        actions.start_agent(name="Begun", team=support, by=owner)
        assert self.call("list").splitlines() == [
            "begun: Begun, not published; for Team Support",
            "support-writer: Support Writer, version 1; for Team Support",
        ]

    def test_exports_a_draft(self, operator: User, team_agent: DjangoAgent) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "New"}, stamp=None, by=operator)
        assert json.loads(self.call("export", "support-writer"))["agent"]["name"] == "Support Writer"
        assert json.loads(self.call("export", "support-writer", "--draft"))["agent"]["name"] == "New"

    @pytest.mark.parametrize(
        "words",
        [
            ("export", "nothing"),
            ("export", "support-writer", "/nowhere/x.json"),
            ("import", "/nowhere/x.json"),
            ("import", "BAD"),
            ("import", "GOOD", "--team", "Nobodys"),
            ("import", "GOOD", "--by", "nobody@example.com"),
            ("import", "GOOD", "--by", "owner@example.com"),
        ],
    )
    def test_says_what_is_wrong(self, words: tuple[str, ...], owner: User, operator: User, team_agent: DjangoAgent, tmp_path: Path) -> None:
        (tmp_path / "bad").write_bytes(b"{}")
        (tmp_path / "good").write_bytes(content())
        paths = {"BAD": str(tmp_path / "bad"), "GOOD": str(tmp_path / "good")}
        with pytest.raises(CommandError) as refused:
            self.call(*(paths.get(word, word) for word in words))
        assert str(refused.value).endswith(".")
        assert DjangoAgent.objects.count() == 1


class TestPages:
    def test_take_it_away(self, as_owner: Client, owner: User, team_agent: DjangoAgent) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "New"}, stamp=None, by=owner)
        answer = as_owner.get("/agentos/workshop/agent/support-writer/export/")
        assert 'filename="support-writer.agent.json"' in answer.headers["Content-Disposition"]
        assert files.read(answer.content, by=None).blueprint["name"] == "Support Writer"
        drafted = as_owner.get("/agentos/workshop/agent/support-writer/export/?draft=1")
        assert files.read(drafted.content, by=None).blueprint["name"] == "New"

    def test_bring_it_and_say_what_is_missing(self, as_owner: Client) -> None:
        data = content(agent={**PARTS, "tools": ["crm"]})
        answer = as_owner.post("/agentos/workshop/import/", {"file": SimpleUploadedFile("x.json", data)}, follow=True)
        assert answer.request["PATH_INFO"] == "/agentos/workshop/agent/letter-helper/"
        assert "crm" in page(answer).text("#notices")

    @pytest.mark.parametrize(("data", "status"), [(b"{}", 422), (b"x" * (files.MOST_BYTES + 20_000), 413), (None, 422)])
    def test_say_why_not(self, as_owner: Client, data: bytes | None, status: int) -> None:
        given = {"file": SimpleUploadedFile("x.json", data)} if data else {}
        answer = as_owner.post("/agentos/workshop/import/", given)
        assert answer.status_code == status
        assert page(answer).texts("#import-file-error")
        assert not DjangoAgent.objects.exists()
