"""Keeping bytes: what was looked at becomes a row, and stands in the storage.

    blob = keep_bytes(owner=user, data=b"...", name="report.pdf")      all of it; slow: outside transactions, never on the loop
    blob = await keep_bytes_away(owner=user, data=..., name=...)       the same, from the loop

A blob that nobody refers to by a foreign key an hour later is swept. All bytes that come from outside come through ``preparing.prepare``:
nothing is kept that was not looked at.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, TypeVar

from django.db import IntegrityError, transaction

from agentos.access.users import User
from agentos.core import db
from agentos.files import quotas
from agentos.files.models import Blob, in_an_hour
from agentos.files.preparing import Prepared, prepare

T = TypeVar("T")

AT_ONCE = 2  # files that are prepared

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="prepare-file")


def keep_bytes(*, owner: User, data: bytes | IO[bytes], name: str, seconds: float | None = None) -> Blob:
    """Keep bytes for somebody, and return where they are: the same blob for the same bytes. ``name``: as people call them; it is not kept
    here. ``seconds``: of sound, where that is known.

    Raises NotTaken, TooLarge, NoRoom, Infected, NotScanned.
    """
    return keep(owner=owner, prepared=prepare(data, name=name, seconds=seconds))


async def keep_bytes_away(*, owner: User, data: bytes | IO[bytes], name: str, seconds: float | None = None) -> Blob:
    """Do ``keep_bytes`` in other threads."""
    prepared = await run_away(partial(prepare, data, name=name, seconds=seconds))
    return await db.write(keep, owner=owner, prepared=prepared)


async def run_away(work: Callable[[], T]) -> T:
    """Do what takes its time and asks no database in one of the few threads for that."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)


def keep(*, owner: User, prepared: Prepared) -> Blob:
    """Make a row of what was prepared. In the storage nothing is left over, however it ends. Raises TooLarge, NoRoom."""
    try:
        with transaction.atomic():
            if blob := _known(owner, prepared):
                transaction.on_commit(prepared.drop, robust=True)
                return blob
            quotas.check_size(prepared.name, prepared.size)
            quotas.check_room(owner, prepared.size)
            return _new_blob(owner, prepared)
    except IntegrityError:  # the same bytes came by another way meanwhile
        with transaction.atomic():
            if blob := _known(owner, prepared):
                transaction.on_commit(prepared.drop, robust=True)
                return blob
        raise
    except BaseException:
        prepared.drop()
        raise


def _known(owner: User, prepared: Prepared) -> Blob | None:
    """The blob of these bytes, which is held for an hour from now."""
    same = Blob.objects.filter(owner=owner, sha256=prepared.sha256)
    return same.first() if same.update(sweep_after=in_an_hour()) else None


def _new_blob(owner: User, prepared: Prepared) -> Blob:
    columns = ("sha256", "size", "mime", "kind", "width", "height", "seconds", "storage_name", "small_name", "thumb_name")
    return Blob.objects.create(owner=owner, **{name: getattr(prepared, name) for name in columns})
