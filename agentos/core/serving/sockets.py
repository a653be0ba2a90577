"""A socket that somebody else holds open, so that a server which is started anew loses no connection: systemd's, or any parent's.

While no server takes them, connections wait in the socket's queue; they are not refused.
"""

import os
import socket

FIRST = 3  # the number that systemd gives to the first socket (sd_listen_fds(3))


class NotUsable(Exception):
    """With a sentence that says what is wrong with the socket."""


def activated() -> int | None:
    """Return the number of the socket that systemd has opened for this process; None when it has not. Raises NotUsable.

    The variables that name it go, since they are not for the processes that this one starts.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()):
        return None
    if count != "1":
        msg = f"systemd has given {count or 'no'} sockets: the server takes one. Leave one ListenStream in the unit."
        raise NotUsable(msg)
    return FIRST


def listening(number: int) -> socket.socket:
    """Return the socket of this number. Raises NotUsable."""
    try:
        found = socket.socket(fileno=number)
    except OSError as error:
        msg = f"There is no socket under the number {number} ({error.strerror})."
        raise NotUsable(msg) from None
    if found.family not in {socket.AF_INET, socket.AF_INET6} or found.type != socket.SOCK_STREAM:
        found.detach()
        msg = f"The socket with the number {number} is none of TCP."
        raise NotUsable(msg)
    if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        found.detach()
        msg = f"The socket with the number {number} does not listen."
        raise NotUsable(msg)
    return found


def say_ready() -> None:
    """Tell systemd that the server answers (sd_notify(3)); nobody when it did not start us."""
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        to.sendall(b"READY=1")
