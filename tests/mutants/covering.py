"""Which tests run a line: found by running them once with coverage, and kept under `.mutants/` until product or tests change."""

import difflib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import coverage

from tests.mutants.changes import Mutant

KEPT = Path(".mutants")
LEFT_OUT = ("tests/browser/", "tests/bench/", "tests/chaos/", "tests/docs/", "tests/mutants/", "tests/test_house")
NO_TESTS = 5  # what pytest says when it has found none
TESTS_AT_MOST = 300  # that are asked about one fault
MARKS = "not browser and not redis and not postgres and not server"  # a fault in memory is in this process alone


def tree(root: Path) -> list[str]:
    """All files that are or would be in the repository."""
    named = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True).stdout
    return [name for name in sorted(named.splitlines()) if (root / name).is_file()]


def is_test(name: str) -> bool:
    return Path(name).name.startswith("test_") and name.endswith(".py") and not name.startswith(LEFT_OUT)


def _moved(before: Path, after: Path) -> dict[int, int]:
    """Where the lines of a file are now, counted from 1."""
    if not after.exists():
        return {}
    old, new = before.read_text(encoding="utf-8").splitlines(), after.read_text(encoding="utf-8").splitlines()
    if old == new:
        return {line: line for line in range(1, len(old) + 1)}
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {block.a + number: block.b + number for block in blocks for number in range(1, block.size + 1)}


def _failing(batch: Path) -> set[str]:
    return {json.loads(line) for file in batch.glob("failing-*.jsonl") for line in file.read_text().splitlines()}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


