"""Mails that nobody may miss (a new password, an invitation): kept in the database until the mail server has taken them.

A row is written in the transaction that wants the mail, and a thread sends it after the commit: no request waits for a mail server, nor
tells by its time whether there was a mail to send. What could not be sent is tried again, by whichever server looks next.
"""

import logging
from datetime import timedelta
from threading import Lock, Thread

from django.core.mail import EmailMessage
from django.db import connection, transaction

from agentos.access.models import Letter
from agentos.core import clock
from agentos.core.security import secrets
from agentos.core.text import shorten

log = logging.getLogger(__name__)

THREAD = "outbox"
SUBJECT = 250  # characters that a row takes
TAKEN = timedelta(minutes=5)  # a letter is left to whoever sends it now
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))  # after so many tries; then it is given up


class _State:
    lock = Lock()
    is_sending = False


def post(letter: EmailMessage, *, what: str) -> None:
    """Send this letter once the transaction is committed. ``what``: what it is, for the log."""
    text = secrets.seal(str(letter.body))  # it may hold a link that opens an account
    for address in letter.to:
        Letter.objects.create(to=address, subject=shorten(str(letter.subject), SUBJECT), text=text, what=what)
    transaction.on_commit(wake)


def wake() -> None:
    """Let a thread send what is due, unless one does so already."""
    with _State.lock:
        if not _State.is_sending:
            _State.is_sending = True
            Thread(target=_run, name=THREAD).start()


def has_due() -> bool:
    return Letter.objects.filter(next_try_at__lte=clock.now()).exists()


def _run() -> None:
    try:
        while True:
            send_due()
            with _State.lock:
                if not has_due():
                    _State.is_sending = False
                    return
    except Exception:
        log.exception("Mails could not be sent; they are tried again.")
        with _State.lock:
            _State.is_sending = False
    finally:
        connection.close()


def send_due() -> None:
    """Send each letter that is due."""
    while letter := Letter.objects.filter(next_try_at__lte=clock.now()).order_by("next_try_at").first():
        taken = Letter.objects.filter(pk=letter.pk, next_try_at=letter.next_try_at)
        if taken.update(next_try_at=clock.now() + TAKEN):
            _send(letter)


def _send(letter: Letter) -> None:
    try:
        EmailMessage(letter.subject, secrets.unseal(letter.text), to=[letter.to]).send()
    except secrets.Unreadable:
        log.exception("A mail (%s) was sealed under another SECRET_KEY, and is not sent.", letter.what)
    except Exception:
        if letter.tries < len(PAUSES):
            log.warning("A mail (%s) could not be sent; it is tried again.", letter.what, exc_info=True)
            again = clock.now() + PAUSES[letter.tries]
            Letter.objects.filter(pk=letter.pk).update(tries=letter.tries + 1, next_try_at=again)
            return
        log.exception("A mail (%s) could not be sent for a day, and is given up.", letter.what)
    Letter.objects.filter(pk=letter.pk).delete()
