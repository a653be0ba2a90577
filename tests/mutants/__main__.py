"""`python -m tests.mutants [-n 200] [--seed 1] [--jobs 2] [paths...] [--within tests/chat ...]`

Puts small faults into a copy of the product, one at a time, and runs the tests that run the changed line. Prints each fault that none of
them noticed, as a diff, and how many were noticed; what hangs is noticed. The same seed gives the same faults.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.changes import Mutant, mutants
from tests.mutants.covering import MARKS, Covering, known_harmless, tree

ROOT = Path(__file__).resolve().parent.parent.parent
HARMLESS = Path(__file__).with_name("harmless.toml")
# The files that decide: who may, how much, what is kept, what is told.
DECIDING = (
    "access/*", "agents/queries", "agents/cache", "api/auth", "api/scopes", "chat/*", "chat/actions/*", "chat/live/*", "chat/runs/*",
    "core/http/origin", "core/http/paging", "core/http/strict_json", "core/ratelimit/*", "dashboard/live", "gateway/*",
    "gateway/interfaces/*", "service", "webhooks/*/*", "webhooks/inbound/actions/*",
)  # fmt: skip
LEFT_OUT = {"admin.py", "apps.py", "urls.py", "checks.py", "counting.py"}  # what declares, and what only PostgreSQL runs
TESTS_ANEW = 150  # that are asked about what a module does when it is imported
SECONDS_AT_LEAST = 90


FIRST_TEST = "tests/core/test_ids.py"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist"]


class Ready:
    """A process that runs tests with a fault in its memory, over a copy of the tree that is its own."""

    def __init__(self, copy: Path, tests: list[str]) -> None:
        self.copy = copy
        theirs, orders = os.pipe()
        answers, other = os.pipe()
        environment = {**os.environ, "AGENTOS_MUTANTS_PIPES": f"{theirs} {other}", "TMPDIR": str(copy.parent)}
        command = [*PYTEST, "-p", "tests.mutants.ready", "--timeout=60", "-m", MARKS, FIRST_TEST, *tests]
        self.log = copy.parent / f"{copy.name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=copy, env=environment, stdout=log, stderr=log, pass_fds=(theirs, other))
        os.close(theirs)
        os.close(other)
        self.orders, self.answers = os.fdopen(orders, "w"), os.fdopen(answers)

    def run(self, mutant: Mutant, source: bytes, tests: list[str], seconds: float) -> str:
        """Return how it went: ``passed``, ``failed`` or ``hung``."""
        order = {"path": mutant.path, "source": mutant.apply(source).decode(), "tests": tests, "seconds": seconds}
        print(json.dumps(order), file=self.orders, flush=True)
        end = self.answers.readline().strip()
        if not end:
            raise SystemExit(f"The process that runs the tests has ended: {self.log.read_text()[-3000:]}")
        return self.run_anew(mutant, source, tests, seconds) if end == "absent" else end

    def run_anew(self, mutant: Mutant, source: bytes, tests: list[str], seconds: float) -> str:
        """The slow way, for what a module does when it is imported: with the fault in the copy's file."""
        path = self.copy / mutant.path
        path.write_bytes(mutant.apply(source))
        command = [*PYTEST, "-x", "--timeout=60", *tests[:TESTS_ANEW]]
        try:
            done = subprocess.run(
                command,
                cwd=self.copy,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "hung"
        finally:
            path.write_bytes(source)
        return "failed" if done.returncode else "passed"

    def end(self) -> None:
        self.orders.close()
        self.process.wait()


def copy_tree(target: Path) -> None:
    for name in tree(ROOT):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)


def deciding(paths: list[str]) -> dict[str, bytes]:
    named = [Path(path).resolve() for path in paths] or [file for glob in DECIDING for file in (ROOT / "agentos").glob(f"{glob}.py")]
    return {str(path.relative_to(ROOT)): path.read_bytes() for path in sorted(named) if path.name not in LEFT_OUT}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--within", nargs="+", default=[], help="count only these tests: tests/chat tests/api")
    given = parser.parse_args()
    sources = deciding(given.paths)
    everything = [mutant for path, source in sources.items() for mutant in mutants(path, source)]
    drawn = random.Random(given.seed).sample(everything, min(given.n, len(everything)))
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [Path(folder) / str(number) for number in range(given.jobs)]
        for copy in copies:
            copy_tree(copy)
        covering = Covering(copies[0], ROOT, given.jobs, given.within)
        ends = try_all(drawn, sources, covering, copies)
    return report(len(everything), ends)


def try_all(drawn: list[Mutant], sources: dict[str, bytes], covering: Covering, copies: list[Path]) -> dict[str, int]:
    """Return how many ended how: noticed, harmless, survived, broken."""
    free: SimpleQueue[Ready] = SimpleQueue()
    listed = tomllib.loads(HARMLESS.read_text(encoding="utf-8")).get("harmless", [])
    ends = {"noticed": 0, "harmless": 0, "survived": 0}
    for copy in copies:
        free.put(Ready(copy, covering.tests))

    def judge(mutant: Mutant) -> tuple[Mutant, str, str]:
        source = sources[mutant.path]
        if why := known_harmless(mutant, source, listed):
            return mutant, "harmless", why
        return mutant, *tested(mutant, source, covering, free)

    with ThreadPoolExecutor(len(copies)) as pool:
        for mutant, end, why in pool.map(judge, drawn):
            ends[end] += 1
            if end != "noticed":
                print(f"\n{end}: {why}\n{mutant.diff(sources[mutant.path])}", flush=True)
            else:
                print(".", end="", flush=True)
    while not free.empty():
        free.get().end()
    return ends


def tested(mutant: Mutant, source: bytes, covering: Covering, free: "SimpleQueue[Ready]") -> tuple[str, str]:
    tests, at_import = covering.tests_of(mutant, source)
    if not tests:
        return "survived", "no test runs this"
    seconds = SECONDS_AT_LEAST + 4 * sum(covering.seconds.get(test, 1) for test in tests)
    ready = free.get()
    try:
        end = (ready.run_anew if at_import else ready.run)(mutant, source, tests, seconds)
    finally:
        free.put(ready)
    return "survived" if end == "passed" else "noticed", f"{len(tests)} tests run this"


def report(there: int, ends: dict[str, int]) -> int:
    held = ends["noticed"] + ends["harmless"]
    print(f"\n{sum(ends.values())} of {there} possible faults tried: {ends['noticed']} noticed, {ends['harmless']} known to be harmless, "
          f"{ends['survived']} survived. {held / max(sum(ends.values()), 1):.1%}")  # fmt: skip
    return 1 if ends["survived"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
