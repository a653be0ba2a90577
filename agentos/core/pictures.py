"""What is made of pictures that people give. Only what is encoded anew here is kept, not the rest of the file (where it was taken)."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

WORKER = Path(__file__).with_name("picture_worker.py")
SECONDS = 15
SECONDS_TO_KEEP = 40
PATIENCE = 60  # seconds that a picture waits for others before it
TYPE = "image/webp"
MOST_BYTES = 1_000_000  # of a file; pages make larger ones smaller before they send them, and of a body the server keeps 1 MiB

_one_at_a_time = threading.Lock()
_two_at_a_time = threading.BoundedSemaphore(2)


class NotAPicture(ValueError):
    """It cannot be read as a picture, or has more pixels than anybody's screen."""


class Busy(Exception):
    """Other pictures are being read: a flood of them would take the processors from everybody else."""


@dataclass(frozen=True, slots=True)
class Copies:
    """A picture encoded anew, a copy for models and one for pages (WebP). ``ending``: of its type, with the dot. Pixels."""

    mime: str
    ending: str
    width: int
    height: int
    whole: bytes
    small: bytes
    thumb: bytes


def square(data: bytes) -> bytes:
    """Return the middle of a picture (JPEG, PNG, WebP, GIF, AVIF) as WebP. It may take seconds: call it outside a transaction.

    Raises NotAPicture, Busy.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise Busy
    try:
        return _made("square", SECONDS, input=data)
    finally:
        _one_at_a_time.release()


def copies(file: IO[bytes]) -> Copies:
    """Return what is kept of a picture (those, and HEIC). ``file``: a real one, at its beginning. It may take half a minute: call it
    outside a transaction, and in a thread of its own.

    Raises NotAPicture, Busy.
    """
    if not _two_at_a_time.acquire(timeout=PATIENCE):
        raise Busy
    try:
        made = _made("kept", SECONDS_TO_KEEP, stdin=file)
    finally:
        _two_at_a_time.release()
    line, _, rest = made.partition(b"\n")
    about = json.loads(line)
    whole, small, _ = about.pop("sizes")
    return Copies(**about, whole=rest[:whole], small=rest[whole : whole + small], thumb=rest[whole + small :])


def _made(job: str, seconds: int, **given: object) -> bytes:
    command = [sys.executable, "-I", str(WORKER), job]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False, env={}, **given)  # type: ignore[call-overload]  # noqa: S603 - our own
    except subprocess.TimeoutExpired:
        raise NotAPicture from None
    if done.returncode or not done.stdout:
        raise NotAPicture
    made: bytes = done.stdout
    return made
