"""A process beside ours: asked by one at a time, started again when it has died, gone when nobody asks."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator

import pytest

from agentos.core.beside import Beside, Failed

ECHO = """
import json, sys, os, time
while line := sys.stdin.buffer.readline():
    asked = json.loads(line)
    data = sys.stdin.buffer.read(asked.get("bytes", 0))
    if asked.get("dies"): os._exit(3)
    if asked.get("hangs"): time.sleep(60)
    print(json.dumps({"pid": os.getpid(), "bytes": len(data), "knows": sorted(os.environ), "n": asked.get("n")}), flush=True)
"""


@pytest.fixture
async def beside() -> AsyncIterator[Beside]:
    made = Beside(lambda: (sys.executable, "-c", ECHO), {"ONE": "1"}, longest=10_000, idle=0.2)
    yield made
    await made.end()


async def ask(beside: Beside, data: bytes = b"", seconds: float = 20.0, **what: object) -> dict[str, object]:
    answer = await beside.ask(json.dumps({"bytes": len(data), **what}).encode(), data, seconds=seconds)
    found: dict[str, object] = json.loads(answer)
    return found


def is_alive(pid: object) -> bool:
    try:
        os.kill(int(str(pid)), 0)
    except ProcessLookupError:
        return False
    return True


async def test_each_gets_their_own_answer_from_one_process(beside: Beside) -> None:
    found = await asyncio.gather(*(ask(beside, b"x" * 300_000, n=n) for n in range(3)))
    assert [each["n"] for each in found] == [0, 1, 2]
    assert {each["bytes"] for each in found} == {300_000}
    assert len({each["pid"] for each in found}) == 1
    assert "DJANGO_SETTINGS_MODULE" not in str(found[0]["knows"])


async def test_it_goes_when_nobody_asks_and_comes_again(beside: Beside) -> None:
    first = await ask(beside)
    assert beside.process is not None
    await asyncio.wait_for(beside.process.wait(), 10)
    assert not is_alive(first["pid"])
    assert (await ask(beside))["pid"] != first["pid"]


async def test_one_that_dies_or_hangs_is_ended_and_the_next_is_answered(beside: Beside) -> None:
    with pytest.raises(Failed):
        await ask(beside, dies=True)
    before = await ask(beside)
    with pytest.raises(Failed):
        await ask(beside, hangs=True, seconds=0.3)
    assert not is_alive(before["pid"])
    assert (await ask(beside))["pid"] != before["pid"]


async def test_who_leaves_takes_no_answer_from_the_next(beside: Beside) -> None:
    await ask(beside)
    leaving = asyncio.create_task(ask(beside, hangs=True, n=1))
    waiting = asyncio.create_task(ask(beside, n=2))
    await asyncio.sleep(0.05)
    leaving.cancel()
    assert (await waiting)["n"] == 2
