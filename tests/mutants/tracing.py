"""A pytest plugin that writes down which test runs which line of the product: `pytest -p tests.mutants.tracing`, in any worker.

The folder that AGENTOS_MUTANTS_MAP names is given a data file of coverage, the seconds of each test, and the names of those that fail.
"""

import gc
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

from tests.mutants.loading import load_product

FOLDER = Path(os.environ["AGENTOS_MUTANTS_MAP"])
tracer = coverage.Coverage(source=["agentos"], data_file=str(FOLDER / "coverage"), data_suffix=True, config_file=False)
tracer.set_option("run:relative_files", True)
tracer.start()


def pytest_collection_finish() -> None:
    load_product()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _forget_statements()
    tracer.switch_context(item.nodeid)
    begun = time.monotonic()
    result = yield
    with (FOLDER / f"seconds-{os.getpid()}.jsonl").open("a") as file:
        file.write(json.dumps([item.nodeid, round(time.monotonic() - begun, 2)]) + "\n")
    tracer.switch_context("")
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        with (FOLDER / f"failing-{os.getpid()}.jsonl").open("a") as file:
            file.write(json.dumps(report.nodeid) + "\n")


_queries: list[object] = []


def _forget_statements() -> None:
    """Prepared queries are built in the first test that needs them, and would be taken for its own."""
    from agentos.core.db.prepared import Query

    if not _queries:
        _queries.extend(found for found in gc.get_objects() if type(found) is Query)
    for query in _queries:
        query.statements.clear()  # type: ignore[attr-defined]


def pytest_sessionfinish() -> None:
    tracer.stop()
    tracer.save()
