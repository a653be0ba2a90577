"""The file of a backup: a compressed tar of a manifest, and of what the manifest names with its size and its checksum.

A damaged one is found before anything of it is used: every byte is read, and every checksum compared.
"""

import contextlib
import gzip
import hashlib
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from agentos.core.starting.refusal import CannotStart

FORMAT = 1
PROGRAM = "agentos-django"
MANIFEST = "manifest.json"
MANIFEST_BYTES = 16 * 1024 * 1024  # at most
CHUNK = 1024 * 1024
LEVEL = 4  # of the compression: more takes longer than it saves
BROKEN = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class Manifest:
    """``database``: sqlite or postgresql. ``counts``: rows of each table. ``files``: size and SHA-256 of each, by its name here.

    ``secret``: whether SECRET_KEY is among the files: included, left out, or environment. ``key_check``: by which the right one is known.
    """

    version: str
    made_at: str
    database: str
    migrations: list[list[str]]
    counts: dict[str, int]
    files: dict[str, dict[str, Any]]
    secret: str
    key_check: str
    program: str = PROGRAM
    format: int = FORMAT


def digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def check_free(path: Path, *, force: bool) -> None:
    """Raises CannotStart when no backup may be written there."""
    if path.is_dir():
        raise CannotStart(f"{path} is a folder. Name the file that the backup is written to, for example {path / 'agentos.backup'}.")
    if not path.parent.is_dir():
        raise CannotStart(f"There is no folder {path.parent}. Make it first, or name another file.")
    if path.exists() and not force:
        raise CannotStart(f"{path} is there already. Name another file, or overwrite it with --force.")


@contextlib.contextmanager
def working_folder(beside: Path) -> Iterator[Path]:
    """Give a folder for its owner alone, on the same disk, that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f".{beside.name}.", dir=beside.parent) as name:
        yield Path(name)


def write(path: Path, manifest: Manifest, files: Mapping[str, Path], *, force: bool) -> None:
    """Write it beside ``path`` and rename it, for its owner alone. ``files``: what is put in, by its name there."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=LEVEL, filename="") as packed:
                _fill(packed, manifest, files)
            out.flush()
            os.fsync(out.fileno())
        if force:
            beside.replace(path)
        else:
            _put_new(beside, path)
        sync(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _fill(packed: Any, manifest: Manifest, files: Mapping[str, Path]) -> None:
    with tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        text = json.dumps(asdict(manifest), indent=1).encode()
        tar.addfile(_member(MANIFEST, len(text)), BytesIO(text))
        for name, file in files.items():
            with file.open("rb") as data:
                tar.addfile(_member(name, file.stat().st_size), data)


def _put_new(beside: Path, path: Path) -> None:
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        raise CannotStart(f"{path} is there already: somebody has just made it. Name another file.") from None
    except OSError:  # a file system without links
        beside.rename(path)


def _member(name: str, size: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.mode = size, 0o600
    return made


def unpack(path: Path, folder: Path) -> Manifest:
    """Read all of it, and put its files into ``folder``. Raises CannotStart for what is no backup, or a damaged one."""
    try:
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as packed:
            with tarfile.open(fileobj=packed, mode="r|") as tar:
                manifest = _read_manifest(tar)
                found = set()
                while member := tar.next():
                    _take(tar, member, manifest, folder)
                    found.add(member.name)
            while packed.read(CHUNK):  # to its end, where its checksum is
                pass
    except FileNotFoundError:
        raise CannotStart(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise CannotStart(f"{path} is a folder, and no backup.") from None
    except BROKEN as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise CannotStart(f"{path} is no backup of AgentOS, or a damaged one ({said}). Nothing was changed. Take another one.") from None
    if missing := manifest.files.keys() - found:
        raise CannotStart(f"{path} is damaged: {', '.join(sorted(missing))} is missing. Nothing was changed. Take another one.")
    return manifest


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    data = tar.extractfile(member) if member is not None and member.name == MANIFEST and member.size <= MANIFEST_BYTES else None
    if data is None:
        raise ValueError("it does not begin with a manifest")
    told = json.loads(data.read())
    if told["program"] != PROGRAM or not isinstance(told["format"], int):
        raise ValueError("its manifest is not ours")
    if told["format"] > FORMAT:
        raise CannotStart("This backup was made by a newer version of AgentOS than this one. Restore it with that version.")
    return Manifest(**{field.name: told[field.name] for field in fields(Manifest)})


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, manifest: Manifest, folder: Path) -> None:
    about = manifest.files[member.name]
    data = tar.extractfile(member) if member.isreg() and member.size == about["size"] else None
    if data is None or "/" in member.name or member.name.startswith("."):
        raise ValueError(f"{member.name} is not what the manifest says")
    if _copy(data, folder / member.name) != about["sha256"]:
        raise ValueError(f"the checksum of {member.name} is wrong")


def _copy(data: IO[bytes], to: Path) -> str:
    found = hashlib.sha256()
    with os.fdopen(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
        while chunk := data.read(CHUNK):
            found.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return found.hexdigest()


def sync(folder: Path) -> None:
    """Let renames in this folder be on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
