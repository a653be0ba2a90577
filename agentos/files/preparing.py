"""From bytes to what can be kept: what they are, whether they are clean, and of pictures the copies. No database is asked here, and it may
take a while: outside transactions, and never on the event loop."""

import hashlib
import tempfile
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from django.utils.translation import gettext as _

from agentos.core import pictures
from agentos.files import scanning, storage
from agentos.files.errors import FileError, NotTaken
from agentos.files.models import Kind
from agentos.files.names import checked_name, with_ending
from agentos.files.sniffing import sniffed

CHUNK = 256 * 1024


class Busy(FileError):
    status = 503
    code = "unavailable"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Bytes that are in the storage already, and no row knows of: kept by ``keeping.keep``, or taken out again by ``drop``."""

    name: str
    mime: str
    kind: Kind
    size: int
    sha256: str
    storage_name: str
    small_name: str = ""
    thumb_name: str = ""
    width: int | None = None
    height: int | None = None
    seconds: float | None = None

    @property
    def stored_names(self) -> list[str]:
        return [name for name in (self.storage_name, self.small_name, self.thumb_name) if name]

    def drop(self) -> None:
        storage.remove(self.stored_names)


def prepare(data: bytes | IO[bytes], *, name: str, seconds: float | None = None) -> Prepared:
    """Look at bytes, and put what is kept of them into the storage. ``name``: as people call it; its ending has to agree with the bytes.
    ``seconds``: of sound, where the caller knows.

    Raises NotTaken, Infected, NotScanned, Busy.
    """
    called = checked_name(name)
    with tempfile.TemporaryFile() as file:
        size, digest = _copied(BytesIO(data) if isinstance(data, bytes) else data, file)
        if not size:
            raise NotTaken(_("%(name)s is empty.") % {"name": called})
        found = sniffed(file, called)
        scanning.check(file, called)
        if found.kind == Kind.PICTURE:
            return _prepared_picture(file, called)
        file.seek(0)
        return Prepared(called, found.mime, found.kind, size, digest, storage.put(storage.KEPT, file), seconds=seconds)


def _prepared_picture(file: IO[bytes], name: str) -> Prepared:
    file.seek(0)
    try:
        made = pictures.copies(file)
    except pictures.NotAPicture:
        raise NotTaken(_("%(name)s cannot be taken: it cannot be read as a picture, or has too many pixels.") % {"name": name}) from None
    except pictures.Busy:
        raise Busy(_("Many pictures are being prepared. Try again in a moment.")) from None
    whole, small, thumb = (storage.put(storage.KEPT, data) for data in (made.whole, made.small, made.thumb))
    return Prepared(
        with_ending(name, made.ending) if made.mime not in _of_ending(name) else name,
        made.mime,
        Kind.PICTURE,
        len(made.whole),
        hashlib.sha256(made.whole).hexdigest(),
        whole,
        small,
        thumb,
        width=made.width,
        height=made.height,
    )


def _of_ending(name: str) -> str:
    lowered = name.lower()
    return "image/jpeg" if lowered.endswith((".jpg", ".jpeg")) else f"image/{lowered.rpartition('.')[2]}"


def _copied(source: IO[bytes], to: IO[bytes]) -> tuple[int, str]:
    """Copy all of it. Returns its size and its SHA-256."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        to.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    to.flush()
    to.seek(0)
    return size, digest.hexdigest()
