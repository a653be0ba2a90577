"""What tools cost where nobody uses them, what a connection costs at its first and second call, and what python's processes take.

``python -m tests.bench.tools``: in one process over a database of its own, with FastMCP's server on loopback. A run is measured bare,
without what the server does around it (database, journal, HTTP), so what tools add is told in milliseconds a run as well. Goals on a quiet
machine: a first call <= 0.5 s, a second <= 0.1 s; python <= 150 MB, and gone.
"""

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

TOKENS, ROUNDS = 400, 15
MODEL = f"scripted:{TOKENS}x1"
TOOLS = ("calculator", "clock", "text", "reasoning", "ask", "web-search", "fetch-page", "chart", "calendar-file", "letterbox")


class Follower:
    def __init__(self) -> None:
        self.first = 0.0

    def on_text(self, _kind: str, text: str) -> None:
        if text and not self.first:
            self.first = time.perf_counter()


async def answer(spec: Any) -> tuple[float, float]:
    """Return seconds to the first token, and seconds of CPU a token."""
    from agentos.agents import runtime

    follower, began, cpu = Follower(), time.perf_counter(), time.process_time()
    whose = {"run_id": "r", "user_id": "1", "session_id": "s"}
    async for _event in runtime.run(spec, follower=follower, **whose, message="Hello", context={}, history=[]):  # type: ignore[arg-type]
        pass
    return follower.first - began, (time.process_time() - cpu) / TOKENS


def made(url: str) -> tuple[Any, Any]:
    """Return an agent without tools, and one with ten and those of two connections."""
    from agentos.agents.models import DjangoAgent
    from agentos.agents.specs import spec_of
    from agentos.connections.models import RemoteTool, Server

    tools = list(TOOLS)
    for slug in ("one", "two"):
        server = Server.objects.create(slug=slug, name=slug, url=url)
        for name in ("add", "write_note", "fail", "big", "slow"):
            schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
            tools.append(RemoteTool.objects.create(server=server, name=name, schema=schema, hash="0" * 64, policy="auto").slug)
    plain = DjangoAgent.objects.create(agent_id="plain", name="Plain", model=MODEL, is_global=True)
    armed = DjangoAgent.objects.create(agent_id="armed", name="Armed", model=MODEL, is_global=True, tools=tools)
    return spec_of(plain), spec_of(armed)


async def unused(plain: Any, armed: Any) -> None:
    figures: dict[str, list[tuple[float, float]]] = {"plain": [], "armed": []}
    for number in range(ROUNDS + 2):
        for name, spec in (("plain", plain), ("armed", armed)):
            found = await answer(spec)
            if number > 1:  # the first ones load things
                figures[name].append(found)
    (first, cpu), (armed_first, armed_cpu) = (
        (statistics.median(each[0] for each in figures[name]), statistics.median(each[1] for each in figures[name])) for name in figures
    )
    print(f"first token: {first * 1000:.1f} ms without tools, {armed_first * 1000:.1f} ms with ten and two connections that nobody uses")
    print(f"CPU a token: {cpu * 1e6:.0f} us without tools, {armed_cpu * 1e6:.0f} us with: {(armed_cpu - cpu) * TOKENS * 1000:.1f} ms a run")


async def called() -> None:
    from agentos.connections import client
    from agentos.connections.calls import Calls

    firsts, seconds = [], []
    for _ in range(ROUNDS):
        calls, began = Calls(None), time.perf_counter()
        await calls.call("one", "add", {"a": 1, "b": 2})
        middle = time.perf_counter()
        await calls.call("one", "add", {"a": 1, "b": 2})
        seconds.append(time.perf_counter() - middle)
        firsts.append(middle - began)
        calls.close()
        await client.finish()
    loaded, second = statistics.median(firsts[1:]), statistics.median(seconds)
    print(f"a first call of a connection: {firsts[0]:.2f} s in a new process, {loaded:.3f} s in a run; a second: {second:.3f} s")


async def python_processes() -> None:
    from agentos.agents.tools import python

    await asyncio.gather(*(python.run_python.functions[0].call(code=f"sum(range({number}))") for number in range(4)))
    print(f"python's processes: {children_mb():.0f} MB while used")
    await python.close()
    print(f"python's processes: {children_mb():.0f} MB when closed")


def children_mb() -> float:
    """Return what the processes that this one has started take, in MB."""
    total, mine = 0, str(os.getpid())
    for stat in Path("/proc").glob("[0-9]*/status"):
        try:
            about = dict(line.split(":\t", 1) for line in stat.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if about.get("PPid", "").strip() == mine and "monty" in (about.get("Name", "") + _command(stat.parent)):
            total += int(about.get("VmRSS", "0 kB").split()[0])
    return total / 1024


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


async def main(url: str) -> None:
    from agentos.agents import runtime
    from agentos.core import db

    plain, armed = await db.write(made, url)
    await unused(plain, armed)
    await called()
    await python_processes()
    await runtime.close()
    db.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="site_config.settings",
            AGENTOS_LOCAL="1",
            AGENTOS_LOCAL_MODEL="0",
            AGENTOS_SCRIPTED_MODELS="1",
            AGENTOS_DATA_DIR=folder,
            AGENTOS_ALLOW_PRIVATE_HOSTS="127.0.0.1",
            LOG_LEVEL="ERROR",
        )
        import django

        django.setup()
        from django.core.management import call_command

        from tests.connections.servers import served

        call_command("migrate", verbosity=0)
        (there := Path(folder) / "mcp").mkdir()
        with served(there) as mcp:
            asyncio.run(main(mcp.url))
