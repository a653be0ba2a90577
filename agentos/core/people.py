"""What is asked of a user, whatever model the project has for them (docs/in-your-project.md has what every model must have)."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field


def name_of(user: Any) -> str:
    """Return the name for other people; what they sign in with, where the model has no names or this user has none."""
    full_name = getattr(user, "get_full_name", None)
    return (full_name and full_name()) or str(user.get_username())


def short_name_of(user: Any) -> str:
    """Return what a friendly colleague calls them."""
    short_name = getattr(user, "get_short_name", None)
    return (short_name and short_name()) or name_of(user)


def address_of(user: Any) -> str:
    """Return the e-mail address; empty where there is none."""
    return getattr(user, user.get_email_field_name(), "") or ""


def is_operator(user: Any) -> bool:
    return bool(getattr(user, "is_staff", False))


def has_column(name: str) -> bool:
    """Whether users are stored with this."""
    try:
        return isinstance(get_user_model()._meta.get_field(name), Field)  # noqa: SLF001 - Django's public way to a model's fields
    except FieldDoesNotExist:
        return False


def address_columns() -> list[str]:
    """Return where an address is stored: what somebody signs in with, and where mail goes."""
    model: Any = get_user_model()
    return [column for column in dict.fromkeys((model.USERNAME_FIELD, model.get_email_field_name())) if has_column(column)]


def name_columns() -> list[str]:
    return [column for column in ("name", "first_name") if has_column(column)][:1]


def columns(*, address: str = "", name: str = "") -> dict[str, Any]:
    """Return an address and a name as they are stored."""
    model: Any = get_user_model()
    found: dict[str, Any] = {}
    if address:
        normalized = getattr(model.objects, "normalize_email", str)(address)
        found = dict.fromkeys(address_columns(), normalized)
    if name:
        found |= dict.fromkeys(name_columns(), name)
    return found


def searched(path: str = "") -> tuple[str, ...]:
    """Return the columns by which an admin page finds users. ``path``: from the page's own model to the user."""
    return tuple(f"{path}{column}" for column in (*address_columns(), *name_columns()))
