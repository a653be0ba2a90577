"""What tools cost where nobody uses them, what a connection costs at its first and second call, and what python's processes take.

``python -m tests.bench.tools``: the first as people in a browser see it, at a server of its own, one chat at a time; the others in this
process, with FastMCP's server on loopback. Goals on a quiet machine: with ten tools and two connections the first token after <= 1.1 times
the time, for <= 1.05 times the CPU; a first call <= 0.5 s, a second <= 0.1 s; python <= 150 MB, and gone.
"""

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench import people
from tests.bench.people import Person
from tests.bench.servers import Ours, cpu_seconds, free_port, running
from tests.bench.wire import Heard

TOKENS, ROUNDS, WARMING = 200, 15, 2
MODEL = f"scripted:{TOKENS}x10"
SETTLE = 0.3  # seconds
TOOLS = ("calculator", "clock", "text", "reasoning", "ask", "web-search", "fetch-page", "chart", "calendar-file", "letterbox")


def made(url: str) -> list[Person]:
    """Return somebody with chats with an agent without tools, and somebody with one that has ten and those of two connections."""
    from agentos.access.models import User
    from agentos.agents.models import DjangoAgent
    from agentos.chat.models import ChatSession
    from agentos.connections.models import RemoteTool, Server

    tools = list(TOOLS)
    for slug in ("one", "two"):
        server = Server.objects.create(slug=slug, name=slug, url=url)
        for name in ("add", "write_note", "fail", "big", "slow"):
            schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
            tools.append(RemoteTool.objects.create(server=server, name=name, schema=schema, hash="0" * 64, policy="auto").slug)
    plain, armed = people.make(2, MODEL, ROUNDS + WARMING)
    agent = DjangoAgent.objects.create(agent_id="armed", name="Armed", model=MODEL, is_global=True, tools=tools)
    owner = ChatSession.objects.get(session_id=armed.chats[0]).user
    made = ChatSession.objects.bulk_create([ChatSession(user=owner, agent=agent) for _ in armed.chats])
    armed.chats = [chat.session_id for chat in made]
    assert User.objects.count() == len((plain, armed))
    return [plain, armed]


async def unused(port: int, pid: int, asking: list[Person]) -> None:
    server, first, cpu = Ours(port, asking), ([], []), ([], [])  # type: ignore[var-annotated]
    for number in range(ROUNDS + WARMING):
        for which in range(len(asking)):
            await server.open(which)
            await asyncio.sleep(SETTLE)
            before, heard = cpu_seconds(pid), Heard(asked=0.0)
            await server.chat(which, heard)
            await asyncio.sleep(SETTLE)
            if number >= WARMING:
                first[which].append(heard.first - heard.asked)
                cpu[which].append(cpu_seconds(pid) - before)
    plain, armed = (statistics.median(each) for each in first)
    print(f"first token: {plain * 1000:.1f} ms without tools, {armed * 1000:.1f} ms with: x {armed / plain:.2f}")
    plain, armed = (sum(each) / ROUNDS / TOKENS for each in cpu)
    print(f"CPU a token: {plain * 1e6:.0f} us without tools, {armed * 1e6:.0f} us with: x {armed / plain:.2f}")


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


async def main(url: str, env: dict[str, str]) -> None:
    from agentos.agents import runtime
    from agentos.core import db

    asking, port = await db.write(made, url), free_port()
    command, more = Ours.command(port)
    with running(command, port, {**env, **more}) as pid:
        await unused(port, pid, asking)
    await called()
    await python_processes()
    await runtime.close()
    db.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        env = people.environment(folder, MODEL) | {"AGENTOS_ALLOW_PRIVATE_HOSTS": "127.0.0.1", "LOG_LEVEL": "ERROR"}
        os.environ.update(env)
        import django

        django.setup()
        from django.core.management import call_command

        from tests.connections.servers import served

        call_command("migrate", verbosity=0)
        (there := Path(folder) / "mcp").mkdir()
        with served(there) as mcp:
            asyncio.run(main(mcp.url, env))
