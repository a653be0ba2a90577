"""``User``: the user model of this project, ours (``access.User``) or another one. What may be asked of it is in ``core.people``."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

if TYPE_CHECKING:
    from agentos.access.models import User

__all__ = ["User"]


def __getattr__(name: str) -> Any:
    """Find the model when it is asked for: while our own models are imported there is none yet."""
    if name == "User":
        return get_user_model()
    raise AttributeError(name)
