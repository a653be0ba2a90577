"""The memory that the C library's allocator keeps, seen in processes of their own."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from agentos.core.serving import memory

ROOT = Path(__file__).resolve().parents[2]
THREADS = """
import re, threading
from pathlib import Path
from agentos.core.serving import memory
limited = {limited} and memory.limit()
barrier = threading.Barrier(8)
def work():
    barrier.wait()
    kept.append([bytes(1000) for _ in range(1000)])
    barrier.wait()
kept = []
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
from tests.core.test_serving_memory import arenas
print(int(limited), arenas("self"))
"""
FREED = """
from pathlib import Path
from agentos.core.serving import memory
def resident(): return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
kept = [bytes(1000) for _ in range(100_000)]
last = kept[-1]
del kept
before = resident()
memory.Watch().give_back()
print(before - resident())
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told anything")


def arenas(pid: str) -> int:
    """Count the arenas of a process beside its heap: each has 64 MB of addresses for itself, of which it uses the first."""
    size = 64 * 1024 * 1024
    found, previous = 0, (0, 0)
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        if line.split()[1] == "---p" and start == previous[1] and previous[0] % size == 0 and end - previous[0] == size:
            found += 1
        previous = start, end
    return found


def run(program: str, **environment: str) -> list[int]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@glibc
class TestArenas:
    def test_are_few_whatever_threads_there_are(self) -> None:
        assert run(THREADS.format(limited=False))[1] > 2
        assert run(THREADS.format(limited=True)) == [1, memory.ARENAS - 1]

    def test_are_as_many_as_the_environment_says(self) -> None:
        limited, count = run(THREADS.format(limited=True), MALLOC_ARENA_MAX="4")
        assert (limited, count > 1) == (0, True)


@glibc
class TestGiveBack:
    def test_gives_back_what_is_free_in_the_middle(self) -> None:
        (given,) = run(FREED)
        assert given > 50_000_000


class TestWatch:
    def test_is_due_once_when_it_has_become_quiet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        used = iter([0.0, 0.1, 0.2, 20.0, 40.0, 40.1, 40.2])
        monkeypatch.setattr("agentos.core.serving.memory.time.process_time", lambda: next(used))
        monkeypatch.setattr(memory, "_glibc", object)
        watch = memory.Watch()
        assert [watch.is_due() for _ in range(6)] == [True, False, False, False, True, False]

    def test_does_nothing_elsewhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
        assert not memory.limit()
        assert not memory.Watch().is_due()
        memory.Watch().give_back()
