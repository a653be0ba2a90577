"""Pieces of work that become one transaction: every commit waits for the disk, and writes the same pages again."""

import contextlib
from asyncio import Future
from collections.abc import Callable
from typing import Any

from django.db import connections, transaction

from agentos.core import loops

Waiting = list[tuple[Callable[[], Any], "Future[Any]"]]  # work, and where its result goes


def leave_out_given_up(waiting: Waiting) -> None:
    waiting[:] = [(work, future) for work, future in waiting if not future.cancelled()]


def as_one(waiting: Waiting) -> None:
    """Do it all in one transaction and take it off the list; or nothing of it, when something failed."""
    stored: list[bool] = []
    results: list[Any] = []
    with contextlib.suppress(Exception), transaction.atomic():
        transaction.on_commit(lambda: stored.append(True))  # the first of the hooks: whatever the others do, it is stored
        results = [work() for work, _ in waiting]
        _let_no_hook_end_the_others()
    if stored:
        for (_, future), result in zip(waiting, results, strict=True):
            give(future, result)
        waiting.clear()


def _let_no_hook_end_the_others() -> None:
    """What follows a commit belongs to several people here: where one's hook breaks, Django logs it and goes on with the next."""
    connection: Any = connections["default"]  # the stubs do not know how many belong to a hook
    connection.run_on_commit = [(savepoints, hook, True) for savepoints, hook, _ in connection.run_on_commit]


def each(waiting: Waiting) -> None:
    """One piece after the other, each taken off the list when it is done."""
    while waiting:
        work, future = waiting[0]
        try:
            give(future, work())
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for the work
            give(future, error=error)
        del waiting[0]


def give(future: "Future[Any]", result: object = None, error: BaseException | None = None) -> None:
    """Hand over what came of the work, from whatever thread: to a loop that still runs, and to somebody who still waits."""
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loops.tell(future.get_loop(), _settle, future, result, error)


def _settle(future: "Future[Any]", result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
