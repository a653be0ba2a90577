"""`python -m tests.chaos [--kills 50] [--seed 1] [--people 8] [--cluster [--workers 2]]`"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from itertools import product
from typing import Any

from tests import postgres, redis
from tests.bench import people as bench_people
from tests.bench.servers import free_port
from tests.chaos import ledger
from tests.chaos.checker import check, is_settled, over_at
from tests.chaos.cluster import ClusterNemesis, Worker
from tests.chaos.history import History
from tests.chaos.ledger import POSTED
from tests.chaos.line import Line
from tests.chaos.nemesis import Nemesis, Server
from tests.chaos.people import FAULTY, Visitor

AGENTS = {"words": "scripted:60x15", "tool": "scripted:tool", "slow": "scripted:20x80", "careful": "scripted:approve"}
CREW = ("ann", "ben")  # a team: both ask at once
TOLD = "Member results after human-in-the-loop resolution:"  # by Agno to the leader, for each of the two

TABS_SECONDS = 30.0


def make(count: int) -> list[tuple[Any, str]]:
    """People with a chat each, spread over the agents."""
    from agentos.agents.actions import create_agent
    from agentos.agents.models import DjangoAgent
    from agentos.chat.models import ChatSession

    people = bench_people.make(count, AGENTS["words"], 1)
    agents = [DjangoAgent.objects.create(agent_id=name, name=name.title(), model=model, is_global=True) for name, model in AGENTS.items()]
    members = [create_agent(agent_id=name, name=name.title(), model=AGENTS["careful"], by=None) for name in CREW]
    about: dict[str, Any] = {"kind": DjangoAgent.Kind.TEAM, "members": [(each, "") for each in members], "is_global": True}
    agents.append(create_agent(agent_id="crew", name="Crew", model="scripted:lead", by=None, **about))
    chats = []
    for number, person in enumerate(people):
        chat = ChatSession.objects.get(session_id=person.chats[0])
        chat.agent = agents[number % len(agents)]
        chat.save(update_fields=["agent"])
        chats.append((person, chat.session_id))
    return chats


async def storm(
    env: dict[str, str], chats: list[tuple[Any, str]], kills: int, seed: int, history: History, shared: tuple[Any, Any], workers: int
) -> None:
    """``shared``: by the servers of a cluster, and struck too: a PostgreSQL and a cache; None each: one server with SQLite."""
    database, cache = shared
    dice = random.Random(seed)
    servers = [Server(free_port(), env) for _ in range(2 if database else 1)]
    lines = [Line(free_port(), server.port) for server in servers]
    over, closed = asyncio.Event(), asyncio.Event()
    drivers = [Worker(free_port(), env) for _ in range(workers)]
    await asyncio.gather(*(server.start() for server in [*servers, *drivers]))
    for line in lines:
        await line.start()
    ports = [line.port for line in lines]
    visitors = [Visitor(person, chat, ports, random.Random(dice.random()), history) for person, chat in chats]
    tasks = [asyncio.create_task(visitor.live(over)) for visitor in visitors]
    tabs = [asyncio.create_task(visitor.watch(closed)) for visitor in visitors]
    nemesis = Nemesis(servers, lines, dice, history)
    if database:
        nemesis = ClusterNemesis(servers, lines, dice, history, database, cache, drivers)
    try:
        await nemesis.rage(kills)
    finally:
        over.set()
        await asyncio.gather(*tasks)
    await settle(visitors)
    await look_at_tabs(visitors, history)
    closed.set()
    await asyncio.gather(*tabs)
    for server in [*servers, *drivers]:
        server.signal(signal.SIGINT)
        if not await server.gone(10):
            history.fault("did not end by itself after SIGINT")
            server.signal(signal.SIGKILL)


def anew(look: Callable[[], Any]) -> Any:
    """Ask the database over a new connection: the one before may have been cut."""
    from django.db import connections

    connections.close_all()
    return look()


async def settle(visitors: list[Visitor]) -> None:
    """Leave the servers alone, answer what still waits, and wait until no run is open, or the promised time is over."""
    over = over_at()
    while time.monotonic() < over and not await asyncio.to_thread(anew, is_settled):
        for visitor in visitors:
            with contextlib.suppress(*FAULTY):
                await visitor.answer(("yes",))
        await asyncio.sleep(0.5)


async def look_at_tabs(visitors: list[Visitor], history: History) -> None:
    """Count the tabs that do not show what a page shows that is loaded now, some seconds after the last thing happened."""
    over, wrong = time.monotonic() + TABS_SECONDS, visitors
    while wrong and time.monotonic() < over:
        wrong = [visitor for visitor in wrong if not await visitor.sees_what_is_there()]
        await asyncio.sleep(0.5)
    for _ in wrong:
        history.fault("did not show in a tab what a fresh page shows")


async def whole_answers() -> dict[str, list[str]]:
    """What each agent says when nobody disturbs it."""
    from agentos.agents import runtime
    from agentos.agents.models import DjangoAgent
    from agentos.agents.runtime.approvals import REFUSED
    from agentos.agents.runtime.scripted import NOT_A_PERSON
    from agentos.agents.runtime.whose import Whose
    from agentos.agents.specs import spec_of
    from tests.agents.fakes import Notes, text_of

    answers = {}
    async for agent in DjangoAgent.objects.exclude(kind=DjangoAgent.Kind.TEAM):
        notes = Notes()
        whose: Whose = {"run_id": "r", "user_id": "u", "session_id": "s"}
        async for _ in runtime.run(spec_of(agent), follower=notes, **whose, message="x", context={}, history=[]):
            pass
        answers[agent.agent_id] = [text_of(notes)]
    answers["careful"] = [f"{NOT_A_PERSON}The tool said: {said}" for said in (POSTED.format(to="Ada"), REFUSED)]
    lines = [
        {name: f"[{name.title()}]: {said}" for name, said in zip(CREW, pair, strict=True)} for pair in product(answers["careful"], repeat=2)
    ]
    both = [" ".join((TOLD, *(line[name] for name in order))) for line in lines for order in (CREW, CREW[::-1])]
    answers["crew"] = [f"{NOT_A_PERSON}The team said: {said} / {said}" for said in both]
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--cluster", action="store_true", help="two servers on one PostgreSQL and one cache, which are struck too")
    parser.add_argument("--workers", type=int, default=0, help="of a cluster, whose servers then only queue")
    chosen = parser.parse_args()
    place = postgres.own_server() if chosen.cluster else nullcontext(("", None))
    remembered: Any = redis.server() if chosen.cluster else nullcontext()
    with tempfile.TemporaryDirectory(prefix="agentos-chaos-") as data_dir, place as (url, database), remembered as cache:
        env = bench_people.environment(data_dir, AGENTS["words"], url)
        if cache:
            env["CACHE_URL"] = os.environ["CACHE_URL"] = cache.url
        if chosen.workers:
            env["AGENTOS_WORKERS"] = os.environ["AGENTOS_WORKERS"] = "external"
        env["DJANGO_SETTINGS_MODULE"] = os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
        import django

        django.setup()
        history = History()
        chats = make(chosen.people)
        asyncio.run(storm(env, chats, chosen.kills, chosen.seed, history, (database, cache), chosen.workers))
        calls = ledger.calls().total()
        whole = anew(lambda: asyncio.run(whole_answers()))
        found = check(history, whole)
    acked = sum(message.acked for message in history.sent.values())
    print(f"Seed {chosen.seed}: {len(history.sent)} messages, {acked} acknowledged; {len(history.seen)} answers watched.")
    print(f"{calls} calls of tools; {len(history.answers)} questions answered.")
    print(f"Faults: {history.faults}. Errors that people met: {history.errors}.")
    if history.back:
        print(f"Served again after the database was back: in {max(history.back):.1f} s at most, of {len(history.back)} times.")
    print("Found: " + ", ".join(f"{name} {count}" for name, count in found.items()))
    misbehaved = [fault for fault in history.faults if fault.startswith("did not")]
    return 1 if any(found.values()) or misbehaved else 0


if __name__ == "__main__":
    sys.exit(main())
