"""The files that people gave, where they lie in a folder: one tar in the backup. A storage far away has backups of
its own; what a backup holds is put into it."""

import tarfile
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from agentos.core.starting.refusal import CannotStart
from agentos.files import storage
from agentos.files.errors import NotReached

FILE = "files.tar"
FOLDER = "files"  # what is unpacked


def place() -> Path | None:
    """Return the folder; None where they are elsewhere."""
    store = storage.store()
    return Path(store.location) if isinstance(store, FileSystemStorage) else None


def dump(to: Path) -> bool:
    """Copy what is kept, after the database: what goes meanwhile is left out, what comes is known to no row. Returns whether there was
    anything."""
    top = place()
    kept = top / storage.KEPT if top else None
    if top is None or kept is None or not kept.is_dir():
        return False
    with tarfile.open(to, "w") as tar:
        for file in sorted(kept.rglob("*")):
            try:
                if file.is_file():
                    tar.add(file, arcname=str(file.relative_to(top)), recursive=False)
            except FileNotFoundError:
                continue
    return True


def unpack(dumped: Path, folder: Path) -> Path:
    """Put the files of a backup into a folder of their own, and return it. What is no plain file below it is an error."""
    to = folder / FOLDER
    to.mkdir(mode=0o700)
    with tarfile.open(dumped) as tar:
        tar.extractall(to, filter="data")
    return to


def put(dumped: Path) -> None:
    """Put the files of a backup into a storage far away, under the names that rows know them by. Raises CannotStart."""
    store = storage.store()
    try:
        with tarfile.open(dumped) as tar:
            for member in tar:
                packed = tar.extractfile(member) if member.isfile() and member.name.startswith(f"{storage.KEPT}/") else None
                if packed and not store.exists(member.name):
                    store.save(member.name, ContentFile(packed.read()))
    except NotReached as error:
        why = f"{type(error.__cause__).__name__}: {error.__cause__}"
        raise CannotStart(f"The files of the backup cannot be put into their storage. {why}. Nothing else was changed.") from None
