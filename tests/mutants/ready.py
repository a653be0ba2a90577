"""A pytest plugin that collects tests, makes their database, and then runs them in forked children, each with one fault in its memory.

So a fault costs the time of the tests that run it, not the seconds in which everything is imported. `pytest -p tests.mutants.ready`
reads what to do from the first pipe that AGENTOS_MUTANTS_PIPES names, a line of JSON each time, and answers into the second: ``passed``,
``failed``, ``hung``, or ``absent`` where the fault is in what a module does when it is imported, which cannot be changed afterwards.
"""

import contextlib
import gc
import json
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.mutants.loading import load_product

ABSENT = 5  # how a child ends that could not put the fault in


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    from django.conf import settings
    from django.db import connections

    orders, answers = (int(number) for number in os.environ["AGENTOS_MUTANTS_PIPES"].split())
    items = {item.nodeid: item for item in session.items}
    first = session.items[0]  # a small one; what it shares with one of another folder stays, which is the database
    first.config.hook.pytest_runtest_protocol(item=first, nextitem=next(i for i in session.items if i.path.parent != first.path.parent))
    connections.close_all()
    database = Path(settings.DATABASES["default"]["TEST"]["NAME"])
    empty = database.read_bytes()
    load_product()
    functions = _functions()
    with os.fdopen(orders) as told, os.fdopen(answers, "w") as telling:
        for line in told:
            order = json.loads(line)
            chosen = [items[test] for test in order["tests"]]
            for file in database.parent.glob(f"{database.name}*"):
                file.unlink()
            database.write_bytes(empty)
            child = os.fork()
            if not child:
                _in_child(order, chosen, functions)
            print(_wait(child, order["seconds"]), file=telling, flush=True)
    return True


def _functions() -> dict[str, list[FunctionType]]:
    """What the product has defined, by file."""
    found = defaultdict(list)
    for each in gc.get_objects():  # some are lazy, and isinstance would ask them
        if type(each) is FunctionType and "/agentos/" in each.__code__.co_filename:
            found[each.__code__.co_filename].append(each)
    return found


def _in_child(order: dict[str, Any], items: list[pytest.Item], functions: dict[str, list[FunctionType]]) -> None:
    os.setsid()
    code = ABSENT
    try:
        path = str(Path(order["path"]).resolve())
        if _change(path, order["source"], functions[path]):
            code = 1
            code = _run(items)
    finally:
        os._exit(code)


def _change(path: str, source: str, functions: list[FunctionType]) -> bool:
    """Give the functions of a file their code in its changed text. False: nothing of it is inside a function that is there."""
    before, after = (_codes(compile(text, path, "exec", dont_inherit=True)) for text in (Path(path).read_text(encoding="utf-8"), source))
    changed = {name for name, code in before.items() if name in after and code != after[name]}
    done = False
    for function in functions:
        for name in changed:
            if _is_same(before[name], function.__code__):
                function.__code__ = after[name]
                done = True
    from agentos.core.db.prepared import Query

    for query in gc.get_objects() if done else ():
        if type(query) is Query:
            query.statements.clear()
    return done


def _codes(code: CodeType) -> dict[tuple[str, int], CodeType]:
    """All code in a module by its name, and its place among those of that name."""
    found: dict[tuple[str, int], CodeType] = {}
    for each in _inside(code):
        found[each.co_qualname, sum(name == each.co_qualname for name, _ in found)] = each
    return found


def _inside(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _inside(each)


def _is_same(code: CodeType, other: CodeType) -> bool:
    return (code.co_qualname, code.co_firstlineno, code.co_code) == (other.co_qualname, other.co_firstlineno, other.co_code)


def _run(items: list[pytest.Item]) -> int:
    """Run until one fails."""
    failed: list[str] = []

    class Listening:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failed.append(report.nodeid)

    items[0].config.pluginmanager.register(Listening())
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if failed:
            break
    items[0].session._setupstate.teardown_exact(None)  # servers that a fixture has started
    return len(failed)


def _wait(child: int, seconds: float) -> str:
    until, status = time.monotonic() + seconds, None
    while status is None and time.monotonic() < until:
        done, found = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(found)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if status is None:
        os.waitpid(child, 0)
        return "hung"
    return {0: "passed", ABSENT: "absent"}.get(status, "failed")
