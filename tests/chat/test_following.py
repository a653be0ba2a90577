"""Following a run: what a reader is shown while it is written, here or elsewhere, and how it ends."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents.events import Finished
from agentos.chat import actions
from agentos.chat.errors import WaitingForApproval
from agentos.chat.live.parts import text_of
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.chat.runs.engine import Engine
from agentos.chat.runs.following import Look, follow
from agentos.chat.runs.waiting import ended
from tests.factories import AgentFactory, RunFactory

LEASE = timedelta(seconds=30)
send = sync_to_async(actions.send_message)


async def looks_at(run: Run) -> list[Look]:
    return [Look([dict(part) for part in look.parts], look.end) async for look in follow(run)]


class TestFollow:
    async def test_shows_an_answer_that_grows_and_its_end(self, engine: Engine, member: User) -> None:
        agent = await sync_to_async(AgentFactory)(model="scripted:40x10", is_global=True)
        looks = await looks_at(await send(by=member, agent=agent, text="Hello"))
        texts = [text_of(look.parts) for look in looks]
        assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
        assert len({text for text in texts if text}) > 3
        assert [look.end is not None for look in looks] == [*[False] * (len(looks) - 1), True]
        assert looks[-1].end
        assert looks[-1].end.answer == texts[-1]
        assert len(texts[-1].split()) == 40

    async def test_of_one_that_has_ended_is_one_look(self, engine: Engine, session: ChatSession, member: User) -> None:
        run = await send(by=member, session=session, text="Hello")
        await looks_at(run)
        (look,) = await looks_at(run)
        assert look.end
        assert look.end.status == Run.Status.COMPLETED

    async def test_of_one_that_waits_its_turn_shows_nothing_of_the_others(self, engine: Engine, member: User) -> None:
        agent = await sync_to_async(AgentFactory)(model="scripted:echo", is_global=True)
        first = await send(by=member, agent=agent, text="First " * 50)
        second = await send(by=member, session=first.session, text="Second")
        assert {text_of(look.parts) for look in await looks_at(second)} <= {"", "Second"}

    async def test_reads_the_journal_of_a_run_that_another_process_drives(self, session: ChatSession, member: User) -> None:
        run = await send(by=member, session=session, text="Hello")
        looks = follow(run)
        assert (await anext(looks)).parts == []
        await sync_to_async(claim_next)(session.pk, LEASE)
        await RunEvent.objects.acreate(run=run, seq=1, attempt=1, kind="text", data={"text": "Far away"})
        while not (look := await anext(looks)).parts:
            await asyncio.sleep(0)
        assert text_of(look.parts) == "Far away"
        await sync_to_async(end_run)(run_pk=run.pk, event=Finished())
        *_, last = [look async for look in looks]
        assert last.end
        assert last.end.answer == "Far away"

    async def test_ends_at_a_question_to_a_person(self, engine: Engine, member: User) -> None:
        agent = await sync_to_async(AgentFactory)(model="scripted:approve", is_global=True)
        looks = await looks_at(await send(by=member, agent=agent, text="Hello"))
        assert looks[-1].end
        assert looks[-1].end.status == Run.Status.WAITING

    async def test_ends_where_a_person_has_to_decide_before(self, session: ChatSession, member: User) -> None:
        await sync_to_async(RunFactory)(session=session, turn=1, status=Run.Status.WAITING)
        run = await send(by=member, session=session, text="Hello")
        with pytest.raises(WaitingForApproval, match="Your message is saved"):
            await looks_at(run)
        with pytest.raises(WaitingForApproval, match="Your message is saved"):
            await ended(run, 5)

    async def test_of_an_erased_run_fails(self, session: ChatSession, member: User) -> None:
        run = await send(by=member, session=session, text="Hello")
        looks = follow(run)
        await anext(looks)
        await ChatSession.objects.filter(pk=session.pk).adelete()
        with pytest.raises(Run.DoesNotExist):
            [look async for look in looks]
