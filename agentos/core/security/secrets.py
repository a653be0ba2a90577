"""Secrets that have to be read again (a webhook's key): sealed with a key that is derived from SECRET_KEY, never stored in clear.

Passwords and API tokens are not for here: of those only a hash is kept.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "agentos.core.security.secrets"


class Unreadable(Exception):
    """Sealed under another SECRET_KEY, or damaged: the secret is lost and has to be replaced."""


def seal(text: str) -> str:
    """Return ``text`` encrypted and authenticated. Every call gives another string."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return what was sealed under SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises Unreadable."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable("This secret was sealed under another SECRET_KEY.") from None


def _box() -> MultiFernet:
    return MultiFernet([Fernet(_key(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str | bytes) -> bytes:
    return base64.urlsafe_b64encode(salted_hmac(SALT, "key", secret=secret, algorithm="sha256").digest())
