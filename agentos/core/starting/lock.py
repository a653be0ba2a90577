"""One server on one SQLite database: a lock beside its file, which dies with the process that holds it.

Two servers would each take the other's running answers for dead. Commands (``migrate``, ``shell``) take no lock: SQLite keeps them apart
from the server. The file says who holds the lock; it is never removed, since another one could be waiting for the old one then.
"""

import contextlib
import errno
import fcntl
import json
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agentos.core.starting.refusal import CannotStart

COMMAND_SHOWN = 200  # characters
NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}  # of some file systems over a network


class _Held:
    """By this process. A process has one server at most, and closing the file would give the lock up."""

    path: Path | None = None
    handle: int | None = None


def path_for(database: Path) -> Path:
    """Return the lock's file. Through links: two names of one database have one lock."""
    whole = database.resolve()
    return whole.with_name(f"{whole.name}.lock")


def take(database: Path, address: str = "") -> None:
    """Hold the lock until ``release``, or the end of this process. Again is no harm. Raises CannotStart when another process has it.

    ``address``: where this server listens, for whoever is refused; without it they are told the command.
    """
    path = path_for(database)
    if _Held.path == path:
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 4096, 0)
        os.close(handle)
        raise CannotStart(_sentence(path, holder)) from None
    except OSError as error:
        os.close(handle)
        if error.errno in NO_LOCKS:
            return  # ``is_held`` says that nothing is known of others
        raise
    _Held.path, _Held.handle = path, handle
    now = datetime.now(UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
    about = {"pid": os.getpid(), "address": address, "command": shlex.join(sys.argv)[:COMMAND_SHOWN], "since": now}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(about).encode(), 0)


def is_held() -> bool:
    """Whether this process has the lock: then whoever worked on the database before is dead."""
    return _Held.handle is not None


def release() -> None:
    handle, _Held.handle, _Held.path = _Held.handle, None, None
    if handle is not None:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
        os.close(handle)


def _sentence(path: Path, holder: bytes) -> str:
    about: dict[str, Any] = {}
    with contextlib.suppress(ValueError):  # it has just taken the lock, and not yet said who it is
        about = json.loads(holder)
    where = f"at {about['address']}" if about.get("address") else f"started as `{about.get('command', '')}`"
    who = f": process {about['pid']}, {where}, since {about['since']}" if about else ""
    return (
        f"Another server works on the data in {path.parent}{who}. "
        "Stop it first, or give this one a folder of its own with AGENTOS_DATA_DIR."
    )
