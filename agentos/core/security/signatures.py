"""Signatures of webhooks as Standard Webhooks 1.0 has them: HMAC-SHA256 over ``id.timestamp.body``, both ways.

The package `standardwebhooks` takes only bodies that are UTF-8 and one secret, and a malformed header breaks it with errors of many
kinds. The tests hold that both understand each other.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)  # before and after now
SHORTEST, LONGEST = 24, 64  # bytes of a key
ID_LIMIT = 200  # characters
SIGNATURE_LIMIT = 20  # signatures of one message that are looked at

# A dot would let a part of the id be read as the timestamp: the same signed text, another message.
ID = re.compile(rf"[!-\-/-~]{{1,{ID_LIMIT}}}")
TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}")


class BadSecret(ValueError):
    """Not ``whsec_`` and the base64 of 24 to 64 bytes."""


class Unverified(Exception):
    """No message of who holds the secret, or not of now. Its text is for whoever runs this site, not for the sender."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A message that is proven to be its sender's."""

    message_id: str
    sent_at: datetime


def new_secret() -> str:
    return PREFIX + base64.b64encode(random.token_bytes(32)).decode()


def check_secret(secret: str) -> None:
    """Raises BadSecret."""
    _key(secret)


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``; ``timestamp`` in seconds since 1970. Raises BadSecret."""
    digest = hmac.new(_key(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers_for(secrets: Iterable[str], *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a message, signed with each of ``secrets``: while rotating, the old one and the new."""
    signatures = " ".join(sign(secret, message_id=message_id, timestamp=timestamp, body=body) for secret in secrets)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signatures}


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, *, now: datetime) -> Signed:
    """Return what is proven of a message that came with ``headers`` and the raw ``body``. Raises Unverified, BadSecret.

    One signature by one of ``secrets`` is enough.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and timestamp and signatures):
        raise Unverified("One of the headers webhook-id, webhook-timestamp and webhook-signature is missing.")
    if not ID.fullmatch(message_id):
        raise Unverified(f"The webhook-id must be 1 to {ID_LIMIT} visible ASCII characters without a dot.")
    if not TIMESTAMP.fullmatch(timestamp):
        raise Unverified("The webhook-timestamp must be whole seconds since 1970.")
    _check_age(int(timestamp), now)
    candidates = [part.encode("utf-8", "replace") for part in signatures.split(" ")[:SIGNATURE_LIMIT]]
    expected = [sign(secret, message_id=message_id, timestamp=int(timestamp), body=body).encode() for secret in secrets]
    # Every pair is compared, each in constant time.
    if not sum(hmac.compare_digest(one, other) for one in expected for other in candidates):
        raise Unverified("No signature matches the secret: another secret, or the message was changed on its way.")
    return Signed(message_id, datetime.fromtimestamp(int(timestamp), tz=UTC))


def _check_age(timestamp: int, now: datetime) -> None:
    age = now.timestamp() - timestamp
    if age > TOLERANCE.total_seconds():
        raise Unverified(f"The message is too old: signed {age:.0f} seconds ago.")
    if age < -TOLERANCE.total_seconds():
        raise Unverified(f"The message comes from the future: signed {-age:.0f} seconds ahead of this clock.")


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadSecret("A secret is whsec_ and base64.") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise BadSecret(f"A secret has {SHORTEST} to {LONGEST} bytes; this one has {len(key)}.")
    return key
