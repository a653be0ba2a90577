"""A team as the engine drives it: Stop stops all members, and what two of them ask for waits over a restart."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from agno.tools import tool as agno_tool
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents.actions import create_agent
from agentos.agents.models import DjangoAgent
from agentos.agents.runtime import Answer, tools
from agentos.chat import actions
from agentos.chat.models import Run
from agentos.chat.runs import waiting
from agentos.chat.runs.engine import Engine
from agentos.core import db
from agentos.core.pubsub import pubsub
from tests.factories import AgentFactory


def crew(model: str, *, kind: str = "team", mode: str = "coordinate") -> DjangoAgent:
    members = [AgentFactory(agent_id=name, name=name.title(), model=model) for name in ("ann", "ben")]
    return create_agent(
        agent_id="crew", name="Crew", model="scripted:lead", kind=kind, mode=mode, is_global=True, members=[(each, "") for each in members],
        by=None,
    )  # fmt: skip


def send(model: str, member: User, **how: Any) -> Run:
    return actions.send_message(by=member, agent=crew(model, **how), text="Write to Ada")


async def ended(run: Run) -> Run:
    found = await waiting.ended(run, 20)
    assert found, "it took too long"
    return found


def calls_in(parts: Iterable[dict[str, Any]], by: str = "") -> list[tuple[str, str, str]]:
    """Who called with which end, and how that was decided."""
    found = []
    for part in parts:
        if part["kind"] == "delegation":
            found += calls_in(part["parts"], part["by"])
        elif part["kind"] == "tool":
            found.append((by, part["status"], part.get("decision", "")))
    return found


@pytest.mark.parametrize("mode", ["coordinate", "broadcast"])
async def test_stop_stops_all_members(engine: Engine, member: User, mode: str) -> None:
    run = await db.write(send, "scripted:hang@1", member, mode=mode)
    with pubsub.subscribe(f"draft:{run.session_id}") as listener:
        while {by async for by in run.events.filter(kind="text").values_list("data__by", flat=True)} != {"ann", "ben"}:
            await listener.wait(1)
    assert await db.write(actions.stop_run, run=run, by=member)
    stopped = await ended(run)
    assert stopped.status == Run.Status.STOPPED
    assert [(part["by"], part["status"]) for part in stopped.parts] == [("ann", "failed"), ("ben", "failed")]
    while engine.run_tasks:
        await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "agno" in repr(task.get_coro())]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("yes", [("ann", "ben"), ("ann",), ("ben",), ()])
async def test_what_two_members_ask_for_is_answered_in_any_order_after_a_restart(
    transactional_db: None, member: User, monkeypatch: pytest.MonkeyPatch, yes: tuple[str, ...], turned: bool
) -> None:
    posted: list[str] = []

    def post_letter(to: str, text: str) -> str:
        """Post a letter."""
        posted.append(to)
        return "Posted."

    monkeypatch.setitem(tools.FACTORIES, "letterbox", lambda: agno_tool(requires_confirmation=True)(post_letter))
    first = Engine()
    await first.start()
    run = await ended(await db.write(send, "scripted:approve", member))
    assert (run.status, [each["by"] for each in run.requirements]) == (Run.Status.WAITING, ["ann", "ben"])
    await first.stop(0)
    second = Engine()
    await second.start()
    answers = [Answer(each["call_id"], confirmed=each["by"] in yes) for each in run.requirements]
    await sync_to_async(actions.answer_run)(run=run, answers=answers[::-1] if turned else answers, by=member)
    run = await ended(run)
    await second.stop(0)
    assert run.status == Run.Status.COMPLETED
    decided = [(by, "finished", "approved") if by in yes else (by, "failed", "refused") for by in ("ann", "ben")]
    assert calls_in(run.parts) == decided
    assert posted == ["Ada"] * len(yes)
    assert run.answer.startswith("This is a scripted model. The team said: ")


async def test_steps_that_wait_go_on_after_a_restart(transactional_db: None, member: User) -> None:
    first = Engine()
    await first.start()
    run = await ended(await db.write(send, "scripted:approve", member, kind="steps"))
    for step in ("ann", "ben"):
        assert (run.status, run.requirements[0]["by"]) == (Run.Status.WAITING, step)
        await first.stop(0)
        first = Engine()
        await first.start()
        await sync_to_async(actions.answer_run)(run=run, answers=[Answer(run.requirements[0]["call_id"])], by=member)
        run = await ended(run)
    await first.stop(0)
    assert (run.status, [decision for _, _, decision in calls_in(run.parts)]) == (Run.Status.COMPLETED, ["approved", "approved"])
