"""Mails that nobody may miss: sent after the commit, kept while there is no mail server, sealed meanwhile."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.core.mail import EmailMessage
from django.db import transaction

from agentos.access import outbox
from agentos.access.models import Letter
from agentos.core import clock
from tests.server import ROOT, Server, free_port

SCRIPT = """
from django.core.mail import EmailMessage
from agentos.access import outbox
for n in range(50):
    outbox.post(EmailMessage(f"Number {n}", "Hello", to=["olga@example.com"]), what="a hello")
"""
SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Mailbox:
    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken.append(envelope.content.decode())
        return "250 OK"


@pytest.fixture
def server(settings: Any) -> Iterator[Controller]:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_USE_TLS = SMTP, "127.0.0.1", False
    settings.EMAIL_PORT = free_port()
    found = Controller(Mailbox(), hostname="127.0.0.1", port=settings.EMAIL_PORT)
    found.start()
    yield found
    if found.server:
        found.stop()


def letter() -> EmailMessage:
    return EmailMessage("A new password", "Open https://chat.example/secret-link", to=["olga@example.com"])


def wait() -> None:
    for thread in [thread for thread in threading.enumerate() if thread.name == outbox.THREAD]:
        thread.join(20)


@pytest.mark.django_db(transaction=True)
class TestOutbox:
    def test_sends_after_the_commit_what_a_mail_server_takes(self, server: Controller) -> None:
        with transaction.atomic():
            outbox.post(letter(), what="a new password")
            kept = Letter.objects.get()
            assert "secret-link" not in str(vars(kept))
            assert server.handler.taken == []
        wait()
        (taken,) = server.handler.taken
        assert "secret-link" in taken
        assert "To: olga@example.com" in taken
        assert not Letter.objects.exists()

    def test_sends_nothing_that_was_not_committed(self) -> None:
        with transaction.atomic():
            outbox.post(letter(), what="a new password")
            transaction.set_rollback(True)
        wait()
        assert mail.outbox == []
        assert not Letter.objects.exists()

    def test_keeps_it_while_there_is_no_server_and_gives_it_up_after_a_day(
        self, server: Controller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.stop()
        server.server = None
        outbox.post(letter(), what="a new password")
        wait()
        assert not outbox.has_due()
        assert Letter.objects.get().tries == 1
        now = clock.now()
        for days in range(1, 8):
            at = now + timedelta(days=days)
            monkeypatch.setattr(clock, "now", lambda at=at: at)
            outbox.send_due()
        assert not Letter.objects.exists()

    def test_is_tried_again_by_whoever_looks_next(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
        outbox.post(letter(), what="a new password")
        wait()
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        outbox.send_due()
        assert mail.outbox == []
        at = clock.now() + timedelta(minutes=2)
        monkeypatch.setattr(clock, "now", lambda: at)
        outbox.send_due()
        assert [sent.to for sent in mail.outbox] == [["olga@example.com"]]


@pytest.mark.server
def test_a_command_that_ends_at_once_has_sent_its_mails(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", SCRIPT],
        cwd=ROOT,
        env=Server(tmp_path).env | {"DJANGO_SETTINGS_MODULE": "site_config.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Subject: Number ") == 50
