"""`python -m tests.bench [--database postgres] [--chats 1,50,100,400] [--tokens 200] [--rounds 3] [--idle 1000] [--json FILE]`"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from tests import postgres
from tests.bench import people
from tests.bench.servers import Agno, Ours, cpu_seconds, free_port, memory_mb, running
from tests.bench.wire import Heard, request

PACE = 20  # ms a token
SETTLE = 1.0  # seconds
Figures = dict[str, float]


@dataclass(frozen=True)
class Answer:
    tokens: int

    @property
    def model(self) -> str:
        return f"scripted:{self.tokens}x{PACE}"

    @property
    def ideal(self) -> float:
        """Seconds that it takes at least."""
        return self.tokens * PACE / 1000


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def round_of(server: Ours | Agno, pid: int, chats: int, answer: Answer) -> Figures:
    """Let ``chats`` people ask at the same time and return what it took."""
    heard = [Heard(asked=0.0) for _ in range(chats)]
    for number in range(chats):
        await server.open(number)
    await asyncio.sleep(SETTLE)
    before = cpu_seconds(pid)
    results = await asyncio.gather(*(server.chat(number, one) for number, one in enumerate(heard)), return_exceptions=True)
    cpu = cpu_seconds(pid) - before
    for one, result in zip(heard, results, strict=True):
        if isinstance(result, BaseException):
            one.failed = repr(result)
    failed = [one.failed for one in heard if one.failed]
    if failed:
        print(f"  {server.name}, {chats} chats: {len(failed)} failed, the first: {failed[0]}", file=sys.stderr)
    done = [one for one in heard if not one.failed]
    first = [one.first - one.asked for one in done]
    return {
        "cpu_us_a_token": cpu / (answer.tokens * chats) * 1e6,
        "first_p50_ms": percentile(first, 0.5) * 1000,
        "first_p95_ms": percentile(first, 0.95) * 1000,
        "gap_p99_ms": percentile([gap for one in done for gap in one.gaps], 0.99) * 1000,
        "slowest": max((one.ended - one.asked for one in done), default=float("nan")) / answer.ideal,
        "memory_mb": memory_mb(pid),
        "failed": float(len(failed)),
    }


async def compare(chats: list[int], rounds: int, answer: Answer, env: dict[str, str]) -> dict[int, dict[str, Figures]]:
    made = people.make(max(chats), answer.model, rounds * len(chats) + 1)
    table: dict[int, dict[str, Figures]] = {}
    ports = {Ours.name: free_port(), Agno.name: free_port()}
    (ours, ours_env), (agno, agno_env) = Ours.command(ports[Ours.name]), Agno.command(ports[Agno.name])
    with running(ours, ports[Ours.name], {**env, **ours_env}) as ours_pid, running(agno, ports[Agno.name], {**env, **agno_env}) as agno_pid:
        servers: list[tuple[Ours | Agno, int]] = [(Ours(ports[Ours.name], made), ours_pid), (Agno(ports[Agno.name]), agno_pid)]
        for server, pid in servers:  # the first run of a process pays for its imports
            await round_of(server, pid, 1, answer)
        for count in chats:
            seen: dict[str, list[Figures]] = {Ours.name: [], Agno.name: []}
            for _ in range(rounds):
                for server, pid in servers:
                    await asyncio.sleep(SETTLE)
                    seen[server.name].append(await round_of(server, pid, count, answer))
            table[count] = {name: {key: statistics.median(one[key] for one in many) for key in many[0]} for name, many in seen.items()}
            print(row(count, table[count]), flush=True)
    return table


def row(count: int, figures: dict[str, Figures]) -> str:
    ours, agno = figures[Ours.name], figures[Agno.name]
    cells = [str(count), f"{ours['cpu_us_a_token'] / agno['cpu_us_a_token']:.2f}"]
    for key, digits in (
        ("cpu_us_a_token", 0),
        ("first_p50_ms", 0),
        ("first_p95_ms", 0),
        ("gap_p99_ms", 0),
        ("slowest", 2),
        ("memory_mb", 0),
    ):
        cells.append(f"{ours[key]:.{digits}f} / {agno[key]:.{digits}f}")
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| chats | CPU a token, ratio | us CPU a token | first token p50, ms | first token p95, ms "
    "| gap p99, ms | slowest answer / ideal | memory, MB |\n|---|---|---|---|---|---|---|---|"
)


async def idle(count: int, answer: Answer, env: dict[str, str]) -> str:
    """Open ``count`` live streams that have nothing to say, and return what they cost."""
    per_person = 10
    made = people.make(-(-count // per_person), answer.model, 1)
    port = free_port()
    command, extra = Ours.command(port)
    with running(command, port, {**env, **extra}) as pid:
        before = memory_mb(pid)
        writers = []
        for number in range(count):
            person = made[number // per_person]
            reader, writer = await request(
                port, "GET", f"/agentos/live/?session={person.chats[0]}&cursor=", headers={"Cookie": person.cookies}
            )
            await reader.read(10)
            writers.append(writer)
        await asyncio.sleep(SETTLE)
        held = memory_mb(pid) - before
        cpu = cpu_seconds(pid)
        await asyncio.sleep(10)
        cpu = (cpu_seconds(pid) - cpu) / 10
        for writer in writers:
            writer.close()
    return f"{count} idle live streams: {held * 1024 / count:.0f} kB each, {cpu * 100:.1f} % of a core."


def database(kind: str) -> AbstractContextManager[str]:
    """Start what is needed and give its URL; for SQLite there is none."""
    return postgres.server(is_durable=True) if kind == "postgres" else nullcontext("")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--chats", default="1,50,100,400")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--json", default="")
    chosen = parser.parse_args()
    answer = Answer(chosen.tokens)
    table: dict[int, Any] = {}
    with tempfile.TemporaryDirectory(prefix="agentos-bench-") as data_dir, database(chosen.database) as url:
        env = people.environment(data_dir, answer.model, url)
        import django

        django.setup()
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # this process makes rows before it opens sockets
        if chosen.chats:
            rounds, today = chosen.rounds, time.strftime("%Y-%m-%d")
            print(f"{answer.model} on {chosen.database}, ours / AgentOS, median of {rounds} rounds, {today}\n{HEAD}", flush=True)
            table = asyncio.run(compare([int(count) for count in chosen.chats.split(",")], chosen.rounds, answer, env))
        if chosen.idle:
            print(asyncio.run(idle(chosen.idle, answer, env)))
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(table, file, indent=2)


if __name__ == "__main__":
    main()
