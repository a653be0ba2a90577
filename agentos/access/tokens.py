"""API tokens as text: how they are made, what is kept of them, and whose they are.

``agentos_`` + 30 characters of chance + 6 of checksum. The checksum lets a wrong text be refused without a query, and lets scanners of
source code tell a token from a word: ``agentos_[0-9A-Za-z]{36}``.
"""

import hashlib
import re
import secrets
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from django.db.models import Q

from agentos.access.models import ApiToken
from agentos.core import clock

SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "agents:read": "See the agents that you may use.",
        "agents:manage": "Make, change, publish and try agents: those of your teams, or all of them as an operator.",
        "sessions:read": "Read your chats, their answers and their events.",
        "sessions:write": "Open, rename, pin, archive, delete and fork chats, and judge answers.",
        "runs:write": "Send messages, and stop, retry, continue and approve answers.",
        "memories:read": "Read what agents remember of you.",
        "memories:write": "Note, change and delete what agents remember of you, and turn it on and off.",
        "knowledge:read": "Read the knowledge bases that you may read, and search them.",
        "knowledge:write": "Make, fill, change and delete knowledge bases.",
        "usage:read": "Read what you have used and what it cost: you, the teams that you manage, and everybody if you are an operator.",
        "teams:read": "See your teams and who is in them.",
        "teams:manage": "Invite people into teams that you manage, change roles, remove people, and leave teams.",
        "access:manage": "Ask for agents, and decide who gets those of your teams.",
        "connections:manage": "Manage connections to MCP servers, and what is accepted of their tools.",
        "webhooks:manage": "Manage webhook endpoints and look at their deliveries.",
    }
)
PREFIX = "agentos_"
CHANCE = 30  # characters of base 62: 178 bits
CHECKSUM = 6
DAYS = 90  # until it expires, unless somebody chooses
LONGEST = 365  # days
USED_EVERY = timedelta(minutes=1)  # last_used_at is not written more often

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PATTERN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{CHANCE + CHECKSUM}}}", re.ASCII)


def new_secret() -> str:
    body = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(CHANCE))
    return body + checksum(body)


def checksum(body: str) -> str:
    """Return the CRC-32 of everything before it, in base 62."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def is_well_formed(secret: str) -> bool:
    return PATTERN.fullmatch(secret) is not None and checksum(secret[:-CHECKSUM]) == secret[-CHECKSUM:]


def digest_of(secret: str) -> str:
    """Return what is kept. With 178 bits of chance there is nothing to guess, so neither salt nor a slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hint_of(secret: str) -> str:
    """Return what its owner knows it by."""
    return f"{secret[: len(PREFIX) + 4]}…{secret[-4:]}"


def authenticate(secret: str) -> ApiToken | None:
    """Return the token, with its user, when it opens something now. One query; none for a text that cannot be a token."""
    if not is_well_formed(secret):
        return None
    token: ApiToken | None = ApiToken.objects.usable().select_related("user").filter(digest=digest_of(secret)).first()
    if token:
        note_use(token, clock.now())
    return token


def note_use(token: ApiToken, now: datetime) -> None:
    if token.last_used_at and now - token.last_used_at < USED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    token.last_used_at = now
