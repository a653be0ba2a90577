"""Tells those who manage a webhook by mail that the system has switched it off, so that they do not find out by what is missing."""

import logging
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse

from agentos.access.users import User
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.people import address_of, name_of
from agentos.core.security.invisible import visible
from agentos.webhooks.outbound import queries
from agentos.webhooks.outbound.models import Endpoint

log = logging.getLogger(__name__)

THREAD = "webhook-mail"

# Not a word of the URL: with many receivers it is their secret.
TEXT = """Hello {person},

the webhook “{webhook}” of the team {team} was switched off. {because}

What happens while it is off is not sent later. Look at what came back, and switch it on again:

{link}

This mail goes to the owners and admins of the team.
"""


async def send_notice(endpoint: Endpoint) -> None:
    """Never raises: the webhook is off whether the mail goes out or not, and its page says so.

    The mail server is spoken to in a thread of its own, which neither messages nor the end of the server wait for.
    """
    try:
        letters = await db.read(write, endpoint)
    except Exception:
        log.exception("The mail that the webhook %s is off could not be written.", endpoint.hook_id)
    else:
        Thread(target=send, args=[letters], name=THREAD, daemon=True).start()


def write(endpoint: Endpoint) -> list[EmailMessage]:
    """Return one letter for each of them: nobody is shown the addresses of the others."""
    return [_letter(endpoint, person) for person in queries.managers_of(endpoint) if address_of(person)]


def _letter(endpoint: Endpoint, person: User) -> EmailMessage:
    link = site() + reverse("webhooks_out:endpoint", args=[endpoint.hook_id])
    name = visible(name_of(person))
    about = {"webhook": str(endpoint), "team": str(endpoint.team), "because": visible(endpoint.off_because)}
    return EmailMessage(f"The webhook “{endpoint}” was switched off", TEXT.format(person=name, link=link, **about), to=[address_of(person)])


def send(letters: list[EmailMessage]) -> None:
    """Send each. Never raises; that the mail server refuses one letter is no reason to keep back the others."""
    if not letters:
        return
    try:
        with get_connection() as connection:
            for letter in letters:
                _send(letter, connection)
    except Exception:
        log.exception("The mails that a webhook is off could not be sent.")


def _send(letter: EmailMessage, connection: Any) -> None:
    try:
        connection.send_messages([letter])
    except (SMTPRecipientsRefused, SMTPResponseException):
        log.warning("The mail server refused one of the mails that a webhook is off.", exc_info=True)


def site() -> str:
    """Return where people open this site, as its settings say it: no request has a say in what a mail links to."""
    if app_settings.ORIGIN:
        return app_settings.ORIGIN
    host = (settings.ALLOWED_HOSTS or ["localhost"])[0].removeprefix(".")
    if app_settings.LOCAL:
        return f"http://{host}:{app_settings.PORT}"
    return f"{'http' if app_settings.INSECURE_HTTP else 'https'}://{host}"
