"""Where the bytes are: Django's storage ``agentos`` where a project has one in ``STORAGES``, else its default one.

The name of nothing that is stored is anybody's choice: what a person calls a file is a column, and never a path.
"""

import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import transaction

ALIAS = "agentos"
_remover = ThreadPoolExecutor(1, thread_name_prefix="remove-files")

PIECE = 256 * 1024  # bytes
KEPT, INCOMING = "agentos/kept", "agentos/incoming"  # folders


def store() -> Storage:
    found: Storage = storages[ALIAS if ALIAS in settings.STORAGES else "default"]
    return found


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
    bucket = getattr(store(), "bucket", None)
    if bucket is not None:  # S3: a file that it opens is fetched whole first
        told = {"Key": store()._normalize_name(name), "Range": f"bytes={start}-{end - 1}"}  # type: ignore[attr-defined]  # noqa: SLF001
        yield from bucket.Object(told["Key"]).get(Range=told["Range"])["Body"].iter_chunks(PIECE)
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
    """Delete at once: for what no row knows of yet."""
    for name in names:
        store().delete(name)


def remove_on_commit(names: Iterable[str]) -> None:
    """Delete once it is sure that no row names them. What cannot be deleted then is found by the sweep of the storage."""
    if gone := list(names):
        transaction.on_commit(partial(_remove_soon, gone), robust=True)


def _remove_soon(names: list[str]) -> None:
    """At once where that takes no time; a store far away makes nobody wait."""
    if isinstance(store(), FileSystemStorage):
        remove(names)
    else:
        _remover.submit(remove, names)
