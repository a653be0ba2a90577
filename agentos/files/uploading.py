"""The door: files come in slices, each a request of its own, so that they pass proxies and survive a network that is cut.

    begin(by=user, name="a.pdf", size=7_000_000)     what is too large is refused before a byte is sent; ``size`` None: nobody knows it yet
    put_slice(upload=..., number=0, data=...)        any order, any number of times: a slice that was acknowledged is kept
    finish(upload=...)                               a blob; for whoever refers to it within an hour

What it is for is not known here: files of a message, documents, recordings.
"""

import tempfile
from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import IO

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.core import clock, db
from agentos.files import keeping, quotas, storage
from agentos.files.errors import FileError, Infected, NoSuchUpload, NotTaken, TooLarge, Unfinished
from agentos.files.models import Blob, Slice, Upload
from agentos.files.names import checked_name
from agentos.files.preparing import Prepared, prepare
from agentos.files.webm import with_duration

SLICE = 1_000_000  # bytes: nginx takes 1 MiB of a body by itself, and so do we
UPLOADS_AT_ONCE = 60  # of one person that have not ended
SLICES = 20_000  # of one upload whose size is not known: five hours of a slice a second


class TooManyUploads(FileError):
    code = "too_many_uploads"

    def __init__(self) -> None:
        super().__init__(_("Many of your files are on their way already. Wait until some have arrived."))


class BadSlice(FileError):
    status = 422
    code = "bad_slice"


def begin(*, by: User, name: str, size: int | None) -> Upload:
    """Raises TooLarge, NoRoom, TooManyUploads, ``Problem`` 429."""
    quotas.check_rate(by)
    called = checked_name(name)
    if size is not None:
        quotas.check_size(called, size)
    with transaction.atomic():
        quotas.check_room(by, size or 0)
        if Upload.objects.filter(owner=by).count() >= UPLOADS_AT_ONCE:
            raise TooManyUploads
        return Upload.objects.create(owner=by, name=called, size=size)


def upload_of(user: User, upload_id: str) -> Upload:
    """Raises NoSuchUpload."""
    if found := Upload.objects.filter(owner=user, upload_id=upload_id).first():
        return found
    raise NoSuchUpload


def numbers(upload: Upload) -> list[int]:
    """The slices that have arrived."""
    return list(upload.slices.values_list("number", flat=True))


def put_slice(*, upload: Upload, number: int, data: bytes) -> None:
    """Keep a slice; it is on disk when this returns. The same one again takes the place of the first.

    Raises BadSlice, TooLarge, NoRoom, NoSuchUpload, NotReached.
    """
    _check_slice(upload, number, len(data))
    _keep_slice(upload, number, len(data), storage.put(storage.INCOMING, data))


async def put_slice_away(*, upload: Upload, number: int, data: bytes) -> None:
    """Do ``put_slice`` in other threads: for a storage that is far away."""
    _check_slice(upload, number, len(data))
    name = await storage.away(partial(storage.put, storage.INCOMING, data))
    await db.write(_keep_slice, upload, number, len(data), name)


def _keep_slice(upload: Upload, number: int, size: int, name: str) -> None:
    try:
        with transaction.atomic():
            _take_slice(upload, number, size, name)
    except BaseException:
        storage.later(partial(storage.remove, [name]))
        raise


def _check_slice(upload: Upload, number: int, size: int) -> None:
    if upload.size is None:
        is_good = 0 < size <= SLICE and 0 <= number < SLICES
    else:
        is_good = number >= 0 and size == min(SLICE, upload.size - number * SLICE) and size > 0
    if not is_good:
        raise BadSlice(_("This slice is not one of this file."))


def _take_slice(upload: Upload, number: int, size: int, name: str) -> None:
    locked = Upload.objects.select_for_update().filter(pk=upload.pk).first()
    if locked is None:
        raise NoSuchUpload
    before = Slice.objects.filter(upload=locked, number=number).first()
    more = size - (before.size if before else 0)
    if locked.size is None:
        if locked.received + more > quotas.file_limit():
            raise TooLarge(locked.name, quotas.file_limit())
        quotas.check_room(locked.owner, more)
    if before:
        before.delete()
    Slice.objects.create(upload=locked, number=number, size=size, storage_name=name)
    Upload.objects.filter(pk=locked.pk).update(received=F("received") + more, updated_at=clock.now())


def finish(*, upload: Upload, seconds: float | None = None) -> Blob:
    """Make a blob of all slices. Slow: outside transactions, never on the loop. When it is refused for what it is, it is gone; when its
    slices are not all here, or the scanner cannot be asked, it stays.

    Raises Unfinished, NotTaken, Infected, NotScanned, NotReached, NoRoom.
    """
    slices = _slices(upload)
    try:
        return _end(upload, _prepared(upload, slices, seconds))
    except FileError as error:
        raise _refuse(upload, error) from None


async def finish_away(*, upload: Upload, seconds: float | None = None) -> Blob:
    """Do ``finish`` in other threads."""
    slices = await db.read(_slices, upload)
    try:
        prepared = await keeping.run_away(partial(_prepared, upload, slices, seconds))
        return await db.write(_end, upload, prepared)
    except FileError as error:
        raise await db.write(_refuse, upload, error) from None


def cancel(*, upload: Upload) -> None:
    upload.delete()


def _slices(upload: Upload) -> list[Slice]:
    found = list(upload.slices.all())
    is_whole = all(after.number == before.number + 1 for before, after in pairwise(found)) and (not found or found[0].number == 0)
    if not found or not is_whole or (upload.size is not None and sum(each.size for each in found) != upload.size):
        raise Unfinished(upload.name)
    return found


def _prepared(upload: Upload, slices: Iterable[Slice], seconds: float | None) -> Prepared:
    with tempfile.TemporaryFile() as whole:
        _join(slices, whole, seconds)
        return prepare(whole, name=upload.name, seconds=seconds)


def _refuse(upload: Upload, error: FileError) -> FileError:
    """What was refused for what it is needs no second look."""
    if isinstance(error, (NotTaken, Infected)):
        upload.delete()
    return error


def _join(slices: Iterable[Slice], whole: IO[bytes], seconds: float | None) -> None:
    for each in slices:
        data = storage.fetch(each.storage_name)
        whole.write(with_duration(data, seconds) if seconds and each.number == 0 else data)
    whole.seek(0)


def _end(upload: Upload, prepared: Prepared) -> Blob:
    """The blob takes the room that the upload had."""
    try:
        with transaction.atomic():
            if Upload.objects.filter(pk=upload.pk).delete()[0]:
                return keeping.keep(owner=upload.owner, prepared=prepared)
    except BaseException:
        prepared.drop()  # once more where ``keep`` did: then there is nothing
        raise
    prepared.drop()
    raise NoSuchUpload
