"""What a user has used in the last days: what was answered, of chats that are erased too, and nothing twice."""

from datetime import UTC, date, datetime, timedelta

import pytest

from agentos.access.models import ErasedUsage, User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.models import ChatSession, Run
from agentos.chat.usage import DAYS, usage_of
from agentos.core import clock
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

NOW = datetime(2026, 5, 20, 23, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def answered(chat: ChatSession, days_ago: int = 0, tokens: int = 0) -> Run:
    run: Run = RunFactory(session=chat, attempt=1, input_tokens=tokens, output_tokens=1, created_at=NOW - timedelta(days=days_ago))
    return run


def test_it_is_by_day_and_by_agent(member: User, scripted: DjangoAgent) -> None:
    first, second = (ChatSessionFactory(user=member, agent=agent) for agent in (scripted, AgentFactory(name="Other")))
    answered(first, tokens=5)
    answered(second, tokens=7)
    answered(second, days_ago=DAYS - 1)
    answered(second, days_ago=DAYS)  # too long ago
    answered(ChatSessionFactory(agent=scripted))  # somebody else's
    usage = usage_of(member)
    assert (usage.total.answers, usage.total.tokens) == (3, 15)
    assert [(used.agent, used.answers, used.tokens) for used in usage.agents] == [("Other", 2, 9), ("Scripted", 1, 6)]
    assert [(used.day, used.answers) for used in usage.days_with_answers] == [(date(2026, 5, 20), 2), (date(2026, 4, 21), 1)]
    assert (len(usage.days), usage.days[0].day, usage.days[-1].day) == (DAYS, date(2026, 4, 21), date(2026, 5, 20))


def test_what_is_erased_counts_and_what_is_copied_does_not(member: User, scripted: DjangoAgent) -> None:
    chat = ChatSessionFactory(user=member, agent=scripted)
    answered(chat)
    actions.fork_session(session=chat, through_turn=1, by=member)
    ErasedUsage.objects.create(user=member, day=date(2026, 5, 19), runs=4, tokens=40)
    ErasedUsage.objects.create(user=member, day=date(2026, 4, 20), runs=9, tokens=90)
    usage = usage_of(member)
    assert (usage.total.answers, usage.total.tokens) == (5, 41)
    assert [(used.agent, used.answers) for used in usage.agents] == [("", 4), ("Scripted", 1)]
