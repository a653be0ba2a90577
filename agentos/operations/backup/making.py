"""Making a backup, while the server works or while it does not."""

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from django.db import connection

from agentos.core import clock
from agentos.core.starting import sqlite as own
from agentos.core.starting.refusal import CannotStart
from agentos.operations.backup import archive, postgresql, secret, sqlite
from agentos.operations.backup import files as given
from agentos.operations.backup.archive import Manifest


@dataclass(frozen=True)
class Made:
    path: Path
    size: int
    manifest: Manifest
    without_files: bool

    @property
    def rows(self) -> int:
        return sum(self.manifest.counts.values())


def make(path: Path, *, force: bool = False, without_secret: bool = False) -> Made:
    """Write everything that the installation is into one file, but files of people that are far away. Raises CannotStart, and then there
    is no new file."""
    path = path.absolute()
    archive.check_free(path, force=force)
    with archive.working_folder(path) as folder:
        if connection.vendor == "sqlite":
            name, (counts, migrations) = sqlite.FILE, sqlite.dump(_file(), folder / sqlite.FILE)
        else:
            name, (counts, migrations) = postgresql.FILE, postgresql.dump(folder / postgresql.FILE)
        files = {name: folder / name}
        if given.dump(folder / given.FILE):
            files[given.FILE] = folder / given.FILE
        key = secret.file()
        if key and not without_secret:
            files[secret.FILE] = key
        manifest = Manifest(
            version=version(),
            made_at=clock.now().isoformat(timespec="seconds"),
            database=connection.vendor,
            migrations=migrations,
            counts=counts,
            files={label: archive.digest(file) for label, file in files.items()},
            secret=secret.ENVIRONMENT if key is None else secret.LEFT_OUT if without_secret else secret.INCLUDED,
            key_check=secret.check(),
        )
        archive.write(path, manifest, files, force=force)
    return Made(path, path.stat().st_size, manifest, without_files=given.place() is None)


def version() -> str:
    try:
        return metadata.version(archive.PROGRAM)
    except metadata.PackageNotFoundError:  # a checkout
        return "unknown"


def _file() -> Path:
    database = own.database()
    if database is None:
        raise CannotStart("The database is in memory: there is nothing to back up.")
    return database
