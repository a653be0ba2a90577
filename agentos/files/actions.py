"""What people do with the files that they are going to send: name one, take it back, send it."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.files import quotas
from agentos.files.errors import FileError, NoSuchFile
from agentos.files.models import Attachment, Blob
from agentos.files.names import checked_name


class TooManyFiles(FileError):
    status = 422
    code = "too_many_files"

    def __init__(self) -> None:
        super().__init__(_("A message can have %(limit)s files.") % {"limit": quotas.FILES_A_MESSAGE})


def attach(*, by: User, blob: Blob, name: str, place: str = "") -> Attachment:
    """Give a blob of one's own a name, so that it can go with a message. ``place``: see Attachment. Raises TooManyFiles, NoSuchFile."""
    if blob.owner_id != by.pk:
        raise NoSuchFile
    with transaction.atomic():
        if place:
            User.objects.select_for_update(no_key=True).only("pk").get(pk=by.pk)
            if Attachment.objects.filter(owner=by, place=place).count() >= quotas.FILES_A_MESSAGE:
                raise TooManyFiles
        return Attachment.objects.create(owner=by, blob=blob, name=checked_name(name), place=place)


def discard(*, by: User, file_id: str) -> None:
    """Take back a file that was not sent. Raises NoSuchFile."""
    with transaction.atomic():
        found = Attachment.objects.select_for_update().filter(owner=by, file_id=file_id, sweep_after__isnull=False).first()
        if found is None:
            raise NoSuchFile
        found.delete()


def take(*, by: User, file_ids: Sequence[str]) -> list[Attachment]:
    """Take files of one's own that were not sent yet, in the transaction that sends them, in this order. Nobody takes them again.

    Raises NoSuchFile when one of them is somebody else's, was sent already or is no more, and TooManyFiles.
    """
    wanted = list(dict.fromkeys(file_ids))
    if len(wanted) > quotas.FILES_A_MESSAGE:
        raise TooManyFiles
    if not wanted:
        return []
    pending = Attachment.objects.filter(owner=by, file_id__in=wanted, sweep_after__isnull=False)
    found = {attachment.file_id: attachment for attachment in pending.select_related("blob")}
    if found.keys() != set(wanted) or pending.update(place="", sweep_after=None) != len(wanted):
        raise NoSuchFile
    return [found[file_id] for file_id in wanted]
