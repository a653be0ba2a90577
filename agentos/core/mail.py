"""Mails of the site: sent in a thread of its own, which nobody waits for, and with links to where its settings say that it is."""

import logging
from collections.abc import Sequence
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from agentos.conf import app_settings

log = logging.getLogger(__name__)


def post(letters: Sequence[EmailMessage], *, what: str, thread: str = "mail") -> None:
    """Send these letters when it suits, at the latest before the process ends. Never raises. ``what``: what they say, for the log."""
    if letters:
        Thread(target=send, args=[letters, what], name=thread).start()


def send(letters: Sequence[EmailMessage], what: str) -> None:
    """Send each. Never raises; that the mail server refuses one letter is no reason to keep back the others."""
    if not letters:
        return
    try:
        with get_connection() as connection:
            for letter in letters:
                _send(letter, connection, what)
    except Exception:
        log.exception("The mails that %s could not be sent.", what)


def _send(letter: EmailMessage, connection: Any, what: str) -> None:
    try:
        connection.send_messages([letter])
    except (SMTPRecipientsRefused, SMTPResponseException):
        log.warning("The mail server refused one of the mails that %s.", what, exc_info=True)


def site() -> str:
    """Return where people open this site, as its settings say it: no request has a say in what a mail links to."""
    if app_settings.ORIGIN:
        return app_settings.ORIGIN
    host = (settings.ALLOWED_HOSTS or ["localhost"])[0].removeprefix(".")
    if app_settings.LOCAL:
        return f"http://{host}:{app_settings.PORT}"
    return f"{'http' if app_settings.INSECURE_HTTP else 'https'}://{host}"
