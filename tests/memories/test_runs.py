"""An agent that remembers, driven by the engine: what is noted, shown, asked and taken back."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.runtime import Answer
from agentos.chat import actions as chats
from agentos.chat import ephemeral
from agentos.chat.errors import NothingNoted
from agentos.chat.models import Run
from agentos.chat.runs import waiting
from agentos.chat.runs.engine import Engine
from agentos.memories import actions
from agentos.memories.models import Memory
from agentos.memories.telling import OFF
from tests.conftest import signed_in
from tests.factories import AgentFactory

send = sync_to_async(chats.send_message)
undo = sync_to_async(chats.undo_memory)
answer = sync_to_async(chats.answer_run)
turn_on = sync_to_async(actions.turn_on)
note = sync_to_async(actions.add_memory)
create_agent = sync_to_async(AgentFactory)
REMEMBER = 'remember {"text": "Likes tea."}'


async def ended(run: Run) -> Run:
    found = await waiting.ended(run, 20)
    assert found, "it took too long"
    return found


async def run_of(member: User, text: str, *, tools: tuple[str, ...] = ("memory",), **more: Any) -> Run:
    agent = await create_agent(model="scripted:calls", tools=list(tools), is_global=True, **more)
    return await ended(await send(by=member, agent=agent, text=text))


def calls(run: Run) -> list[dict[str, Any]]:
    return [part for part in run.parts if part["kind"] == "tool"]


async def test_is_told_nothing_and_has_no_tool_until_its_user_wants_that(engine: Engine, member: User) -> None:
    run = await run_of(member, REMEMBER)
    assert (calls(run)[0]["status"], calls(run)[0]["result"]) == ("failed", OFF)
    assert not await Memory.objects.aexists()


async def test_notes_what_is_shown(engine: Engine, member: User) -> None:
    await turn_on(by=member)
    run = await run_of(member, REMEMBER)
    memory = await Memory.objects.select_related("agent").aget()
    assert (memory.text, memory.run_id, memory.session_id) == ("Likes tea.", run.run_id, run.session.session_id)
    assert memory.agent
    shown = {"kind": "memory", "did": "remembered", "number": 1, "text": "Likes tea.", "agent": memory.agent.agent_id}
    assert calls(run)[0]["shown"] == shown
    html = await page(member, run)
    assert "Remembered:" in html
    assert "Undo" in html


async def page(member: User, run: Run) -> str:
    client: Client = await sync_to_async(signed_in)(member)
    got = await sync_to_async(client.get)(reverse("dashboard:session", args=[run.session.session_id]))
    return str(got.content.decode())


async def test_tells_the_model_in_the_next_chat(engine: Engine, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    await turn_on(by=member)
    await note(text="Likes tea.", agent=None, by=member)
    run = await run_of(member, 'forget {"number": 1}')
    assert calls(run)[0]["status"] == "finished"
    assert not await Memory.objects.aexists()
    assert "Forgotten:" in await page(member, run)


async def test_undoes_both(engine: Engine, member: User) -> None:
    await turn_on(by=member)
    first = await run_of(member, REMEMBER)
    second = await ended(await send(by=member, session=first.session, text='forget {"number": 1}'))
    assert not await Memory.objects.aexists()
    await undo(run=second, place=0, by=member)
    assert (await Memory.objects.aget()).number == 1
    for _ in range(2):
        await undo(run=first, place=0, by=member)
    assert not await Memory.objects.aexists()
    html = await page(member, first)
    assert "is forgotten" in html
    assert "is remembered again" in html
    assert "Undo" not in html
    with pytest.raises(NothingNoted):
        await undo(run=first, place=1, by=member)


async def test_a_run_that_leaves_no_trace_neither_reads_nor_writes(engine: Engine, member: User) -> None:
    await turn_on(by=member)
    agent = await create_agent(model="scripted:calls", tools=["memory"], is_global=True)
    run = await sync_to_async(ephemeral.start)(agent=agent, message=REMEMBER, history=[], context={}, by=member)
    assert calls(await ended(run))[0]["status"] == "failed"
    assert not await Memory.objects.aexists()


class TestOutsideText:
    """What pages and tools say makes no memory without a person's yes."""

    async def test_asks_once_a_page_was_read(self, engine: Engine, member: User, settings: Any) -> None:
        await turn_on(by=member)
        search = 'web_search {"query": "tea"}\n\n'
        run = await run_of(member, search + REMEMBER, tools=("memory", "web-search"))
        assert run.status == Run.Status.WAITING
        assert run.requirements[0]["name"] == "remember"
        assert not run.requirements[0].get("lasting")
        assert not await Memory.objects.aexists()
        await answer(run=run, answers=[Answer(run.requirements[0]["call_id"])], by=member)
        assert (await ended(run)).status == Run.Status.COMPLETED
        assert (await Memory.objects.aget()).text == "Likes tea."

    async def test_asks_also_in_later_turns(self, engine: Engine, member: User) -> None:
        await turn_on(by=member)
        run = await run_of(member, 'web_search {"query": "tea"}', tools=("memory", "web-search"))
        later = await ended(await send(by=member, session=run.session, text=REMEMBER))
        assert later.status == Run.Status.WAITING

    async def test_does_not_ask_for_what_the_user_says_twice(self, engine: Engine, member: User) -> None:
        await turn_on(by=member)
        run = await run_of(member, f'{REMEMBER}\n\nremember {{"text": "Likes cups."}}', tools=("memory", "web-search"))
        assert [call["status"] for call in calls(run)] == ["finished", "finished"]
