"""What nobody holds any more, and what never arrived. Each of its queries finds its rows by an index of such rows alone: what is kept
costs nothing (tests/test_periodic.py). Bytes that no row knows are looked for a folder at a time: in a week all have had their turn.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from agentos.core import clock
from agentos.files import storage
from agentos.files.holding import Held, unheld
from agentos.files.models import Attachment, Blob, Slice, Upload

BATCH = 50
UPLOAD_LIFE = timedelta(hours=24)
FOLDERS = 256
A_FOLDER = timedelta(days=7) / FOLDERS
LOST = timedelta(days=1)  # that bytes have been there without a row


def sweep() -> None:
    """Do all of it once."""
    for model in (Attachment, Blob):  # in this order: attachments hold blobs
        _sweep_unheld(model)
    old = Upload.objects.filter(updated_at__lt=clock.now() - UPLOAD_LIFE).order_by("updated_at")[:BATCH]
    for upload in old:
        upload.delete()
    _sweep_next_folder()


class _Place:
    last = -1  # the folder that this process has looked into


def _sweep_next_folder() -> None:
    """Which folder it is, the time says: all have had their turn in a week, whoever looks and however often it is started."""
    number = int(clock.now().timestamp() // A_FOLDER.total_seconds()) % FOLDERS
    if number != _Place.last:
        _Place.last = number
        storage.later(partial(sweep_storage, f"{number:02x}"))


def _sweep_unheld(model: Held) -> None:
    with transaction.atomic():
        due: QuerySet[Any] = model.objects.filter(sweep_after__lt=clock.now()).order_by("sweep_after")
        keys = [row.pk for row in due.select_for_update()[:BATCH]]
        if not keys:
            return
        for each in unheld(model).filter(pk__in=keys):
            each.delete()
        model.objects.filter(pk__in=keys, sweep_after__lt=clock.now()).update(sweep_after=None)


def sweep_storage(folder: str) -> int:
    """Delete what is in one of the 256 folders of kept bytes, and of slices, and no row knows. Returns how much."""
    before = clock.now() - LOST
    gone = 0
    for top, known in ((storage.KEPT, _known_blobs), (storage.INCOMING, _known_slices)):
        names = storage.names_in(f"{top}/{folder}")
        lost = [name for name in set(names) - known(names) if storage.store().get_modified_time(name) < before]
        storage.remove(lost)
        gone += len(lost)
    return gone


def _known_blobs(names: list[str]) -> set[str]:
    columns = ("storage_name", "small_name", "thumb_name")
    found: set[str] = set()
    for column in columns:
        found |= set(Blob.objects.filter(**{f"{column}__in": names}).values_list(column, flat=True))
    return found


def _known_slices(names: list[str]) -> set[str]:
    return set(Slice.objects.filter(storage_name__in=names).values_list("storage_name", flat=True))
