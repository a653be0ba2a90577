"""What an account is made of."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet

from agentos.access.users import User


def addresses_of(user: User) -> QuerySet[Any]:
    """Return the addresses, the one that the user signs in with first."""
    found: QuerySet[Any] = EmailAddress.objects.filter(user=user).order_by("-primary", "email")
    return found


def factors_of(user: User) -> list[Any]:
    return list(Authenticator.objects.filter(user=user).order_by("created_at"))


def connected_of(user: User) -> list[Any]:
    return list(SocialAccount.objects.filter(user=user).order_by("provider"))


def meant_by(provider: str, claims: dict[str, Any]) -> list[User]:
    """Return whom a provider means: by its key for them, or by one of its own sign-ins."""
    found = SocialAccount.objects.filter(provider=provider).select_related("user")
    found = found.filter(uid=claims["sub"]) if claims.get("sub") else found.filter(extra_data__id_token__sid=claims["sid"])
    return [account.user for account in found]
