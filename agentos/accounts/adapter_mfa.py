"""What django-allauth asks of us about second factors: its secrets are sealed."""

from allauth.mfa.adapter import DefaultMFAAdapter
from django.utils.translation import gettext_lazy as _

from agentos.core.security import secrets


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {  # noqa: RUF012 - allauth's way
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right, or not any more. Try the next one."),
        "unverified_email": _("Confirm your e-mail address first."),
    }

    def encrypt(self, text: str) -> str:
        return secrets.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return f"AgentOS {self._get_site_name()}"
