"""Python in its sandbox: what code may do, and that none of it harms the server, its memory, or the next call."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agentos.agents import runtime
from agentos.agents.tools import Refused, python
from agentos.agents.tools.python import Pool, run_python

TICKS = 10  # of 10 ms
MANY = "print('x' * 1000)"
LEFT_OVER: set[int] = set()  # processes


async def run(code: str) -> str:
    said = await run_python.functions[0].call(code=code)
    assert isinstance(said, str)
    return said


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await python.close()


@pytest.fixture(autouse=True)
def left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test before has left running is not counted."""
    monkeypatch.setattr(f"{__name__}.LEFT_OVER", {pid for pid, _ in workers()})


def workers() -> Iterator[tuple[int, int]]:
    """Give the process and the resident kB of each worker that this test has started."""
    for children in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in set(map(int, children.read_text().split())) - LEFT_OVER:
            process = Path(f"/proc/{pid}")
            if b"monty" in (process / "cmdline").read_bytes():
                yield pid, int((process / "statm").read_text().split()[1]) * 4


class TestResults:
    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("17 * 25", "425"),
            ("x = 17\nprint('so')\nx * 25\n", "so\n425"),
            ("print('one')", "one"),
            ("def f(n):\n    return n + 1\nf(\n    1\n)", "The code has run. It printed nothing and its last line has no value."),
            ("x = 5", "The code has run. It printed nothing and its last line has no value."),
            ("x = 5 # five", "The code has run. It printed nothing and its last line has no value."),
            ("x = 5\n# five", "The code has run. It printed nothing and its last line has no value."),
            ("if True:\n    print(1)\nelse: print(2)", "1"),
            ("x = '''\na'''\nx", "'\\na'"),
            ("None", "The code has run. It printed nothing and its last line has no value."),
            ("import math, datetime, json, re\nmath.floor(2.5), json.dumps({'a': 1})", "(2, '{\"a\": 1}')"),
        ],
    )
    async def test_are_what_is_printed_and_the_last_value(self, code: str, said: str) -> None:
        assert await run(code) == said

    async def test_run_nothing_twice(self) -> None:
        """The second way is taken for code that was not understood, and not for code that failed."""
        with pytest.raises(Refused) as refused:
            await run("print('once')\n1 / 0")
        assert str(refused.value).count("once") == 1
        assert "ZeroDivisionError: division by zero" in str(refused.value)

    async def test_are_not_kept(self) -> None:
        await run("x = 1")
        with pytest.raises(Refused, match="NameError"):
            await run("x")


class TestSandbox:
    @pytest.mark.parametrize(
        "code",
        [
            "open('/etc/passwd').read()",
            "open('x', 'w').write('x')",
            "import os\nos.listdir('/')",
            "import os\nos.environ['HOME']",
            "import pathlib\npathlib.Path('/etc/passwd').read_text()",
            "import os\nos.system('id')",
            "import subprocess",
            "import socket",
            "import urllib.request",
            "import ctypes",
            "import sys\nsys.modules['os'].kill(1, 9)",
            "().__class__.__base__.__subclasses__()",
            "__import__('socket')",
        ],
    )
    async def test_has_no_files_no_network_and_no_processes(self, code: str) -> None:
        with pytest.raises(Refused, match="Error"):
            await run(code)

    async def test_has_nothing_of_the_server_s_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "hunter2")
        await run("1")
        for pid, _ in workers():
            assert b"hunter2" not in await asyncio.to_thread(Path(f"/proc/{pid}/environ").read_bytes)