class Covering:
    """``root`` is a copy of the tree ``keep``, in which tests may be run; ``within`` says which tests count, all of them by default.

    A test file that has changed is run again. Where the product has changed since, lines are found again by their text.
    """

    def __init__(self, root: Path, keep: Path, jobs: int, within: Sequence[str] = ()) -> None:
        self.root, self.folder = root, keep / KEPT
        asked = [name for name in tree(keep) if is_test(name) and name.startswith(tuple(within) or "tests/")]
        tests = {name: _hash((root / name).read_bytes()) for name in asked}
        known: dict[str, str] = {}
        for batch in self._batches():
            known |= json.loads((batch / "files.json").read_text())
        missing = [name for name, content in tests.items() if known.get(name) != content]
        for room in sorted({name.split("/")[1] for name in missing}):
            self._trace({name: tests[name] for name in missing if name.split("/")[1] == room}, jobs)
        self.tests = list(tests)
        self.seconds: dict[str, float] = {}
        self.lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.imported: set[tuple[str, int]] = set()  # lines that were run while modules were imported, perhaps by no test
        for batch in reversed(self._batches()):  # the last one that knows a file as it is
            then = json.loads((batch / "files.json").read_text())
            current = {name for name, content in then.items() if tests.get(name) == content}
            self._read(batch, current)
            tests = {name: content for name, content in tests.items() if name not in current}

    def _batches(self) -> list[Path]:
        return sorted(path.parent for path in self.folder.glob("*/files.json"))

    def _trace(self, files: dict[str, str], jobs: int) -> None:
        print(f"Looking which lines are run by {next(iter(files))} and {len(files) - 1} more", flush=True)
        batch = self.folder / f"{max((int(known.name) for known in self.folder.glob('*')), default=-1) + 1:04}"
        shutil.copytree(self.root / "agentos", batch / "agentos", ignore=shutil.ignore_patterns("__pycache__"))
        options = ["-q", "-p", "tests.mutants.tracing", "-p", "no:randomly", "-n", str(jobs if jobs > 1 else 0), "-m", MARKS]
        command = [sys.executable, "-m", "pytest", *options, *files]
        environment = {**os.environ, "AGENTOS_MUTANTS_MAP": str(batch)}
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        failing = _failing(batch)
        if failing:
            print("These fail without any fault, and are not asked:", *sorted(failing), sep="\n", flush=True)
        elif done.returncode not in {0, NO_TESTS}:
            raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
        (batch / "files.json").write_text(json.dumps(files))

    def _read(self, batch: Path, files: set[str]) -> None:
        failing = _failing(batch)
        for file in batch.glob("seconds-*.jsonl"):
            self.seconds |= dict(json.loads(line) for line in file.read_text().splitlines())
        for file in batch.glob("coverage.*"):
            data = coverage.CoverageData(str(file))
            data.read()
            for path in data.measured_files():
                now = _moved(batch / path, self.root / path)
                for line, tests in data.contexts_by_lineno(path).items():
                    if line in now:
                        if tests == [""]:
                            self.imported.add((path, now[line]))
                        self.lines[path][now[line]] |= {test for test in tests if test.partition("::")[0] in files and test not in failing}

    def tests_of(self, mutant: Mutant, source: bytes) -> tuple[list[str], bool]:
        """The tests that run the changed statement, the nearest ones first; and whether it is run at the import."""
        run = self.lines[mutant.path]
        head = range(mutant.first, mutant.last + 1)
        found: set[str] = set().union(*(run.get(line, set()) for line in head))
        at_import = not found and any((mutant.path, line) in self.imported for line in head)
        if at_import or not mutant.inside.startswith("def "):  # who uses the name, or else the module, or else what imports it
            word = re.compile(rf"\b{re.escape(mutant.inside.removeprefix('def '))}\b" if mutant.inside else "")
            lines = [line for line, text in enumerate(source.decode().splitlines(), 1) if word.search(text)]
            found |= set().union(*(run.get(line, set()) for line in lines)) or set().union(*run.values()) or self._of_importers(mutant.path)
        return self._nearest(mutant.path, found, at_import=at_import), at_import

    def _of_importers(self, path: str) -> set[str]:
        """The tests that run a module that imports this one: what a decorator has done to a view shows when the view is asked."""
        users = [user for user in list(self.lines) if (self.root / user).is_file() and imports((self.root / user).read_text(), path)]
        return set().union(*(tests for user in users for tests in self.lines[user].values()))

    def _nearest(self, path: str, found: set[str], *, at_import: bool) -> list[str]:
        """Those of the module's own file, then those of its room. They are asked in the order of their length, or of those that cannot
        be chosen by what they run one of each file, and so on."""
        room, name = path.split("/")[1].removesuffix(".py"), Path(path).stem
        own = {test for test in found if name in Path(test.partition("::")[0]).stem}
        of_room = {test for test in found if test.startswith((f"tests/{room}/", f"tests/test_{room}"))}
        short = sorted(found, key=lambda test: (test not in of_room, self.seconds.get(test, 1), test))
        if at_import:
            return in_turn(short)[:TESTS_AT_MOST]
        chosen = set(sorted(short, key=lambda test: test not in own)[:TESTS_AT_MOST])
        return [test for test in short if test in chosen]


def imports(text: str, path: str) -> bool:
    """Whether a module of this text imports the one at ``path``."""
    package, _, name = path.removesuffix(".py").replace("/", ".").rpartition(".")
    package, name = re.escape(package), re.escape(name)
    return bool(re.search(rf"^\s*(from {package}(\.{name} import| import .*\b{name}\b)|import {package}\.{name}\b)", text, re.MULTILINE))


def in_turn(tests: Sequence[str]) -> list[str]:
    """The same tests, the first one of each file first."""
    seen: Counter[str] = Counter()
    turns = {}
    for test in tests:
        file = test.partition("::")[0]
        turns[test] = seen[file]
        seen[file] += 1
    return sorted(tests, key=turns.__getitem__)


def known_harmless(mutant: Mutant, source: bytes, listed: list[dict[str, Any]]) -> str:
    """Why nobody has to notice this one; empty, when it is not listed."""
    line, becomes = mutant.lines(source)
    for entry in listed:
        asked = (entry["file"], entry["line"], entry.get("becomes", becomes), entry.get("inside", mutant.inside))
        if asked == (mutant.path, line, becomes, mutant.inside):
            return str(entry["why"])
    return ""
