"""The key that signs sessions and seals the secrets of webhooks: a local installation has it in a file, a production in its environment."""

import hashlib
import hmac
from pathlib import Path

from django.conf import settings

from agentos.conf import app_settings

FILE = "secret-key"
INCLUDED, LEFT_OUT, ENVIRONMENT = "included", "left out", "environment"


def file() -> Path | None:
    """Return the file that holds the key which counts now; None when it comes from the environment."""
    path = Path(app_settings.DATA_DIR) / FILE
    if path.is_file() and path.read_text(encoding="ascii", errors="replace").strip() == settings.SECRET_KEY:
        return path
    return None


def check() -> str:
    """Return what the key is known by, which says nothing about it."""
    return hmac.new(settings.SECRET_KEY.encode(), b"agentos backup", hashlib.sha256).hexdigest()[:16]