class TestBombs:
    """Each ends in a sentence, and the next call works."""

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("while True: pass", "it took more than"),
            ("x = [0]\nwhile True: x = x + x", "needed more than 32 MB"),
            ("s = 'a'\nwhile True: s = s + s", "needed more than 32 MB"),
            ("2 ** 10 ** 9", "needed more than 32 MB"),
            ("'a' * 10 ** 10", "needed more than 32 MB"),
            ("list(range(10 ** 9))", "needed more than 32 MB"),
            ("while True: " + MANY, "The code was ended"),
            ("def f(n): return f(n + 1)\nf(0)", "more than 500 deep"),
            ("(" * 9000 + ")" * 9000, "too deeply nested"),
            ("-" * 19_000 + "1", "too deeply nested"),
            ("x = 1 +", "Expected an expression"),
            ("x" * 30_000, "20,000 are allowed"),
            ("x = '\ud800'", "Error"),
        ],
        ids=range(13),
    )
    async def test_end(self, code: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
        if code.startswith("while True"):
            monkeypatch.setattr(python, "SECONDS", 0.5)
        with pytest.raises(Refused, match=said):
            await run(code)
        assert await run("40 + 2") == "42"

    async def test_leave_nothing_in_this_process(self) -> None:
        """What code computes stays where it is: only text comes back."""
        assert len(await run("'a' * 5_000_000")) <= 20_000

    async def test_that_print_leave_the_beginning(self) -> None:
        with pytest.raises(Refused) as refused:
            await run(f"for _ in range(1000): {MANY}")
        assert "printed more than 200 kB" in str(refused.value)
        assert 10_000 < len(str(refused.value)) < 21_000

    async def test_do_not_sleep(self) -> None:
        assert await asyncio.wait_for(run("import time\ntime.sleep(10_000)\n'awake'"), 30) == "'awake'"

    async def test_of_memory_end_without_the_interpreter_s_own_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(python, "MEMORY", None)
        monkeypatch.setattr(python, "_sentence", lambda error: "The code was ended by its limits.")
        with pytest.raises(Refused, match="The code was ended"):
            await run("x = [0]\nwhile True: x = x + x")
        assert await run("40 + 2") == "42"


class TestPool:
    async def test_lives_on_when_a_worker_is_killed(self) -> None:
        await run("1")
        call = asyncio.ensure_future(run("while True: pass"))
        for pid in await busy():
            os.kill(pid, 9)
        with pytest.raises(Refused, match="its process broke off"):
            await call
        assert await run("40 + 2") == "42"

    async def test_lets_go_of_a_call_at_once(self) -> None:
        await run("1")
        call = asyncio.ensure_future(run("while True: pass"))
        await busy()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await run("40 + 2") == "42"

    async def test_serves_many_at_once_with_few_workers(self) -> None:
        assert await asyncio.gather(*(run(f"sum(range({n}))") for n in range(20))) == [str(sum(range(n))) for n in range(20)]
        found = list(workers())
        assert 1 <= len(found) <= python.WORKERS
        assert sum(size for _, size in found) < 150_000

    async def test_says_that_all_are_busy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(python, "QUEUE_SECONDS", 0.1)
        calls = [asyncio.ensure_future(run("while True: pass")) for _ in range(python.WORKERS)]
        await busy(python.WORKERS)
        with pytest.raises(Refused, match="Too much code is running"):
            await run("1")
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def test_starts_with_the_first_call_and_goes_when_unused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(python, "IDLE_SECONDS", 0)
        assert not list(workers())
        pool = Pool()
        await pool.run("1")
        while pool.is_open or list(workers()):
            await asyncio.sleep(0.01)
        assert await pool.run("40 + 2") == "42"
        await pool.close()

    async def test_is_closed_with_the_loop_s_other_things(self) -> None:
        await run("1")
        assert list(workers())
        await runtime.close()
        assert not list(workers())


def test_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(python, "_binary", nowhere)
    python.missing.cache_clear()
    assert "pip install pydantic-monty" in run_python.needs()
    python.missing.cache_clear()


async def busy(count: int = 1) -> list[int]:
    """Wait until so many workers have worked for a while, and return them."""
    while True:
        if len(found := [pid for pid, _ in workers() if _worked(pid) > TICKS]) >= count:
            return found
        await asyncio.sleep(0.01)


def _worked(pid: int) -> int:
    """How many ticks of a processor it has had, in all of its threads."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return int(user) + int(system)
