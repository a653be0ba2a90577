"""How many files and connections this process may have open at once."""

import errno
import logging
import os
import resource
from pathlib import Path

from agentos.core import repeated

SMALL = 4096
MOST = 1_048_576  # where there is no hard limit

log = logging.getLogger("agentos.server")


def raise_limit() -> int:
    """Raise the limit of open files to the hard one, and return what it is then. A small one is said."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = (MOST, 65_536, 10_240) if hard == resource.RLIM_INFINITY else (hard,)  # macOS takes less than it says
    for number in wanted:
        if soft != resource.RLIM_INFINITY and number > soft:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
            except (OSError, ValueError):
                continue
            soft = number
    found = MOST if soft == resource.RLIM_INFINITY else soft
    if found < SMALL:
        log.warning("Only %d files and connections may be open at once; an open page needs one. Raise the hard limit (ulimit -Hn).", found)
    return found


def look() -> None:
    """Say it when no more files may be open. The loop drops a connection for which it gets no file, without a word."""
    try:
        with Path(os.devnull).open("rb"):
            pass
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE}:
            repeated.warn("open files", "All files that may be open are (ulimit -n): new connections are dropped, and nothing can be read.")
