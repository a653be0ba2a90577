"""Putting a backup back: whole, or not at all. What was there before is kept aside, never deleted."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from agentos.conf import app_settings
from agentos.core import clock
from agentos.core.starting import lock, migrations
from agentos.core.starting import sqlite as own
from agentos.core.starting.refusal import CannotStart
from agentos.files.models import Blob
from agentos.operations.backup import archive, postgresql, secret, sqlite
from agentos.operations.backup import files as given
from agentos.operations.backup.archive import Manifest

BESIDE = ("-wal", "-shm", "-journal")  # files that SQLite puts beside a database


@dataclass(frozen=True)
class Restored:
    """``aside``: where what was there before is now. ``is_older``: it needs migrations of this version.

    ``lacks_files``: people gave files, and none is in the backup.
    ``knows_secret``: whether the key that counts from now on is the one that sealed what is in the backup.
    """

    manifest: Manifest
    aside: str
    is_older: bool
    knows_secret: bool
    lacks_files: bool


def restore(path: Path, *, force: bool = False) -> Restored:
    """Raises CannotStart, and then everything is as it was."""
    aside = f"before_restore_{clock.now():%Y%m%d_%H%M%S_%f}"
    connections.close_all()
    if connection.vendor == "sqlite":
        return _into_folder(path.absolute(), aside, force=force)
    return _into_postgresql(path.absolute(), aside, force=force)


def _into_postgresql(path: Path, aside: str, *, force: bool) -> Restored:
    _data().mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.working_folder(_data() / "restore") as folder:
        manifest = _unpacked(path, folder, "postgresql")
        places = {folder / secret.FILE: _data() / secret.FILE} if secret.FILE in manifest.files else {}
        places |= _files(manifest, folder)  # first: a storage far away may not answer, and nothing is changed then
        was_there = postgresql.restore(folder / postgresql.FILE, manifest.counts, force=force, aside=aside)
        _swap(places, _data() / aside, list(places.values()))
    return _restored(manifest, f"the schema {aside}" if was_there else "")


def _into_folder(path: Path, aside: str, *, force: bool) -> Restored:
    database = own.database()
    if database is None:
        raise CannotStart("The database is in memory: nothing can be restored into it.")
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock.take(database)
    try:
        is_there = database.exists() and database.stat().st_size > 0
        if is_there and not force:
            raise CannotStart(f"There is a database already: {database}. With --force it is kept aside, and the backup takes its place.")
        with archive.working_folder(database) as folder:
            manifest = _unpacked(path, folder, "sqlite")
            if sqlite.look(folder / sqlite.FILE)[0] != manifest.counts:
                raise CannotStart(f"{path} is damaged: its database has not as many rows as it should. Nothing was changed.")
            places = {folder / sqlite.FILE: database}
            if secret.FILE in manifest.files:
                places[folder / secret.FILE] = _data() / secret.FILE
            beside = [database.with_name(database.name + end) for end in BESIDE]
            given_files = _files(manifest, folder)
            places |= given_files
            beside += given_files.values()
            # A key without a database has sealed nothing: this command may have made it itself.
            kept = _swap(places, database.parent / aside, list(dict.fromkeys([*places.values(), *beside])) if is_there else beside)
        return _restored(manifest, str(database.parent / aside) if kept else "")
    finally:
        lock.release()


def _unpacked(path: Path, folder: Path, wanted: str) -> Manifest:
    manifest = archive.unpack(path, folder)
    if manifest.database != wanted:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        raise CannotStart(
            f"{path} is a backup of {names.get(manifest.database, manifest.database)}, and this installation is on {names[wanted]}. "
            "Restore it where its database is the same; `agentos move` brings one from SQLite to PostgreSQL."
        )
    known = set(MigrationLoader(None).disk_migrations or ())
    if unknown := [f"{app}.{name}" for app, name in manifest.migrations if (app, name) not in known and migrations.is_ours(app)]:
        raise CannotStart(
            f"{path} was made by a newer version of AgentOS than this one: it has the migration {unknown[0]}. Restore it with that version."
        )
    return manifest


def _files(manifest: Manifest, folder: Path) -> dict[Path, Path]:
    """The files that people gave, and where they belong: a storage far away has them by then. A backup without any leaves what is there."""
    to = given.place()
    if given.FILE not in manifest.files:
        return {}
    if to is None:
        given.put(folder / given.FILE)
        return {}
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {given.unpack(folder / given.FILE, folder): to}


def _restored(manifest: Manifest, aside: str) -> Restored:
    known = {(app, name) for app, name in MigrationLoader(None).disk_migrations or () if migrations.is_ours(app)}
    is_older = bool(known - {(app, name) for app, name in manifest.migrations})
    knows = manifest.secret == secret.INCLUDED or manifest.key_check == secret.check()
    lacks_files = given.FILE not in manifest.files and manifest.counts.get(Blob._meta.db_table, 0) > 0  # noqa: SLF001
    return Restored(manifest, aside, is_older, knows, lacks_files)


def _swap(places: dict[Path, Path], aside: Path, keep: list[Path]) -> bool:
    """Move files to their places, and those of ``keep`` that are there to ``aside``; what cannot be done is undone. Returns whether
    something was kept."""
    done: list[tuple[Path, Path]] = []

    def move(what: Path, to: Path) -> None:
        what.rename(to)
        done.append((what, to))

    there = [file for file in keep if file.exists()]
    try:
        if there:
            aside.mkdir(mode=0o700)
        for file in there:
            move(file, aside / file.name)
        for what, to in places.items():
            os.chmod(what, 0o700 if what.is_dir() else 0o600)  # noqa: PTH101
            move(what, to)
        for folder in {to.parent for to in places.values()}:
            archive.sync(folder)
    except BaseException:
        for what, to in reversed(done):
            to.rename(what)
        raise
    return bool(there)


def _data() -> Path:
    return Path(app_settings.DATA_DIR)
