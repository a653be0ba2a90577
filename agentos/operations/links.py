"""What whoever starts a new server is told: how to make the first account."""

from django.urls import NoReverseMatch, reverse

from agentos.conf import app_settings
from agentos.core import mail
from agentos.core.starting.refusal import manage
from agentos.operations import actions

BY_HAND = "There is no account yet. Make the first one, an operator's, in another shell here: {command}"
BY_LINK = "There is no account yet. Make the first one, an operator's, here. The link works once, for a day:"


def first_account(address: str) -> list[str]:
    """Return the lines. ``address``: where the server listens."""
    try:
        reverse("operations:set-up")
    except NoReverseMatch:  # a project that makes its people by itself
        return [BY_HAND.format(command=manage("agentos_createoperator EMAIL"))]
    return [BY_LINK, link(actions.make_link(by=None), address)]


def link(token: str, address: str) -> str:
    return f"{_site(address)}{reverse('operations:set-up')}?token={token}"


def _site(address: str) -> str:
    return address if app_settings.LOCAL and not app_settings.ORIGIN else mail.site()
