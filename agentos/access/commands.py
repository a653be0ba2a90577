"""Whom and what a command's words name."""

from django.core.management import CommandError

from agentos.access.models import Team
from agentos.access.users import User
from agentos.core.people import has_column


def team_named(name: str | None) -> Team | None:
    """Raises CommandError for a name that no team has."""
    if not name:
        return None
    if team := Team.objects.filter(name=name).first():
        return team
    raise CommandError(f"There is no team {name!r}.")


def person_named(address: str) -> User:
    """Raises CommandError for an address that nobody has who may sign in."""
    if person := User.objects.filter(is_active=True, **{User.USERNAME_FIELD: address}).first():
        return person
    raise CommandError(f"Nobody has the address {address!r}.")


def operator_named(address: str | None) -> User:
    """Return the operator with this address, or the first one there is. Raises CommandError."""
    operators = User.objects.filter(is_active=True, is_staff=True) if has_column("is_staff") else User.objects.none()
    found = operators.filter(**{User.USERNAME_FIELD: address}).first() if address else operators.order_by("pk").first()
    if found is None:
        raise CommandError("There is no such operator." if address else "There is no operator yet: make one with createoperator.")
    return found
