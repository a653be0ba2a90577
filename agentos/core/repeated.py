"""Lines of the log that would be repeated as often as somebody likes: one of a kind in a minute, with a count of those left out."""

import logging
import threading
import time

EVERY = 60.0  # seconds

log = logging.getLogger("agentos.server")


class _Said:
    lock = threading.Lock()
    until: dict[str, float] = {}  # noqa: RUF012 - of a kind: when it may be said again, by time.monotonic()
    left_out: dict[str, int] = {}  # noqa: RUF012


def is_due(kind: str) -> int | None:
    """Return how many lines of this kind were left out since the last one, when one is due; None when not, which counts as left out."""
    now = time.monotonic()
    with _Said.lock:
        if now < _Said.until.get(kind, 0):
            _Said.left_out[kind] = _Said.left_out.get(kind, 0) + 1
            return None
        _Said.until[kind] = now + EVERY
        return _Said.left_out.pop(kind, 0)


def warn(kind: str, message: str, *args: object) -> bool:
    """Write a warning unless one of this kind was written within the minute. Return whether it was."""
    left_out = is_due(kind)
    if left_out is None:
        return False
    if left_out:
        message = f"{message} ({left_out} times more since it was last said.)"
    log.warning(message, *args)
    return True


def forget() -> None:
    """Let everything be said again."""
    with _Said.lock:
        _Said.until.clear()
        _Said.left_out.clear()
