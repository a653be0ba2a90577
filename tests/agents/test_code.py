"""Agents in code: found in modules, brought into the catalogue, run as any other; and modules that are broken."""

import re
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from agno.agent import Agent
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client

from agentos.access.users import User
from agentos.agents import availability, cache, code_agents, code_modules
from agentos.agents.events import Failed, Finished, TextDelta, ToolFinished, ToolStarted, Waiting
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer, building, code
from agentos.agents.specs import AgentSpec
from agentos.audit.models import AuditRecord
from tests.agents import acme_agents
from tests.agents.fakes import Exchange, FakeServer, go_on, play, text_of
from tests.factories import AgentFactory
from tests.server import ROOT

MODULE = "tests.agents.acme_agents"


@pytest.fixture(autouse=True)
def named(settings: Any) -> Iterator[None]:
    settings.AGENTOS_CODE_AGENTS = [MODULE]
    yield
    code_modules.loading.cache_clear()


def of(agent_id: str, **more: Any) -> AgentSpec:
    return AgentSpec(agent_id, agent_id.title(), "code:x", kind="code", source=MODULE, **more)


def module_of(name: str, monkeypatch: pytest.MonkeyPatch, **what: Any) -> str:
    module = ModuleType(name)
    vars(module).update(what)
    monkeypatch.setitem(sys.modules, name, module)
    return name


