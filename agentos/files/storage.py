"""Where the bytes are: Django's storage ``agentos`` where a project has one in ``STORAGES``, else its default one. It may be far away
(files/s3.py): then it has no paths, is not asked by a thread that others wait for, and may be away, which is ``NotReached``.

The name of nothing that is stored is anybody's choice: what a person calls a file is a column, and never a path.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, Any, TypeVar

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import transaction

from agentos.core import db
from agentos.files.errors import NotReached

T = TypeVar("T")

log = logging.getLogger("agentos.server")

ALIAS = "agentos"
AT_ONCE = 8  # that ask a storage far away for a request

_later = ThreadPoolExecutor(1, thread_name_prefix="look-after-files")
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="far-files")

PIECE = 256 * 1024  # bytes
KEPT, INCOMING = "agentos/kept", "agentos/incoming"  # folders


def store() -> Storage:
    found: Storage = storages[ALIAS if ALIAS in settings.STORAGES else "default"]
    return found


def is_far() -> bool:
    return not isinstance(store(), FileSystemStorage)


async def away(work: Callable[[], T]) -> T:
    """Do what asks a storage far away in a thread for that."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)


def later(work: Callable[[], object]) -> None:
    """At once where that takes no time; a storage far away makes nobody wait."""
    if is_far():
        _later.submit(db.keep_connection, _tried, work)
    else:
        work()


def _tried(work: Callable[[], object]) -> None:
    try:
        work()
    except NotReached:
        pass  # which it has said
    except Exception:
        log.exception("Files could not be looked after.")


def trouble() -> str:
    """Say what keeps a storage far away from being used, after having used it; nothing where all is well. Takes seconds."""
    asked = getattr(store(), "trouble", None)
    return str(asked()) if asked else ""


def put(folder: str, data: bytes | IO[bytes]) -> str:
    """Store bytes under a name that nobody can guess, and return it."""
    name = secrets.token_hex(16)
    content: File[Any] = ContentFile(data) if isinstance(data, bytes) else File(data)
    return store().save(f"{folder}/{name[:2]}/{name}", content)


def fetch(name: str) -> bytes:
    with store().open(name) as file:
        data: bytes = file.read()
    return data


def size_of(name: str) -> int | None:
    """Return its size in bytes; None where it is not there."""
    try:
        return store().size(name)
    except FileNotFoundError:
        return None


def pieces(name: str, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes from ``start`` up to ``end``, a piece at a time."""
    if of_a_part := getattr(store(), "pieces", None):  # a file that is opened there is fetched whole
        yield from of_a_part(name, start, end)
        return
    with store().open(name) as file:
        file.seek(start)
        left = end - start
        while left > 0 and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def names_in(folder: str) -> list[str]:
    """Return what lies in a folder; nothing where there is none."""
    try:
        return [f"{folder}/{name}" for name in store().listdir(folder)[1]]
    except FileNotFoundError:
        return []


def remove(names: Iterable[str]) -> None:
    """Delete at once: for what no row knows of yet. What cannot be reached is found by the sweep of the storage."""
    for name in names:
        with contextlib.suppress(NotReached):
            store().delete(name)


def remove_on_commit(names: Iterable[str]) -> None:
    """Delete once it is sure that no row names them. What cannot be deleted then is found by the sweep of the storage."""
    if gone := list(names):
        transaction.on_commit(lambda: later(partial(remove, gone)), robust=True)  # no partial: Django asks what failed for its name
