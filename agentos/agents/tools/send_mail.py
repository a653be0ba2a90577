"""A mail from the site's sender: to whoever chats at once, to others when they have said yes to every word of it."""

import asyncio
import re
from collections.abc import Mapping
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Annotated, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from pydantic import BaseModel, Field

from agentos.access.users import User
from agentos.agents.tools.definition import CallContext, Refused, current, tool
from agentos.agents.tools.external import external_call
from agentos.conf import app_settings
from agentos.core import db
from agentos.core.http.errors import Problem
from agentos.core.people import address_of
from agentos.core.ratelimit import limits

SLUG = "send-mail"
SUBJECT_LIMIT = 200  # characters
TEXT_LIMIT = 20_000  # characters
RECIPIENTS = 10
AN_HOUR = 20  # mails by the agents of one person
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
UNSENT = ("django.core.mail.backends.console.", "django.core.mail.backends.dummy.")


class Options(BaseModel):
    """What an operator chooses for an agent."""

    domains: Annotated[
        list[str], Field(description="Domains, such as example.com, to which it may write. Without any: only to its user.")
    ] = []


def missing() -> str:
    """Where scripted models are offered, for trials, what is not sent is printed, and the agent says so."""
    if _is_sent() or app_settings.SCRIPTED_MODELS:
        return ""
    return "No mail server is set up. Set EMAIL_HOST and DEFAULT_FROM_EMAIL."


def _is_sent() -> bool:
    return not settings.EMAIL_BACKEND.startswith(UNSENT)


def _is_to_others(_context: CallContext, arguments: Mapping[str, Any]) -> bool:
    return bool(arguments.get("to"))


async def _opens(context: CallContext) -> None:
    """Keep the user's own address: what may be written to whom is said before anybody is asked."""
    user = await db.read(_user, context.user_id)
    context.kept[SLUG] = address_of(user) if user else ""


def _unfit(context: CallContext, arguments: Mapping[str, Any]) -> str:
    try:
        _letter(context, **arguments)
    except Refused as refused:
        return str(refused)
    return ""


@tool(
    "Send mail",
    slug=SLUG,
    description="Writes a mail. One that goes to others than you is sent when you have read and approved it.",
    group="Communication",
    needs=missing,
    options=Options,
    is_own=True,
    asks=_is_to_others,
    lasting=False,
    reads={"to": "To", "subject": "Subject", "text": "Text"},
    unfit=_unfit,
    opens=_opens,
)
async def send_mail(subject: str, text: str, to: list[str] | None = None) -> str:
    """Send a mail. Without recipients it goes to the user themselves, at once; with any, the user reads and approves it first.

    Args:
        subject: One line, at most 200 characters.
        text: Plain text, at most 20,000 characters. Nothing is added to it.
        to: At most 10 addresses, such as ada@example.com, without names. Leave it out to write to the user.
    """
    if SLUG not in current.get().kept:
        await _opens(current.get())
    letter = _letter(current.get(), subject, text, to)
    wanted = letter.to
    await db.write(_count, current.get().user_id)
    if _is_sent():
        async with external_call(SLUG, settings.EMAIL_HOST) as call:
            call.sent = len(letter.message().as_bytes())
            await asyncio.to_thread(_send, letter)
    else:
        await asyncio.to_thread(_send, letter)
    whom = ", ".join(wanted)
    return (
        f"The mail to {whom} was sent." if _is_sent() else f"No mail server is set up: the mail to {whom} was only printed by the server."
    )


def _letter(context: CallContext, subject: str, text: str, to: list[str] | None = None) -> EmailMessage:
    """Raises Refused."""
    subject, text, own = subject.strip(), text.strip(), context.kept.get(SLUG, "")
    _check(subject, text)
    wanted = list(dict.fromkeys(_read(address) for address in to or [])) or [own]
    if not wanted[0]:
        raise Refused("There is no address of the user's own. Name one.")
    _check_recipients(wanted, own, context)
    return EmailMessage(subject, text, to=wanted, reply_to=[own] if own else None)


def _check(subject: str, text: str) -> None:
    if not subject or not text:
        raise Refused("A mail needs a subject and a text.")
    if len(subject) > SUBJECT_LIMIT or CONTROLS.search(subject):
        raise Refused(f"A subject is one line of at most {SUBJECT_LIMIT} characters.")
    if len(text) > TEXT_LIMIT:
        raise Refused(f"The text has {len(text):,} characters; {TEXT_LIMIT:,} are allowed.")
    try:
        f"{subject}{text}".encode()
    except UnicodeEncodeError:
        raise Refused("There are characters in the mail that no mail can have.") from None


def _read(address: str) -> str:
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        is_one = False
    else:
        is_one = address.isascii() and not CONTROLS.search(address)
    if not is_one:
        raise Refused(f"{address[:80]!r} is no address. Write it like ada@example.com, without a name.")
    return address


def _check_recipients(wanted: list[str], own: str, context: CallContext) -> None:
    if len(wanted) > RECIPIENTS:
        raise Refused(f"A mail goes to at most {RECIPIENTS} addresses.")
    allowed = {domain.lower().strip().removeprefix("@") for domain in context.options.get(SLUG, {}).get("domains", [])}
    others = [address for address in wanted if address.lower() != own.lower()]
    if wrong := [address for address in others if address.rpartition("@")[2].lower() not in allowed]:
        may = f"to the user and to {', '.join(sorted(allowed))}" if allowed else "to the user only"
        raise Refused(f"This agent may write {may}, not to {', '.join(wrong)}.")


def _user(user_id: str) -> User | None:
    return User.objects.filter(pk=user_id, is_active=True).first() if user_id.isdigit() else None


def _count(user_id: str) -> None:
    try:
        limits.check("agents-mail", user_id, limit=AN_HOUR, seconds=3600)
    except Problem:
        raise Refused(f"Agents of this user have sent {AN_HOUR} mails in this hour. No more for now.") from None


def _send(letter: EmailMessage) -> None:
    try:
        letter.send()
    except SMTPRecipientsRefused:
        raise Refused("The mail server takes no mail for this address.") from None
    except SMTPException as error:
        raise Refused(f"The mail server did not take the mail ({type(error).__name__}).") from None
    except OSError:
        raise Refused("The mail server cannot be reached now. The mail was not sent.") from None
