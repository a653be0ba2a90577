"""Second factors: who has one, and who has to."""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from agentos.access.users import User
from agentos.conf import app_settings

TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_factor(user: User) -> bool:
    found: bool = get_adapter().is_mfa_enabled(user, TYPES)
    return found


def factor_first(request: HttpRequest) -> HttpResponseBase | None:
    """Lead operators without a second factor to where they get one, when the installation wants it (AGENTOS_OPERATORS_NEED_FACTOR)."""
    if not app_settings.OPERATORS_NEED_FACTOR or has_factor(request.user):  # type: ignore[arg-type]
        return None
    return redirect("mfa_index")


def reset(user: User) -> int:
    """Take away all of a user's factors, whoever does it. Returns how many there were."""
    return int(Authenticator.objects.filter(user=user).delete()[0])
