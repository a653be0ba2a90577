"""Titles by the agent's model: asked for once, after the first answer that ends well, and never against a person's own."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents import runtime, titles
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import scripted
from agentos.agents.specs import AgentSpec
from agentos.audit.models import AuditRecord
from agentos.chat import actions, ephemeral
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs import titling, waiting
from agentos.chat.runs.engine import Engine
from agentos.chat.usage_models import Usage
from tests.factories import AgentFactory

TITLE = "A Title by the Script"
TitledBy = ChatSession.TitledBy

send = sync_to_async(actions.send_message)


@pytest.fixture(autouse=True)
def by_the_model(settings: Any) -> None:
    settings.AGENTOS_TITLES = "model"


@pytest.fixture
def titled(db: None) -> DjangoAgent:
    return AgentFactory(model="scripted:title", is_global=True)


async def exchange(text: str = "Hello there", **to: Any) -> Run:
    run = await waiting.ended(await send(text=text, **to), 20)
    assert run
    return run


async def at_rest(engine: Engine, run: Run) -> ChatSession:
    """The chat, when nothing is on its way to it."""
    async with asyncio.timeout(20):
        while any(task.get_coro().__name__ in {"give", "_drive", "take"} for task in engine.tasks):  # type: ignore[union-attr]
            await asyncio.sleep(0.01)
    return await ChatSession.objects.aget(pk=run.session_id)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What the model says when it is asked for a title."""
    return lambda text: monkeypatch.setattr(scripted, "TITLE", text)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs from which a title was asked for."""
    runs: list[Run] = []
    ask = titling._ask

    async def noted(run: Run) -> titling.Said:
        runs.append(run)
        return await ask(run)

    monkeypatch.setattr(titling, "_ask", noted)
    return runs


class TestAfterTheFirstAnswer:
    async def test_the_model_gives_the_title(self, engine: Engine, member: User, titled: DjangoAgent) -> None:
        chat = await at_rest(engine, await exchange(by=member, agent=titled))
        assert (chat.title, chat.titled_by) == (TITLE, TitledBy.MODEL)
        assert chat.searchable == TITLE.lower()

    async def test_it_is_asked_once(self, engine: Engine, member: User, titled: DjangoAgent, asked: list[Run]) -> None:
        first = await exchange(by=member, agent=titled)
        chat = await at_rest(engine, first)
        await at_rest(engine, await exchange("And now?", by=member, session=chat))
        assert asked == [first]

    async def test_that_ends_well(self, engine: Engine, member: User, asked: list[Run]) -> None:
        agent = await sync_to_async(AgentFactory)(model="scripted:fail", is_global=True)
        failed = await exchange(by=member, agent=agent)
        await DjangoAgent.objects.filter(pk=agent.pk).aupdate(model="scripted:title")
        assert (await at_rest(engine, failed)).titled_by == TitledBy.NOBODY
        again = await sync_to_async(actions.retry_run)(run=failed, by=member)
        assert await waiting.ended(again, 20)
        assert (await at_rest(engine, failed)).title == TITLE
        assert asked == [again]

    async def test_it_is_shown_how_the_chat_began_and_nothing_else(
        self, engine: Engine, member: User, titled: DjangoAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Any] = []
        run = runtime.run

        def noted(spec: Any, **how: Any) -> Any:
            seen.append((spec, how))
            return run(spec, **how)

        await DjangoAgent.objects.filter(pk=titled.pk).aupdate(tools=["calculator"], instructions="Be brief.")
        monkeypatch.setattr(runtime, "run", noted)
        chat = await exchange("x" * 5_000, by=member, agent=titled, context={"secret": 1})
        await at_rest(engine, chat)
        (_, (spec, how)) = seen  # the answer, then the title
        assert (spec.instructions, spec.tools, how["context"], how["history"]) == (titles.INSTRUCTIONS, (), {}, ())
        assert how["message"] == f"Message:\n{'x' * titles.SHOWN}\n\nAnswer:\n{chat.answer}\n\nTitle:"

    async def test_nothing_of_it_is_in_the_chat(self, engine: Engine, member: User, titled: DjangoAgent) -> None:
        first = await exchange(by=member, agent=titled)
        chat = await at_rest(engine, first)
        assert [run async for run in chat.runs.all()] == [first]
        second = await exchange("And now?", by=member, session=chat)
        assert "title" not in str(second.messages).lower()

    async def test_its_tokens_are_counted_and_it_is_no_answer(self, engine: Engine, member: User, titled: DjangoAgent) -> None:
        chat = await at_rest(engine, await exchange(by=member, agent=titled))
        run = await Run.objects.aget()
        counted = await Usage.objects.aget(user=member)
        assert counted.answers == 1
        noted = await AuditRecord.objects.aget(verb="chat.session.titled")
        assert (noted.object_id, noted.actor_id) == (chat.session_id, None)
        assert noted.data["tokens"] > 0
        of_all = run.input_tokens + run.output_tokens + noted.data["tokens"]
        assert counted.input_tokens + counted.output_tokens == of_all
        assert "Title" not in str(noted.data)


class TestNobodyIsAsked:
    async def test_where_a_person_gave_a_title(self, engine: Engine, member: User, titled: DjangoAgent, asked: list[Run]) -> None:
        chat = await sync_to_async(actions.create_session)(agent=titled, by=member, title="Mine")
        assert (await at_rest(engine, await exchange(by=member, session=chat))).title == "Mine"
        assert asked == []

    async def test_of_a_fork(self, engine: Engine, member: User, titled: DjangoAgent, asked: list[Run]) -> None:
        original = await sync_to_async(actions.create_session)(agent=titled, by=member)
        fork = await sync_to_async(actions.fork_session)(session=original, through_turn=0, by=member)
        assert (await at_rest(engine, await exchange(by=member, session=fork))).title == "Hello there"
        assert asked == []

    async def test_of_what_leaves_no_trace(self, engine: Engine, member: User, titled: DjangoAgent, asked: list[Run]) -> None:
        run = await sync_to_async(ephemeral.start)(agent=titled, message="Hello", history=[], context={}, by=member)
        assert await waiting.ended(run, 20)
        assert (await at_rest(engine, run)).title == ""
        assert asked == []

    async def test_of_a_chat_that_was_answered_before(self, engine: Engine, member: User, titled: DjangoAgent, asked: list[Run]) -> None:
        """One that is older than titles by models are, for one. It is asked about no more."""
        chat = await at_rest(engine, await exchange(by=member, agent=titled))
        await ChatSession.objects.filter(pk=chat.pk).aupdate(title="Hello there", titled_by=TitledBy.NOBODY)
        asked.clear()
        chat = await at_rest(engine, await exchange("And now?", by=member, session=chat))
        assert (chat.title, chat.titled_by, asked) == ("Hello there", TitledBy.MESSAGE, [])

    @pytest.mark.parametrize("model", ["scripted:20x0", "scripted:tour"])
    async def test_a_model_that_has_none(self, engine: Engine, member: User, asked: list[Run], model: str) -> None:
        agent = await sync_to_async(AgentFactory)(model=model, is_global=True)
        chat = await at_rest(engine, await exchange(by=member, agent=agent))
        assert (chat.title, chat.titled_by, asked) == ("Hello there", TitledBy.NOBODY, [])

    async def test_where_it_is_switched_off(
        self, engine: Engine, member: User, titled: DjangoAgent, asked: list[Run], settings: Any
    ) -> None:
        settings.AGENTOS_TITLES = "first-words"
        assert (await at_rest(engine, await exchange(by=member, agent=titled))).title == "Hello there"
        assert asked == []


class TestWhateverGoesWrong:
    @pytest.mark.parametrize("said", ["", "Sorry, I cannot do that.", "Hello there.", "word " * 60])
    async def test_what_is_no_title_is_none(
        self, engine: Engine, member: User, titled: DjangoAgent, says: Callable[[str], None], asked: list[Run], said: str
    ) -> None:
        says(said)
        chat = await at_rest(engine, await exchange(by=member, agent=titled))
        assert (chat.title, chat.titled_by, len(asked)) == ("Hello there", TitledBy.MESSAGE, 1)

    async def test_who_does_not_stop_talking_is_stopped(
        self, engine: Engine, member: User, titled: DjangoAgent, says: Callable[[str], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        says("word " * 50_000)
        with caplog.at_level(logging.INFO, titling.log.name):
            assert (await at_rest(engine, await exchange(by=member, agent=titled))).title == "Hello there"
        assert "gave it no title: TimeoutError" in caplog.text

    async def test_nobody_waits_for_long(
        self, engine: Engine, member: User, titled: DjangoAgent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def never(run: Run) -> titling.Said:
            await asyncio.Event().wait()
            return titling.Said()

        monkeypatch.setattr(titling, "SECONDS", 0.05)
        monkeypatch.setattr(titling, "_ask", never)
        with caplog.at_level(logging.INFO, titling.log.name):
            assert (await at_rest(engine, await exchange(by=member, agent=titled))).title == "Hello there"
        assert len([line for line in caplog.messages if "title" in line]) == 1

    async def test_a_failure_is_a_line_of_the_log(
        self, engine: Engine, member: User, titled: DjangoAgent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(titling, "spec_of", lambda agent: AgentSpec(agent_id="a", name="A", model="scripted:auth"))
        with caplog.at_level(logging.INFO, titling.log.name):
            chat = await at_rest(engine, await exchange(by=member, agent=titled))
        assert chat.title == "Hello there"
        assert len([line for line in caplog.messages if "title" in line]) == 1
        assert "sk-scripted" not in caplog.text

    async def test_a_server_that_stopped_meanwhile_does_not_ask_again(
        self, engine: Engine, member: User, titled: DjangoAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun = asyncio.Event()

        async def never(run: Run) -> titling.Said:
            begun.set()
            await asyncio.Event().wait()
            return titling.Said()

        monkeypatch.setattr(titling, "_ask", never)
        first = await exchange(by=member, agent=titled)
        await asyncio.wait_for(begun.wait(), 20)
        await engine.stop(0)
        monkeypatch.undo()
        other = Engine()
        await other.start()
        chat = await ChatSession.objects.aget(pk=first.session_id)
        chat = await at_rest(other, await exchange("And now?", by=member, session=chat))
        await other.stop(0)
        assert chat.title == "Hello there"


class TestWhileItIsAsked:
    @pytest.fixture
    async def first(self, engine: Engine, member: User, titled: DjangoAgent, monkeypatch: pytest.MonkeyPatch) -> Run:
        """The run of a chat whose model is being asked."""
        self.answer, self.engine, begun = asyncio.Event(), engine, asyncio.Event()
        ask = titling._ask

        async def when_told(run: Run) -> titling.Said:
            begun.set()
            await self.answer.wait()
            return await ask(run)

        monkeypatch.setattr(titling, "_ask", when_told)
        run = await exchange(by=member, agent=titled)
        await asyncio.wait_for(begun.wait(), 20)
        return run

    async def then(self, run: Run) -> str:
        self.answer.set()
        return (await at_rest(self.engine, run)).title

    async def test_a_title_of_a_person_stays(self, first: Run, member: User) -> None:
        chat = await ChatSession.objects.aget(pk=first.session_id)
        await sync_to_async(actions.rename_session)(session=chat, title="Hello there", by=member)  # the same, but theirs
        assert await self.then(first) == "Hello there"

    async def test_other_first_words_stay(self, first: Run, member: User) -> None:
        edited = await sync_to_async(actions.edit_message)(run=first, text="Something else", by=member)
        assert await waiting.ended(edited, 20)
        assert await self.then(first) == "Something else"

    async def test_a_chat_that_is_gone_stays_as_it_was(self, first: Run, member: User) -> None:
        chat = await ChatSession.objects.aget(pk=first.session_id)
        await sync_to_async(actions.delete_session)(session=chat, by=member)
        assert await self.then(first) == "Hello there"


class TestErasing:
    @pytest.fixture
    def chat(self, member: User, titled: DjangoAgent) -> ChatSession:
        chat = actions.create_session(agent=titled, by=member)
        for text in ("One", "Two"):
            run = actions.send_message(by=member, session=chat, text=text)
            Run.objects.filter(pk=run.pk).update(status=Run.Status.COMPLETED)
        ChatSession.objects.filter(pk=chat.pk).update(title=TITLE, titled_by=TitledBy.MODEL)
        return chat

    @pytest.mark.parametrize(("turn", "title"), [(1, ""), (2, TITLE)])
    def test_a_title_goes_with_the_turn_that_it_is_made_of(self, chat: ChatSession, member: User, turn: int, title: str) -> None:
        actions.erase_run(run=Run.objects.get(session=chat, turn=turn), by=member)
        chat.refresh_from_db()
        assert chat.title == title


class TestListener:
    def test_forgets_what_turns_out_to_be_a_thought(self) -> None:
        listener = titling._Listener(pytest.fail)
        listener.on_text("text", "Let me think")
        listener.on_text("rethought", "</think>")
        listener.on_text("text", "A title")
        assert listener.text == "A title"

    @pytest.mark.parametrize(("kind", "most"), [("text", titling.SAID_MOST), ("reasoning", titling.THOUGHT_MOST)])
    def test_does_not_listen_for_ever(self, kind: str, most: int) -> None:
        stopped: list[bool] = []
        listener = titling._Listener(lambda: stopped.append(True))
        listener.on_text(kind, "x" * most)
        assert stopped == []
        listener.on_text(kind, "x")
        assert stopped == [True]
