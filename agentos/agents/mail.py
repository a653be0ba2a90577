"""Tells those who decide by mail that somebody asks for an agent: a notice in an open page is missed by whoever has none."""

import logging
from datetime import timedelta

from django.core.mail import EmailMessage
from django.urls import NoReverseMatch, reverse

from agentos.access import outbox
from agentos.access.users import User
from agentos.agents.models import AccessRequest
from agentos.agents.queries import deciders_of
from agentos.audit.models import AuditRecord
from agentos.core import clock, mail
from agentos.core.people import address_of, name_of
from agentos.core.security.invisible import visible

log = logging.getLogger(__name__)

ASKED = "agents.access.asked"
PAUSE = timedelta(days=1)  # between two mails about one person and one agent

TEXT = """Hello {person},

{asker} asks for access to the agent {agent}. Decide here:

{link}

This mail goes to the owners of the agent's team and to operators. There is one a day at most for this person and this agent.
"""


def was_mailed(*, agent_id: str, by: User) -> bool:
    """Whether this person asked for this agent not long ago, which was mailed then."""
    return AuditRecord.objects.filter(verb=ASKED, actor=by, object_id=agent_id, at__gt=clock.now() - PAUSE).exists()


def tell(asked: AccessRequest) -> None:
    """In the caller's transaction. Never raises: it was asked whether a mail goes out or not."""
    try:
        letters = write(asked)
    except Exception:
        log.exception("The mail that somebody asks for the agent %s could not be written.", asked.agent.agent_id)
        return
    for letter in letters:
        outbox.post(letter, what="somebody asks for an agent")


def write(asked: AccessRequest) -> list[EmailMessage]:
    """Return one letter for each of them: nobody is shown the addresses of the others."""
    try:
        link = mail.site() + reverse("dashboard:access-requests")
    except NoReverseMatch:  # in a project without our pages
        return []
    asker, agent = visible(name_of(asked.user)), str(asked.agent)
    subject = " ".join(f"{asker} asks for access to {agent}".split())
    return [
        EmailMessage(subject, TEXT.format(person=visible(name_of(person)), asker=asker, agent=agent, link=link), to=[address_of(person)])
        for person in deciders_of(asked.agent).order_by("pk")
        if address_of(person)
    ]
