"""What `manage.py check` says about ways to sign up that cannot work."""

from typing import Any

from django.conf import settings
from django.core import checks

from agentos.accounts import signing_up
from agentos.conf import app_settings

CONSOLE = "django.core.mail.backends.console.EmailBackend"


@checks.register
def sign_up_can_work(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a way in that needs mails where there is no mail server: whose address it is could not be asked."""
    mode = app_settings.SIGN_UP
    found: list[checks.CheckMessage] = []
    if mode in {signing_up.DOMAIN, signing_up.OPEN} and settings.EMAIL_BACKEND == CONSOLE:
        text = f"AGENTOS_SIGN_UP={mode} needs a mail server: addresses are confirmed by mail."
        found.append(checks.Error(text, hint="Set EMAIL_HOST, or AGENTOS_SIGN_UP=invited.", id="agentos.E005"))
    if mode == signing_up.DOMAIN and not app_settings.SIGN_UP_DOMAINS:
        text = "AGENTOS_SIGN_UP=domain needs AGENTOS_SIGN_UP_DOMAINS."
        found.append(checks.Error(text, hint="For example AGENTOS_SIGN_UP_DOMAINS=example.com.", id="agentos.E006"))
    return found
