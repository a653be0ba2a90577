"""Who may make an account of their own (AGENTOS_SIGN_UP)."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from agentos.access import invitations
from agentos.conf import app_settings

CLOSED, INVITED, DOMAIN, OPEN = "closed", "invited", "domain", "open"


def is_open(request: HttpRequest) -> bool:
    """Whether whoever sends this request may sign up. An invitation opens every way but ``closed``."""
    mode = app_settings.SIGN_UP
    if mode == CLOSED:
        return False
    return mode in {DOMAIN, OPEN} or invitations.of_session(request.session) is not None


def refused(request: HttpRequest, email: str) -> str:
    """Return why nobody may sign up with this address here; empty when they may."""
    invitation = invitations.of_session(request.session)
    if invitation is not None:
        return "" if email == invitation.email else _("The invitation is for %(email)s.") % {"email": invitation.email}
    if app_settings.SIGN_UP == DOMAIN and email.rpartition("@")[2] not in domains():
        return _("Accounts here are for addresses of %(domains)s.") % {"domains": ", ".join(domains())}
    return ""


def domains() -> list[str]:
    return [domain.lower() for domain in app_settings.SIGN_UP_DOMAINS]
