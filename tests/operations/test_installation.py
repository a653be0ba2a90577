"""The operators' page of the installation: what is there, what is missing, and what waits for too long."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agentos.access.models import Letter
from agentos.chat.models import Run
from agentos.core import clock
from tests.dashboard.asking import queries
from tests.factories import AgentFactory, RunFactory
from tests.html import page

URL = "/agentos/settings/installation/"

pytestmark = pytest.mark.django_db


def fact(client: Client, name: str) -> str:
    (found,) = (text for text in page(client.get(URL)).texts(".row-card") if text.startswith(name))
    return found


def test_says_what_is_there(as_operator: Client, settings: Any) -> None:
    settings.AGENTOS_OPENAI_API_KEY = ""
    assert fact(as_operator, "Outbox") == "Outbox Nothing waits."
    assert fact(as_operator, "Messages that wait") == "Messages that wait None."
    assert fact(as_operator, "Sign-up").startswith("Sign-up People who are invited")
    assert "Django" in page(as_operator.get(URL)).text("main")


def test_says_what_is_missing(as_operator: Client) -> None:
    AgentFactory(model="mistral:large")
    assert "MISTRAL_API_KEY" in fact(as_operator, "Mistral")
    assert fact(as_operator, "Mistral").endswith("Needs attention. More Mistral AI")


def test_says_what_waits_for_too_long(as_operator: Client) -> None:
    Letter.objects.create(to="olga@example.com", what="an invitation", created_at=clock.now() - timedelta(hours=2))
    RunFactory(status=Run.Status.QUEUED, created_at=clock.now() - timedelta(hours=1))
    assert fact(as_operator, "Outbox") == "Outbox 1 mail waits, since 2 hours. Needs attention."
    assert fact(as_operator, "Messages that wait") == "Messages that wait The oldest since 1 hour. Needs attention."


def test_takes_the_same_queries_however_much_there_is(as_operator: Client) -> None:
    few = queries(as_operator, URL)
    RunFactory.create_batch(3, status=Run.Status.QUEUED)
    AgentFactory.create_batch(3, model="mistral:large")
    assert queries(as_operator, URL) == few
