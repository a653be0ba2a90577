"""Mails that are sent at once, and what is in them."""

import re
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage

from agentos.access import outbox
from agentos.access.models import Letter


@pytest.fixture
def letters(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[EmailMessage]:
    """The mails that were sent: a thread would not see what the test has not committed."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    monkeypatch.setattr(outbox, "wake", lambda: None)
    return mail.outbox


def links(letters: list[EmailMessage]) -> list[str]:
    """Send what waits, and return the path of each link in what was sent."""
    outbox.send_due()
    assert not Letter.objects.exists()
    return [found for letter in letters for found in re.findall(r"http://[^/\s]+(/\S+)", str(letter.body))]
