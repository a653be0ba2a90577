"""Small square pictures of what people give. Only what is encoded anew here is kept, not the rest of the file (where it was taken)."""

import subprocess
import sys
import threading
from pathlib import Path

WORKER = Path(__file__).with_name("picture_worker.py")
SECONDS = 15
TYPE = "image/webp"
MOST_BYTES = 1_000_000  # of a file; pages make larger ones smaller before they send them, and of a body the server keeps 1 MiB

_one_at_a_time = threading.Lock()


class NotAPicture(ValueError):
    """It cannot be read as a picture, or has more pixels than anybody's screen."""


class Busy(Exception):
    """Another picture is being read: a flood of them would take the processors from everybody else."""


def square(data: bytes) -> bytes:
    """Return the middle of a picture (JPEG, PNG, WebP, GIF, AVIF) as WebP. It may take seconds: call it outside a transaction.

    Raises NotAPicture, Busy.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise Busy
    try:
        command = [sys.executable, "-I", str(WORKER)]
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=False, env={})  # noqa: S603 - our own
    except subprocess.TimeoutExpired:
        raise NotAPicture from None
    finally:
        _one_at_a_time.release()
    if done.returncode or not done.stdout:
        raise NotAPicture
    return done.stdout
