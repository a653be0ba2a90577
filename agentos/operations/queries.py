"""Which links still make an account."""

import hashlib

from agentos.access.users import User
from agentos.core import clock
from agentos.operations.models import SetupLink


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def has_people() -> bool:
    return User.objects.exists()


def operators() -> list[User]:
    return list(User.objects.filter(is_staff=True).order_by("pk"))


def link_of(token: str) -> SetupLink | None:
    """Return what this text opens: nothing when it is wrong, used or over, or makes a first account where there is one."""
    link = SetupLink.objects.filter(digest=digest_of(token), expires_at__gt=clock.now()).first()
    return None if link is None or (not link.email and has_people()) else link
