"""What `manage.py check` says about the storage of files."""

from typing import Any

from django.core import checks
from django.core.files.storage import InvalidStorageError

from agentos.files import storage


@checks.register
def storage_is_there(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a storage whose packages are missing: every file would fail."""
    try:
        storage.store()
    except (InvalidStorageError, ImportError) as error:
        return [checks.Error(f"The storage of files cannot be loaded. {error}", hint="See docs/files.md.", id="agentos.E007")]
    return []


@checks.register(deploy=True)
def storage_is_reached(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of a storage far away that cannot be used. It is asked, which a start does not wait for: chats work without it."""
    try:
        trouble = storage.trouble()
    except (InvalidStorageError, ImportError):
        return []
    hint = "Look at its address, the bucket's name and the keys: files are neither taken nor given until it answers."
    return [checks.Warning(f"The storage of files cannot be used. {trouble}", hint=hint, id="agentos.W008")] if trouble else []
