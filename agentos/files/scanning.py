"""The virus scanner: ClamAV's daemon, where ``AGENTOS_CLAMD`` names one. What it cannot be asked about is not taken."""

import socket
import struct
from typing import IO

from agentos.conf import app_settings
from agentos.core import repeated
from agentos.files.errors import Infected, NotScanned

SECONDS = 60.0
CHUNK = 256 * 1024
ANSWER = 4096  # bytes


def check(file: IO[bytes], name: str) -> None:
    """Raises Infected, NotScanned."""
    if not app_settings.CLAMD:
        return
    try:
        answer = _ask(app_settings.CLAMD, file)
    except (OSError, ValueError) as error:
        repeated.warn("clamd", "The virus scanner cannot be asked: %s: %s", type(error).__name__, error)
        raise NotScanned from None
    if answer.endswith(" FOUND"):
        raise Infected(name)
    if not answer.endswith(" OK"):
        repeated.warn("clamd", "The virus scanner has answered: %s", answer[:200])
        raise NotScanned


def _ask(address: str, file: IO[bytes]) -> str:
    """Send the file in pieces, each after its length (INSTREAM), and return the answer's line."""
    host, _, port = address.rpartition(":")
    file.seek(0)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS) as connection:
        connection.sendall(b"zINSTREAM\0")
        while chunk := file.read(CHUNK):
            connection.sendall(struct.pack("!I", len(chunk)) + chunk)
        connection.sendall(struct.pack("!I", 0))
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < ANSWER and (more := connection.recv(ANSWER)):
            answer += more
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")