class TestReading:
    def test_describes_every_object(self) -> None:
        (module,) = code_modules.load()
        found = {agent.agent_id: agent for agent in module.agents}
        assert list(found) == [
            *("echo", "poster", "counter-of-things", "reaching", "crew", "greeter", "slow_greeter", "broken_maker", "useless_maker")
        ]
        echo, counter, greeter = found["echo"], found["counter-of-things"], found["greeter"]
        assert (echo.name, echo.description, echo.model, echo.instructions) == ("Echo", "Says it again.", "code:echo", "Say it.\nAgain.")
        assert (counter.name, counter.tools) == ("Counter of things", ("multiply",))
        assert (greeter.name, greeter.description, greeter.model) == ("Greeter", "Greets by team.", "code:function")

    def test_says_what_is_left_out_and_why(self) -> None:
        (module,) = code_modules.load()
        assert module.notes == (
            f"Entry 10 of {MODULE} is left out: str is no Agent, no Team, and no function that makes one.",
            f"Entry 11 of {MODULE} is left out: the id echo is there already.",
            f"Entry 12 of {MODULE} is left out: it has neither id nor name.",
        )

    def test_says_what_is_not_as_its_author_may_think(self) -> None:
        notes = [note for agent in code_modules.load()[0].agents for note in agent.notes]
        assert "counter-of-things has db=, which is not used: chats are kept here." in notes
        assert "reaching has tools that reach this machine: PythonTools. Who may use the agent may use them." in notes
        assert "crew, member counter-of-things, has db=, which is not used: chats are kept here." in notes

    def test_takes_what_has_a_name_where_there_is_no_list(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        agent = Agent(id="one", name="One")
        settings.AGENTOS_CODE_AGENTS = [module_of("acme_nolist", monkeypatch, agent=agent, again=agent, other=1)]
        assert [found.agent_id for found in code_modules.load()[0].agents] == ["one"]

    @pytest.mark.parametrize(
        ("what", "said"),
        [
            ({"AGENTS": "echo"}, "TypeError: AGENTS must be a list."),
            ({}, "has no agents"),
            ({"AGENTS": [Agent(id="No Good")]}, "the id 'No Good' has other characters"),
        ],
    )
    def test_says_what_is_wrong_with_a_module(self, monkeypatch: pytest.MonkeyPatch, settings: Any, what: Any, said: str) -> None:
        settings.AGENTOS_CODE_AGENTS = [module_of("acme_wrong", monkeypatch, **what)]
        (module,) = code_modules.load()
        assert said in module.trouble + " ".join(module.notes)
        assert not module.agents

    @pytest.mark.parametrize("body", ["1 / 0", "import sys; sys.exit(3)", "raise KeyboardInterrupt", "import no_such_module"])
    def test_goes_on_without_a_module_that_raises(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, body: str) -> None:
        (tmp_path / "acme_raises.py").write_text(body, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        settings.AGENTOS_CODE_AGENTS = ["acme_raises", MODULE]
        broken, good = code_modules.load()
        assert broken.trouble.startswith("The agents of acme_raises are not there: ")
        assert good.agents

    def test_gives_a_module_up_that_hangs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        monkeypatch.setattr(code_modules, "LOAD_SECONDS", 0.3)
        released = threading.Event()
        monkeypatch.setattr(acme_agents, "RELEASED", released, raising=False)
        (tmp_path / "acme_hangs.py").write_text("from tests.agents.acme_agents import RELEASED; RELEASED.wait(30)", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        settings.AGENTOS_CODE_AGENTS = ["acme_hangs"]
        (module,) = code_modules.load()
        assert module.trouble == "The agents of acme_hangs are not there: it did not load within 0.3 s."
        released.set()
        code_modules.loading("acme_hangs").thread.join(20)
        assert code_modules.loading("acme_hangs").now() != module


class TestRuns:
    async def test_tells_the_text_of_a_model_that_is_not_ours(self) -> None:
        events = await play(of("echo"), "Good day")
        assert text_of(events) == "Good day"
        assert isinstance(events[-1], Finished)

    async def test_calls_its_tools(self) -> None:
        events = await play(of("counter-of-things"))
        assert [event.result for event in events if isinstance(event, ToolFinished)] == ["425"]

    async def test_asks_before_a_tool_that_wants_it_and_goes_on_on_another_copy(self) -> None:
        acme_agents.CALLS.clear()
        end = (await play(of("poster")))[-1]
        assert isinstance(end, Waiting)
        assert acme_agents.CALLS == []
        after = await go_on(of("poster"), end.output, Answer(end.requirements[0]["call_id"]))
        assert isinstance(after[-1], Finished)
        assert acme_agents.CALLS == ["Ada"]

    async def test_runs_a_team_whose_member_asks(self) -> None:
        acme_agents.CALLS.clear()
        before = await play(of("crew"))
        end = before[-1]
        assert isinstance(end, Waiting)
        (asked,) = end.requirements
        assert (asked["by"], asked["name"]) == ("poster", "post_letter")
        after = await go_on(of("crew"), end.output, Answer(asked["call_id"]))
        assert isinstance(after[-1], Finished)
        assert acme_agents.CALLS == ["Ada"]
        assert {event.by for event in [*before, *after] if isinstance(event, ToolStarted)} == {"poster", "counter-of-things"}

    async def test_forces_what_holds_here_on_a_copy(self) -> None:
        made = await building.built(of("counter-of-things"), [], ["Hi"], run_id="r", user_id="1", session_id="s")
        assert made is not acme_agents.counter
        assert (made.db, made.telemetry, made.resolve_in_context, made.store_events, made.retries) == (None, False, False, False, 0)
        assert made.tool_call_limit == 20
        assert made.id == "counter-of-things"
        assert acme_agents.counter.retries == 3
        crew = await building.built(of("crew"), [], ["Hi"], run_id="r", user_id="1", session_id="s")
        assert [(member.db, member.retries) for member in building.members_of(crew)] == [(None, 0), (None, 0)]

    async def test_makes_an_agent_for_its_user(self) -> None:
        made = await building.built(of("greeter", teams=("Support",)), [], ["Hi"], run_id="r", user_id="7", session_id="s")
        assert made.additional_context == "7 of ('Support',)"
        events = await play(of("slow_greeter", teams=("One", "Two")))
        assert len([event for event in events if isinstance(event, TextDelta)]) == 3

    @pytest.mark.parametrize(
        ("agent_id", "said"),
        [
            ("broken_maker", "broken_maker cannot be made: KeyError: '1'"),
            ("useless_maker", "useless_maker returned str instead of an Agent or a Team."),
            ("nobody", f"{MODULE} has no agent nobody any more."),
        ],
    )
    async def test_is_not_available_when_it_cannot_be_made(self, agent_id: str, said: str) -> None:
        end = (await play(of(agent_id)))[-1]
        assert isinstance(end, Failed)
        assert end.code == "agent_unavailable"
        assert said in end.detail

    async def test_gives_a_function_up_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        released = threading.Event()
        monkeypatch.setattr(code, "LOAD_SECONDS", 0.2)
        monkeypatch.setattr(acme_agents, "AGENTS", [greeter_that_hangs(released)])
        end = (await play(of("hanging")))[-1]
        released.set()
        assert isinstance(end, Failed)
        assert "hanging was not made within 0.2 s." in end.detail

    @pytest.mark.parametrize(
        ("script", "code_"), [("busy", "model_busy"), ("auth", "model_auth"), ("long", "context_too_long"), ("fail@1", "model_error")]
    )
    async def test_knows_what_its_model_suffers_from(self, monkeypatch: pytest.MonkeyPatch, script: str, code_: str) -> None:
        monkeypatch.setattr(acme_agents, "AGENTS", [Agent(id="ill", model=acme_agents.scripted(script))])
        end = (await play(of("ill")))[-1]
        assert isinstance(end, Failed)
        assert end.code == code_


def greeter_that_hangs(released: threading.Event) -> Any:
    def hanging(_ctx: Any) -> None:
        released.wait(30)

    return hanging


@pytest.mark.django_db
class TestRows:
    def test_are_made_and_shared_with_nobody(self, member: User) -> None:
        synced = code_agents.sync(code_modules.load())
        assert synced.made == [agent.agent_id for agent in code_modules.load()[0].agents]
        row = DjangoAgent.objects.get(agent_id="counter-of-things")
        assert (row.kind, row.source, row.tools, row.is_active, row.is_global, row.team) == (
            "code",
            MODULE,
            ["multiply"],
            True,
            False,
            None,
        )
        assert not DjangoAgent.objects.usable_by(member).exists()
        assert AuditRecord.objects.filter(verb="agents.agent.created", object_id="echo").exists()

    def test_keep_what_an_operator_decided(self, member: User) -> None:
        code_agents.sync(code_modules.load())
        DjangoAgent.objects.filter(agent_id="echo").update(is_global=True, name="Old", starters=["Hi"])
        DjangoAgent.objects.filter(agent_id="poster").update(is_active=False)
        assert code_agents.sync(code_modules.load()).changed == ["echo"]
        row = DjangoAgent.objects.get(agent_id="echo")
        assert (row.is_global, row.name, row.starters) == (True, "Echo", ["Hi"])
        assert not DjangoAgent.objects.get(agent_id="poster").is_active
        assert [card.is_available for card in cache.cards_for(member)] == [True]

    def test_go_off_with_their_object_and_on_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        code_agents.sync(code_modules.load())
        monkeypatch.setattr(acme_agents, "AGENTS", [acme_agents.poster])
        code_modules.loading.cache_clear()
        assert "echo" in code_agents.sync(code_modules.load()).gone
        assert not DjangoAgent.objects.get(agent_id="echo").is_active
        monkeypatch.undo()
        code_modules.loading.cache_clear()
        assert "echo" in code_agents.sync(code_modules.load()).changed
        assert DjangoAgent.objects.get(agent_id="echo").is_active

    def test_go_off_with_the_setting(self, settings: Any) -> None:
        code_agents.sync(code_modules.load())
        settings.AGENTOS_CODE_AGENTS = []
        assert len(code_agents.sync(code_modules.load()).gone) == 9

    def test_of_a_broken_module_stay_and_say_why(
        self, operator: User, member: User, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        code_agents.sync(code_modules.load())
        DjangoAgent.objects.filter(agent_id="echo").update(is_global=True)
        monkeypatch.setattr(acme_agents, "AGENTS", "broken")
        code_modules.loading.cache_clear()
        assert code_agents.sync(code_modules.load()).gone == []
        reason = f"The agents of {MODULE} are not there: TypeError: AGENTS must be a list."
        assert availability.availability_of(DjangoAgent.objects.get(agent_id="echo")).reason == reason
        assert [card.unavailable for card in cache.cards_for(operator)] == [f"This agent is not available now. {reason}"]
        assert [card.unavailable for card in cache.cards_for(member)] == [cache.NOT_AVAILABLE]

    def test_never_take_the_id_of_another(self) -> None:
        AgentFactory(agent_id="echo", name="Mine")
        synced = code_agents.sync(code_modules.load())
        assert f"The agent echo of {MODULE} is left out: the catalogue has another one of that id." in synced.notes
        assert DjangoAgent.objects.get(agent_id="echo").kind == "agent"

    def test_are_brought_by_the_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("agentos_agents", "sync")
        said = capsys.readouterr()
        assert "New: crew" in said.out
        assert "Nobody may use a new agent until you share it" in said.out
        assert "is left out: str is no Agent" in said.err

    def test_are_checked_for_a_deployment(self) -> None:
        found = [str(message.msg) for message in run_checks(include_deployment_checks=True) if message.id == "agentos.W007"]
        assert "reaching has tools that reach this machine: PythonTools. Who may use the agent may use them." in found
        assert not [message for message in run_checks() if message.id == "agentos.W007"]

    def test_can_be_shared_but_not_rewritten_in_the_admin(self, client: Client, operator: User) -> None:
        code_agents.sync(code_modules.load())
        row = DjangoAgent.objects.get(agent_id="counter-of-things")
        client.force_login(operator)
        page = client.get(f"/admin/agents/djangoagent/{row.pk}/change/").content.decode()
        assert f"This agent is written in code, in the module {MODULE}, and changed there." in page
        assert not re.search(r'name="(name|instructions|model|tools|description)"', page)
        answer = client.post(
            f"/admin/agents/djangoagent/{row.pk}/change/",
            {"is_active": "on", "is_global": "on", "capabilities": "", "starters": "", "name": "Mine", "instructions": "x", "model": "y"},
        )
        assert answer.status_code == 302, answer.content.decode()[:3000]
        row.refresh_from_db()
        assert (row.name, row.model, row.is_global, row.tools) == ("Counter of things", "code:tool", True, ["multiply"])


class TestDocument:
    async def test_has_an_example_that_works_as_it_is_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        async def behaviour(exchange: Exchange) -> None:
            tools = {each["function"]["name"] for each in exchange.body.get("tools", ())}
            if exchange.messages("tool") or not tools:
                await exchange.say("Done: ", str([message["content"] for message in exchange.messages("tool", "system", "developer")]))
                return
            await exchange.start()
            if "delegate_task_to_member" in tools:
                await exchange.call("delegate_task_to_member", '{"member_id": "shopkeeper", "task": "Order tea."}')
            else:
                await exchange.call("stock", '{"article": "tea"}')
                await exchange.call("order", '{"article": "tea", "count": 3}', "call_1", 1)
            await exchange.done()

        page = (ROOT / "docs" / "bring-your-agent.md").read_text(encoding="utf-8")
        (text,) = re.findall(r"^   ```python\n(.*?)^   ```", page, re.MULTILINE | re.DOTALL)
        folder = tmp_path / "acme_of_the_document"
        folder.mkdir()
        (folder / "agents.py").write_text(textwrap.dedent(text), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        name = "acme_of_the_document.agents"
        settings.AGENTOS_CODE_AGENTS = [name]
        async with FakeServer(behaviour) as server:
            monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
            monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
            (module,) = code_modules.load()
            assert (module.trouble, module.notes) == ("", ())
            assert [agent.agent_id for agent in module.agents] == ["shopkeeper", "front-desk", "concierge"]
            for agent_id in ("shopkeeper", "front-desk"):
                spec = AgentSpec(agent_id, agent_id, "code:x", kind="code", source=name)
                before = await play(spec, "We need tea.")
                waiting = before[-1]
                assert isinstance(waiting, Waiting), waiting
                assert [event.result for event in before if isinstance(event, ToolFinished)] == ["12"]
                after = await go_on(spec, waiting.output, Answer(waiting.requirements[0]["call_id"]))
                assert isinstance(after[-1], Finished), after[-1]
                assert [event.result for event in after if isinstance(event, ToolFinished)] == ["Ordered 3 of tea."]
            concierge = AgentSpec("concierge", "Concierge", "code:x", kind="code", source=name, teams=("Support", "Sales"))
            assert "You work for Support, Sales." in text_of(await play(concierge, "Who are you?"))
