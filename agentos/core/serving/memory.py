"""How much memory the C library's allocator keeps for later. Only glibc is told anything; musl and macOS keep little by themselves.

glibc gives every thread an arena of its own, up to eight for each core, and what was freed in one is of no use to the others:
with threads for pages, for reading and for writing the process is a fifth larger than it has to be.
"""

import ctypes
import os
import platform
import time

ARENAS = 2  # one for the loop and one for all threads: they run Python, so they seldom want memory at the same moment
ARENA_MAX = -8  # M_ARENA_MAX in malloc.h

BUSY_SECONDS = 1.0  # of CPU time between two looks
EVERY = 30  # seconds between two looks


def limit() -> bool:
    """Limit the arenas, before there are threads, unless whoever starts the server has done so. Return whether it was done."""
    library = _glibc()
    if library is None or "MALLOC_ARENA_MAX" in os.environ:
        return False
    return bool(library.mallopt(ARENA_MAX, ARENAS))


class Watch:
    """Gives memory back to the system when it has become quiet: what one busy hour has taken is not kept for ever."""

    def __init__(self) -> None:
        self.library = _glibc()
        self.used = time.process_time()
        self.was_busy = True

    def is_due(self) -> bool:
        """Ask it every ``EVERY`` seconds."""
        used = time.process_time()
        is_busy = used - self.used > BUSY_SECONDS
        is_due = self.was_busy and not is_busy and self.library is not None
        self.used, self.was_busy = used, is_busy
        return is_due

    def give_back(self) -> None:
        """Takes some milliseconds; without the interpreter, so a thread may do it."""
        if self.library is not None:
            self.library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
