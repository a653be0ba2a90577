"""`python -m tests.chaos [--kills 50] [--seed 1] [--people 6]`"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from typing import Any

from tests.bench import people as bench_people
from tests.bench.servers import free_port
from tests.chaos import ledger
from tests.chaos.checker import check, is_settled, over_at
from tests.chaos.history import History
from tests.chaos.ledger import POSTED
from tests.chaos.line import Line
from tests.chaos.nemesis import Nemesis, Server
from tests.chaos.people import Visitor

AGENTS = {"words": "scripted:60x15", "tool": "scripted:tool", "slow": "scripted:20x80", "careful": "scripted:approve"}


def make(count: int) -> list[tuple[Any, str]]:
    """People with a chat each, spread over the agents."""
    from agentos.agents.models import DjangoAgent
    from agentos.chat.models import ChatSession

    people = bench_people.make(count, AGENTS["words"], 1)
    agents = [DjangoAgent.objects.create(agent_id=name, name=name.title(), model=model, is_global=True) for name, model in AGENTS.items()]
    chats = []
    for number, person in enumerate(people):
        chat = ChatSession.objects.get(session_id=person.chats[0])
        chat.agent = agents[number % len(agents)]
        chat.save(update_fields=["agent"])
        chats.append((person, chat.session_id))
    return chats


async def storm(port: int, env: dict[str, str], chats: list[tuple[Any, str]], kills: int, seed: int, history: History) -> None:
    dice = random.Random(seed)
    server, line, over = Server(free_port(), env), Line(port, 0), asyncio.Event()
    line.server_port = server.port
    await server.start()
    await line.start()
    visitors = [Visitor(person, chat, port, random.Random(dice.random()), history) for person, chat in chats]
    tasks = [asyncio.create_task(visitor.live(over)) for visitor in visitors]
    try:
        await Nemesis(server, line, dice, history).rage(kills)
    finally:
        over.set()
        await asyncio.gather(*tasks)
    await settle(visitors)
    server.signal(signal.SIGINT)
    if not await server.gone(10):
        history.fault("did not end by itself after SIGINT")
        server.signal(signal.SIGKILL)


async def settle(visitors: list[Visitor]) -> None:
    """Leave the server alone, answer what still waits, and wait until no run is open, or the promised time is over."""
    over = over_at()
    while time.monotonic() < over and not await asyncio.to_thread(is_settled):
        for visitor in visitors:
            await visitor.answer(("yes",))
        await asyncio.sleep(0.5)


async def whole_answers() -> dict[str, list[str]]:
    """What each agent says when nobody disturbs it."""
    from agentos.agents import runtime
    from agentos.agents.models import DjangoAgent
    from agentos.agents.runtime.approvals import REFUSED
    from agentos.agents.runtime.scripted import NOT_A_PERSON
    from agentos.agents.specs import spec_of
    from tests.agents.fakes import Notes, text_of

    answers = {}
    async for agent in DjangoAgent.objects.all():
        notes = Notes()
        whose = {"run_id": "r", "user_id": "u", "session_id": "s"}
        async for _ in runtime.run(spec_of(agent), follower=notes, **whose, message="x", context={}, history=[]):
            pass
        answers[agent.agent_id] = [text_of(notes)]
    answers["careful"] = [f"{NOT_A_PERSON}The tool said: {said}" for said in (POSTED.format(to="Ada"), REFUSED)]
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=8)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentos-chaos-") as data_dir:
        env = bench_people.environment(data_dir, AGENTS["words"])
        env["DJANGO_SETTINGS_MODULE"] = os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
        import django

        django.setup()
        history = History()
        chats = make(chosen.people)
        asyncio.run(storm(free_port(), env, chats, chosen.kills, chosen.seed, history))
        calls = ledger.calls().total()
        found = check(history, asyncio.run(whole_answers()))
    acked = sum(message.acked for message in history.sent.values())
    print(f"Seed {chosen.seed}: {len(history.sent)} messages, {acked} acknowledged; {len(history.seen)} answers watched.")
    print(f"{calls} calls of tools; {len(history.answers)} questions answered.")
    print(f"Faults: {history.faults}. Errors that people met: {history.errors}.")
    print("Found: " + ", ".join(f"{name} {count}" for name, count in found.items()))
    misbehaved = [fault for fault in history.faults if fault.startswith("did not")]
    return 1 if any(found.values()) or misbehaved else 0


if __name__ == "__main__":
    sys.exit(main())
