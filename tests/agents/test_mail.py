"""The mail that says that somebody asks for an agent: to whom, with what in it, and how often."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from agentos.access import outbox
from agentos.access.models import User
from agentos.agents import actions
from agentos.agents import mail as letters
from agentos.agents.models import AccessRequest, DjangoAgent
from agentos.audit.models import AuditRecord
from tests.factories import UserFactory

Ask = Callable[..., AccessRequest]


@pytest.fixture
def ask(
    team_agent: DjangoAgent,
    stranger: User,
    owner: User,
    operator: User,
    member: User,
) -> Ask:
    """Ask, and send what is to be mailed at once."""

    def ask(by: User = stranger) -> AccessRequest:
        asked = actions.ask_for_access(agent=team_agent, by=by)
        outbox.send_due()
        return asked

    return ask


class TestMail:
    def test_goes_to_owners_of_the_team_and_operators_each_their_own(self, ask: Ask, settings: Any) -> None:
        settings.AGENTOS_ORIGIN = "https://chat.example.com"
        ask()
        assert sorted(tuple(letter.to) for letter in mail.outbox) == [("operator@example.com",), ("owner@example.com",)]
        letter = next(letter for letter in mail.outbox if letter.to == ["owner@example.com"])
        assert letter.subject == "Sam Stranger asks for access to Support Writer"
        assert str(letter.body).startswith("Hello Olga Owner,\n\nSam Stranger asks for access to the agent Support Writer. Decide here:")
        assert "\nhttps://chat.example.com/agentos/settings/access/\n" in str(letter.body)

    def test_comes_once_for_a_request(self, ask: Ask) -> None:
        ask()
        ask()
        assert len(mail.outbox) == 2

    def test_comes_once_a_day_for_whoever_asks_again(self, ask: Ask, owner: User) -> None:
        for _ in range(2):
            actions.decline_access(asked=ask(), by=owner)
        assert len(mail.outbox) == 2
        AuditRecord.objects.update(at=AuditRecord.objects.latest("pk").at - timedelta(days=1, seconds=1))
        ask()
        assert len(mail.outbox) == 4

    def test_comes_for_somebody_else_the_same_day(self, ask: Ask) -> None:
        ask()
        ask(UserFactory(name="Another\nOne\u202e"))
        assert len(mail.outbox) == 4
        assert mail.outbox[-1].subject == "Another One\\u202e asks for access to Support Writer"

    def test_that_cannot_be_written_changes_nothing(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(asked: AccessRequest) -> None:
            raise LookupError

        monkeypatch.setattr(letters, "write", fail)
        assert ask().pk
        assert "could not be written" in caplog.text
