"""The data folder, which is for its owner alone, and the secret that a local installation makes for itself."""

import contextlib
import glob
import os
import pwd
import secrets
import sqlite3
import stat
import tempfile
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
OTHERS = 0o077
ROOT = 0
SECRET_BYTES = 64
WHOLE = 86  # characters that these bytes are written in
SHORTEST = 50  # of a secret that somebody has put there


def private_folder(folder: Path) -> None:
    """Make the folder, or take from others what they may do with it and with the files in it.

    Raises ImproperlyConfigured when it cannot be used, or belongs to somebody else.
    """
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        _check_owner(folder)
        mend(folder, PRIVATE_FOLDER)
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process has just taken it away
                if stat.S_ISREG(path.lstat().st_mode):
                    mend(path, PRIVATE_FILE)
    except OSError as error:
        msg = (
            f"The data folder {folder} cannot be used: {error.strerror or error}. "
            "Give it to the user that runs this, or name another one with AGENTOS_DATA_DIR."
        )
        raise ImproperlyConfigured(msg) from None


def private_database(path: Path) -> None:
    """Take from others what they may do with a SQLite database and with the files beside it, wherever they are."""
    for file in path.parent.glob(f"{glob.escape(path.name)}*"):
        if file.is_file():
            mend(file, PRIVATE_FILE)


class PrivateConnection(sqlite3.Connection):
    """Makes a new database for its owner alone, and so the files that SQLite puts beside it, which take its mode."""

    def __init__(self, database: str, *args: Any, **options: Any) -> None:
        if not str(database).startswith(("file:", ":memory:")):
            # Never open one that is there: to close it would let go of the locks that other connections of this process hold.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE))
        super().__init__(database, *args, **options)


def mend(path: Path, mode: int) -> None:
    """Let the owner do what ``mode`` says, and others nothing. What belongs to somebody else stays as it is."""
    found, me = path.stat(), os.geteuid()
    if me in {found.st_uid, ROOT} and stat.S_IMODE(found.st_mode) & (OTHERS | mode) != mode:
        path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS | mode)


def _check_owner(folder: Path) -> None:
    found, me = folder.stat(), os.geteuid()
    if found.st_mode & stat.S_ISVTX or folder.resolve() == folder.resolve().parent:
        msg = f"The data folder {folder} is one that all users of this machine share. Name one inside it with AGENTOS_DATA_DIR."
        raise ImproperlyConfigured(msg)
    if me not in {found.st_uid, ROOT}:
        msg = (
            f"The data folder {folder} belongs to {_name(found.st_uid)}, and this runs as {_name(me)}. "
            "Run it as its owner, or name another folder with AGENTOS_DATA_DIR."
        )
        raise ImproperlyConfigured(msg)


def _name(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"user {uid}"


def local_secret(data_dir: Path) -> str:
    """Return the secret of this machine's own installation, made at the first start and readable by its owner alone.

    Raises ImproperlyConfigured for one that is not whole: to go on with it would be to sign with what can be guessed, and to make a new
    one would be to lose silently what the old one has sealed.
    """
    private_folder(data_dir)
    path = data_dir / "secret-key"
    try:
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(SECRET_BYTES))
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        msg = f"The secret {path} cannot be read or made: {error.strerror or error}."
        raise ImproperlyConfigured(msg) from None
    secret = text.strip()
    # Ours has a length of its own; another one ends its line, and so says that nothing is missing.
    is_whole = len(secret) >= WHOLE or (len(secret) >= SHORTEST and text.endswith("\n"))
    if not is_whole or not secret.isascii() or not secret.isprintable():
        msg = (
            f"The secret in {path} is {'cut short' if secret else 'empty'}. Put it back from a backup. Or delete the file: a new one is "
            "made, everybody has to sign in again, and secrets of webhooks have to be rotated."
        )
        raise ImproperlyConfigured(msg)
    return secret


def _write_once(path: Path, text: str) -> None:
    """Write a file that is there as a whole or not at all, whatever cuts it short; of two that write at once the first one wins."""
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # its owner's alone
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(beside)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
