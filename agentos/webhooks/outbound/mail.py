"""Tells those who manage a webhook by mail that the system has switched it off, so that they do not find out by what is missing."""

import logging

from django.core.mail import EmailMessage
from django.urls import reverse

from agentos.access import outbox
from agentos.access.users import User
from agentos.core import mail
from agentos.core.people import address_of, name_of
from agentos.core.security.invisible import visible
from agentos.webhooks.outbound import queries
from agentos.webhooks.outbound.models import Endpoint

log = logging.getLogger(__name__)

# Not a word of the URL: with many receivers it is their secret.
TEXT = """Hello {person},

the webhook “{webhook}” of the team {team} was switched off. {because}

What happens while it is off is not sent later. Look at what came back, and switch it on again:

{link}

This mail goes to the owners and admins of the team.
"""


def tell(endpoint: Endpoint) -> None:
    """In the caller's transaction. Never raises: the webhook is off whether the mail goes out or not, and its page says so."""
    try:
        letters = write(endpoint)
    except Exception:
        log.exception("The mail that the webhook %s is off could not be written.", endpoint.hook_id)
        return
    for letter in letters:
        outbox.post(letter, what="a webhook is off")


def write(endpoint: Endpoint) -> list[EmailMessage]:
    """Return one letter for each of them: nobody is shown the addresses of the others."""
    return [_letter(endpoint, person) for person in queries.managers_of(endpoint) if address_of(person)]


def _letter(endpoint: Endpoint, person: User) -> EmailMessage:
    link = mail.site() + reverse("webhooks_out:endpoint", args=[endpoint.hook_id])
    name = visible(name_of(person))
    about = {"webhook": str(endpoint), "team": str(endpoint.team), "because": visible(endpoint.off_because)}
    return EmailMessage(f"The webhook “{endpoint}” was switched off", TEXT.format(person=name, link=link, **about), to=[address_of(person)])
