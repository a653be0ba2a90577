"""Where the bytes are: Django's storage ``agentos`` where a project has one in ``STORAGES``, else its default one.

The name of nothing that is stored is anybody's choice: what a person calls a file is a column, and never a path.
"""

import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import transaction

ALIAS = "agentos"
_remover = ThreadPoolExecutor(1, thread_name_prefix="remove-files")

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
