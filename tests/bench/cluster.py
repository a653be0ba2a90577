"""`python -m tests.bench.cluster [--processes 1,2,4] [--chats 1,50] [--tokens 200] [--rounds 3]`

Servers on one PostgreSQL. Every message is sent to one of them and followed at another, where there is one. What is printed is of this
machine, where servers, database and readers share the cores.
"""

import argparse
import asyncio
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import psycopg

from tests import postgres
from tests.bench import people
from tests.bench.__main__ import PACE, SETTLE, Figures, percentile
from tests.bench.servers import cpu_seconds, free_port, running
from tests.bench.wire import request

STAMP = re.compile(rb"@(\d{14})")  # of tests/bench/apps.py, tenths of a millisecond
END = b'data-status="completed"'
LONGEST = 300.0  # seconds of a round


@dataclass
class Chat:
    """``late``: of each token, seconds from the model to the browser."""

    person: people.Person
    sent_to: int
    followed_at: int
    session: str = ""
    late: list[float] = field(default_factory=list)

    async def open(self) -> None:
        self.session = self.person.chats.pop()
        cookies = {"Cookie": self.person.cookies}
        page, writer = await request(self.followed_at, "GET", f"/agentos/session/{self.session}/", headers=cookies)
        found = re.search(rb'hx-sse:connect="([^"]+)"', await page.read())
        writer.close()
        assert found is not None
        self.live, self.live_writer = await request(self.followed_at, "GET", unescape(found[1].decode()), headers=cookies)

    async def talk(self) -> None:
        hearing = asyncio.create_task(self.hear())
        origin = f"http://127.0.0.1:{self.sent_to}"
        headers = {"Cookie": self.person.cookies, "X-CSRFToken": self.person.csrf, "HX-Request": "true", "Origin": origin}
        form = {"message": "Go on.", "idempotency_key": f"bench-{self.session}"}
        answer, writer = await request(self.sent_to, "POST", f"/agentos/session/{self.session}/", headers=headers, form=form)
        await answer.read()
        writer.close()
        await hearing
        self.live_writer.close()

    async def hear(self) -> None:
        newest, tail = 0, b""
        while chunk := await self.live.read(2**18):
            now, window = time.time(), tail + chunk
            stamps = [int(stamp) for stamp in STAMP.findall(window)]
            self.late += [now - stamp / 10_000 for stamp in stamps if stamp > newest]
            newest = max([newest, *stamps])
            if END in window:
                return
            tail = window[-40:]


@contextmanager
def notices(url: str) -> Iterator[list[int]]:
    """Count what is told from process to process."""
    found, over = [0], threading.Event()

    def listen() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("LISTEN agentos")
            while not over.is_set():
                found[0] += sum(1 for _ in connection.notifies(timeout=0.2))

    thread = threading.Thread(target=listen)
    thread.start()
    yield found
    over.set()
    thread.join()


def of_database(url: str) -> tuple[float, float]:
    """CPU seconds of PostgreSQL's processes, and how many transactions were committed."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT sum(xact_commit) FROM pg_stat_database").fetchone()
        postmaster = int(Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    cpu = cpu_seconds(postmaster)
    for child in children:
        try:
            cpu += cpu_seconds(int(child))
        except OSError:
            continue
    return cpu, float(row[0]) if row else 0.0


async def round_of(chats: list[Chat], pids: list[int], url: str, tokens: int) -> Figures:
    for chat in chats:
        chat.late = []
        await chat.open()
    await asyncio.sleep(SETTLE)
    cpu, (database, commits), began = sum(map(cpu_seconds, pids)), of_database(url), time.monotonic()
    with notices(url) as told:
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(chat.talk() for chat in chats))
        seconds = time.monotonic() - began
    cpu, (database_after, commits_after) = sum(map(cpu_seconds, pids)) - cpu, of_database(url)
    late, said = [one for chat in chats for one in chat.late], tokens * len(chats)
    return {
        "tokens_s": said / seconds,
        "late_p50_ms": percentile(late, 0.5) * 1000,
        "late_p95_ms": percentile(late, 0.95) * 1000,
        "cpu_us": cpu / said * 1e6,
        "database_us": (database_after - database) / said * 1e6,
        "commits_s": (commits_after - commits) / seconds,
        "notices_s": told[0] / seconds,
    }


HEAD = (
    "| servers | chats | tokens/s | token to browser p50, ms | p95, ms | us CPU a token, servers | PostgreSQL | commits/s | notices/s |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


async def measure(counts: list[int], chats: list[int], rounds: int, tokens: int, env: dict[str, str], url: str) -> None:
    model = f"scripted:{tokens}x{PACE}"
    for count in counts:
        made = people.make(max(chats), model, rounds * len(chats) + 1)
        with ExitStack() as servers:
            ports = [free_port() for _ in range(count)]
            command = [sys.executable, "manage.py", "agentos_serve"]
            pids = [servers.enter_context(running(command, port, {**env, "PORT": str(port)})) for port in ports]
            all_of_them = [Chat(one, ports[place % count], ports[(place + 1) % count]) for place, one in enumerate(made)]
            await round_of(all_of_them[:1], pids, url, tokens)  # the first run of a process pays for its imports
            for many in chats:
                seen: list[Figures] = [await round_of(all_of_them[:many], pids, url, tokens) for _ in range(rounds)]
                middle = {name: statistics.median(one[name] for one in seen) for name in seen[0]}
                print(f"| {count} | {many} | " + " | ".join(f"{value:.0f}" for value in middle.values()) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench CLUSTER=1")
    parser.add_argument("--processes", default="1,2,4")
    parser.add_argument("--chats", default="1,50")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    processes, chats = ([int(number) for number in text.split(",")] for text in (chosen.processes, chosen.chats))
    with tempfile.TemporaryDirectory(prefix="agentos-bench-") as data_dir, postgres.own_server() as (url, _):
        env = people.environment(data_dir, f"scripted:{chosen.tokens}x{PACE}", url)
        env["DJANGO_SETTINGS_MODULE"] = os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
        import django

        django.setup()
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # this process makes rows before it opens sockets
        print(f"{chosen.tokens} tokens, one each {PACE} ms, median of {chosen.rounds}, {time.strftime('%Y-%m-%d')}\n{HEAD}", flush=True)
        asyncio.run(measure(processes, chats, chosen.rounds, chosen.tokens, env, url))


if __name__ == "__main__":
    main()
