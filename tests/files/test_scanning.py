"""The virus scanner, as ClamAV's daemon speaks: what it finds is not kept, and without its word nothing is."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from agentos.access.models import User
from agentos.files.errors import Infected, NotScanned
from agentos.files.keeping import keep_bytes
from agentos.files.models import Blob
from tests.files import made

pytestmark = pytest.mark.django_db


class Daemon:
    """Knows one virus. ``says``: another answer to everything."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.says = b""
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as heard:
                assert heard.read(10) == b"zINSTREAM\0"
                data = b""
                while size := struct.unpack("!I", heard.read(4))[0]:
                    data += heard.read(size)
                self.asked += 1
                found = b"stream: Eicar-Test-Signature FOUND" if made.EICAR in data else b"stream: OK"
                connection.sendall((self.says or found) + b"\0")

    def stop(self) -> None:
        """Also the wait for the next caller, whom a socket that is only closed would still answer."""
        with contextlib.suppress(OSError):  # a second time
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()


@pytest.fixture
def daemon(settings) -> Iterator[Daemon]:
    started = Daemon()
    settings.AGENTOS_CLAMD = started.address
    yield started
    started.stop()


def test_is_asked_about_every_file(daemon: Daemon, member: User) -> None:
    assert keep_bytes(owner=member, data=b"x" * 600_000, name="a.txt").size == 600_000
    for name, data in (("a.txt", b"see: " + made.EICAR), ("a.zip", made.archive(a=b"x") + made.EICAR)):
        with pytest.raises(Infected, match="virus scanner has found"):
            keep_bytes(owner=member, data=data, name=name)
    assert (daemon.asked, Blob.objects.count()) == (3, 1)


@pytest.mark.parametrize("says", [b"INSTREAM size limit exceeded. ERROR", b"", b"what?"])
def test_has_to_say_that_it_is_clean(daemon: Daemon, member: User, says: bytes) -> None:
    daemon.says = says or b" "
    with pytest.raises(NotScanned):
        keep_bytes(owner=member, data=b"clean", name="a.txt")
    assert not Blob.objects.exists()


def test_has_to_be_there(daemon: Daemon, member: User) -> None:
    daemon.stop()
    with pytest.raises(NotScanned, match="none is taken"):
        keep_bytes(owner=member, data=b"clean", name="a.txt")
    assert not Blob.objects.exists()
