"""What files cost a server that has other things to do: one of 100 MiB, fifty at once, and a page that somebody opens beside them.

``python -m tests.bench.files``: the product's server on loopback with a database of its own, asked by one process as the script of a page
does: slices of a megabyte, three of a file on their way. Goals on a quiet machine: 100 MiB in <= 3 s, with <= 40 MB of memory more; fifty
at once with <= 200 MB more, and a page in <= 3 times what it takes alone.
"""

import asyncio
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.bench import people
from tests.bench.servers import Ours, free_port, memory_mb, running

LARGE, SMALL, AT_ONCE, IN_FLIGHT = 100 * 2**20, 4 * 2**20, 50, 3
PAGES = 60  # that are opened alone
API = "/api/v1/agentos/files"


class Connection:
    """One that stays open, as a browser's does. ``headers``: of each request."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self.port, self.headers = port, {"Host": f"127.0.0.1:{port}", **headers}
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream") -> bytes:
        """Return the body of the answer. Raises ConnectionError unless it is 2xx."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        reader, writer = self.streams
        about = {**self.headers, "Content-Length": str(len(body)), **({"Content-Type": kind} if body else {})}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in about.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if length := re.search(r"(?i)^content-length: (\d+)", head, re.MULTILINE):
            answer = await reader.readexactly(int(length[1]))
        else:
            answer = b"" if " 204 " in head[:20] else await _chunks(reader)
        if head.split(" ", 2)[1][:1] != "2":
            raise ConnectionError(f"{method} {path}: {head.splitlines()[0]} {answer[:200]!r}")
        return answer

    def close(self) -> None:
        if self.streams:
            self.streams[1].close()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while size := int((await reader.readline()).strip(), 16):
        found += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return found


async def send(port: int, token: str, size: int) -> None:
    """Send a file in slices, three on their way."""
    lanes = [Connection(port, {"Authorization": f"Bearer {token}"}) for _ in range(IN_FLIGHT)]
    try:
        announced = json.dumps({"name": "a.pdf", "size": size}).encode()
        upload = json.loads(await lanes[0].ask("POST", f"{API}/uploads/", announced, "application/json"))
        left = iter(range(-(-size // upload["slice"])))
        fill = os.urandom(upload["slice"])

        async def lane(connection: Connection) -> None:
            for number in left:
                data = fill[: min(upload["slice"], size - number * upload["slice"])]
                data = b"%PDF-" + data[5:] if number == 0 else data
                await connection.ask("PUT", f"{API}/uploads/{upload['id']}/{number}/", data)

        await asyncio.gather(*map(lane, lanes))
        await lanes[0].ask("POST", f"{API}/uploads/{upload['id']}/done/")
    finally:
        for each in lanes:
            each.close()


async def opened(port: int, person: people.Person, go_on: Callable[[int], bool]) -> list[float]:
    """Open a chat's page again and again; return what each took, in milliseconds."""
    connection = Connection(port, {"Cookie": person.cookies})
    waits: list[float] = []
    while go_on(len(waits)):
        began = time.perf_counter()
        await connection.ask("GET", f"/agentos/session/{person.chats[0]}/")
        waits.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.02)
    connection.close()
    return waits


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mb(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


async def with_memory(pid: int, work: Coroutine[Any, Any, Any]) -> tuple[float, float]:
    """Return the seconds that it took, and the most memory that the server had meanwhile beyond what it had before, in MB."""
    before, began = memory_mb(pid), time.perf_counter()
    forget_peak(pid)
    await work
    seconds = time.perf_counter() - began
    return seconds, peak_mb(pid) - before


async def measure(port: int, pid: int, crowd: list[people.Person], tokens: list[str]) -> None:
    reader = crowd[-1]
    await opened(port, reader, lambda count: count < 10)
    await send(port, tokens[0], SMALL)  # the first ones load things
    alone = await opened(port, reader, lambda count: count < PAGES)
    print(f"a page alone: {quantiles(alone)}")
    for _ in range(3):
        seconds, memory = await with_memory(pid, send(port, tokens[0], LARGE))
        print(f"100 MiB: {seconds:.2f} s, {memory:+.0f} MB")
    for _ in range(2):
        sending = asyncio.gather(*(send(port, token, SMALL) for token in tokens[:AT_ONCE]))
        meanwhile: list[list[float]] = []

        async def both(sending: Any = sending, meanwhile: list[list[float]] = meanwhile) -> None:
            beside = asyncio.create_task(opened(port, reader, lambda _: not sending.done()))
            await sending
            meanwhile.append(await beside)

        seconds, memory = await with_memory(pid, both())
        ratio = statistics.median(meanwhile[0]) / statistics.median(alone)
        print(
            f"{AT_ONCE} of 4 MiB at once: {seconds:.1f} s, {memory:+.0f} MB; a page beside them: {quantiles(meanwhile[0])}, {ratio:.1f} x"
        )


def quantiles(waits: list[float]) -> str:
    return f"{statistics.median(waits):.0f} ms (p95 {sorted(waits)[int(len(waits) * 0.95)]:.0f})"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        env = people.environment(folder, "scripted:echo")
        env |= {
            "AGENTOS_FILE_MB": "200",
            "AGENTOS_FILES_MB": "2000",
            "AGENTOS_UPLOADS_A_MINUTE": "0",
            "AGENTOS_TOKEN_REQUESTS_A_MINUTE": "0",
        }
        env |= {"AGENTOS_ADDRESS_REQUESTS_A_MINUTE": "0"}
        os.environ.update(env)
        import django

        django.setup()
        crowd = people.make(AT_ONCE + 1, "scripted:echo", 1)
        from agentos.access.actions import create_token
        from agentos.access.models import User

        users = User.objects.filter(email__startswith="bench-").order_by("pk")
        tokens = [create_token(by=user, name="bench", scopes=["runs:write", "sessions:read"])[1] for user in users]
        port = free_port()
        command, more = Ours.command(port)
        with running(command, port, {**env, **more}) as pid:
            time.sleep(2)
            asyncio.run(measure(port, pid, crowd, tokens))
