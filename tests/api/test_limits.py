"""What a program is told when it did too much, or has used up what it may use."""

from typing import Any

import pytest
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import Plan, User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import Run
from agentos.core.ratelimit import limits
from tests.factories import ChatSessionFactory, RunFactory

URL = "/api/v1/agentos/send-message/"
MESSAGE = {"message": "Hi", "agent_id": "assistant"}


@pytest.fixture(autouse=True)
def nothing_answers(settings: Any, monkeypatch: pytest.MonkeyPatch, everyone_agent: DjangoAgent) -> None:
    settings.AGENTOS_RUN_TIMEOUT = 0
    monkeypatch.setattr("agentos.api.sending.MARGIN", 0.0)
    limits.forget()


class TestTooMany:
    def test_messages_are_refused_with_the_time_to_come_back(self, as_owner: Client, settings: Any) -> None:
        settings.AGENTOS_SENDS_A_MINUTE = 1
        as_owner.post(URL, MESSAGE, content_type="application/json")
        answer = as_owner.post(URL, MESSAGE, content_type="application/json")
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (429, "too_many_requests")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert answer.headers["RateLimit-Policy"] == '"send";q=1;w=60'
        assert answer.headers["RateLimit"] == f'"send";r=0;t={answer.headers["Retry-After"]}'
        assert set(answer.json()) == {"success", "error", "response"}
        assert Run.objects.count() == 1

    def test_requests_with_one_token_are_refused_whatever_they_ask(self, anonymous: Client, owner: User, settings: Any) -> None:
        settings.AGENTOS_TOKEN_REQUESTS_A_MINUTE = 2
        bearer = {"Authorization": f"Bearer {create_token(by=owner, name='A', scopes=['agents:read'])[1]}"}
        other = {"Authorization": f"Bearer {create_token(by=owner, name='B', scopes=['agents:read'])[1]}"}
        url = "/api/v1/agentos/agents/"
        states = [anonymous.get(url, headers=bearer).headers["RateLimit"].partition(";t=")[0] for _ in range(2)]
        assert states == ['"token";r=1', '"token";r=0']
        answer = anonymous.get(url, headers=bearer)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert anonymous.get(url, headers=other).status_code == 200


class TestQuota:
    def test_that_is_used_up_is_a_402_with_its_sentence(
        self, as_owner: Client, owner: User, pro: Plan, everyone_agent: DjangoAgent
    ) -> None:
        pro.runs_a_day = 1
        pro.save()
        RunFactory(session=ChatSessionFactory(user=owner, agent=everyone_agent))
        answer = as_owner.post(URL, MESSAGE, content_type="application/json")
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (402, "quota_reached")
        assert answer.json()["error"].startswith("You have used the 1 answer that your plan Pro allows a day.")
