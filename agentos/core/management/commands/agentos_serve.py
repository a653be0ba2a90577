"""`manage.py agentos_serve`: the server, with everything that has to be ready before it."""

import asyncio
import contextlib
import fcntl
import hashlib
import io
import ipaddress
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.urls import reverse

from agentos.conf import app_settings
from agentos.core.serving import files, memory, sockets
from agentos.core.serving.protocol import Connection
from agentos.core.serving.sockets import say_ready
from agentos.core.starting import welcome
from agentos.core.starting.ready import make_ready
from agentos.core.starting.sentences import said

log = logging.getLogger("agentos.server")

TICKS_A_SECOND = 10  # of uvicorn
MORE_THAN_GRACE = 2  # seconds that the server waits longer than the runs are given to end


class Server(uvicorn.Server):
    """Says where to go once somebody can go there, and when nobody can."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self.greeting = greeting
        self.memory = memory.Watch()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            if logs_json():
                log.info(" ".join(self.greeting.split()))
            else:
                print(self.greeting, flush=True)  # noqa: T201
            say_ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_SECOND == 0:
            files.look()
        if counter % (TICKS_A_SECOND * memory.EVERY) == 0 and self.memory.is_due():
            await asyncio.to_thread(self.memory.give_back)
        return await super().on_tick(counter)


class Command(BaseCommand):
    help = "Runs the server on HOST and PORT."
    requires_system_checks = ()  # some ask the database: they come when it is ready

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="bring the database up to date first")
        parser.add_argument("--demo", action="store_true", help="make the demo data and print its accounts")
        parser.add_argument(
            "--fd",
            type=int,
            metavar="N",
            help="the number of an open socket that listens, in place of HOST and PORT (systemd's needs no number)",
        )

    def handle(self, **options: Any) -> None:
        listening = self.open_socket(options["fd"])
        memory.limit()
        Connection.crowd.make_room(files.raise_limit())
        accounts = io.StringIO()
        with said():
            make_ready(address=address(listening), migrate=options["migrate"])
            self.look_at_settings()
            self.collect_static()
            if options["demo"]:
                call_command("agentos_demo", stdout=accounts)
        server = Server(config(), greeting(address(listening), accounts.getvalue() or first_account(address(listening))))
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
        if not server.started:
            msg = "The server did not start; the log above says why."
            raise CommandError(msg)

    def open_socket(self, number: int | None) -> socket.socket:
        """Return what to listen on: the socket of this number, the one that systemd gives, or one of our own."""
        try:
            number = sockets.activated() if number is None else number
            found = None if number is None else sockets.listening(number)
        except sockets.NotUsable as error:
            raise CommandError(str(error)) from None
        host = str(found.getsockname()[0]) if found else app_settings.HOST
        if app_settings.LOCAL and not is_loopback(host):
            msg = f"HOST={host}: a local installation (AGENTOS_LOCAL=1) only listens on this machine, for example on 127.0.0.1."
            raise CommandError(msg)
        return found or self.listen()

    def listen(self) -> socket.socket:
        """Take the port before anything else: a port that is taken should not cost a migration."""
        family = socket.AF_INET6 if ":" in app_settings.HOST else socket.AF_INET
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((app_settings.HOST, app_settings.PORT))
            listening.listen(2048)
        except OSError as error:
            listening.close()
            where = f"{app_settings.HOST}:{app_settings.PORT}"
            msg = f"Cannot listen on {where} ({error.strerror}). Is it running already? Another port: set PORT, for example to 8123."
            raise CommandError(msg) from None
        return listening

    def look_at_settings(self) -> None:
        """Raises SystemCheckError. Warnings are said, in a log of JSON as its lines are."""
        if not logs_json():
            self.check()
            return
        stderr, said_there = self.stderr, io.StringIO()
        self.stderr = OutputWrapper(said_there)
        try:
            self.check()
        finally:
            self.stderr = stderr
        if warnings := " ".join(said_there.getvalue().split()):
            log.warning(warnings)

    def collect_static(self) -> None:
        """Collect the static files when any of them is another one than at the last start."""
        root = Path(settings.STATIC_ROOT)
        stamp = root / ".collected"
        with alone_in(root):
            now = fingerprint()
            if stamp.exists() and stamp.read_text(encoding="ascii") == now:
                return
            if not logs_json():
                self.stdout.write("Preparing the static files")
            call_command("collectstatic", verbosity=0, interactive=False, clear=True)
            stamp.write_text(now, encoding="ascii")


def logs_json() -> bool:
    """Whether each line that the server writes is an object, for a program that reads it."""
    return getattr(settings, "LOG_FORMAT", "") == "JSON"


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep a second server that starts at the same moment from collecting into the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def fingerprint() -> str:
    """Return a hash over name, size and time of every static file, and over how they are stored."""
    found = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            state = Path(storage.path(name)).stat()
            found.update(f"{name}:{state.st_size}:{state.st_mtime_ns};".encode())
    return found.hexdigest()


def config() -> uvicorn.Config:
    return uvicorn.Config(
        settings.ASGI_APPLICATION[::-1].replace(".", ":", 1)[::-1],
        http=Connection,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_level="warning",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to believe is for SECURE_PROXY_SSL_HEADER and core.http.client_address to say
        timeout_keep_alive=app_settings.KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=app_settings.GRACE_SECONDS + MORE_THAN_GRACE,
    )


def first_account(where: str) -> str:
    """Return how to make the first account, when there is none yet."""
    if get_user_model().objects.exists():
        return ""
    return "\n".join(welcome.first_account(where))


def address(listening: socket.socket) -> str:
    """Return where to go. Not the number of this machine: a browser makes passkeys for names alone, and ``localhost`` is one."""
    host, port, *_ = listening.getsockname()
    if host == "127.0.0.1" and "localhost" in settings.ALLOWED_HOSTS:
        host = "localhost"
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}"


def greeting(address: str, accounts: str) -> str:
    lines = ["", f"AgentOS is ready: {address}{reverse('dashboard:home')}", *accounts.rstrip().splitlines(), "Stop it with Ctrl-C.", ""]
    return "\n".join(lines)
