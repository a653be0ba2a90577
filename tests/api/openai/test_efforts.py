"""``reasoning_effort`` of OpenAI's clients, in our words, where the agent lets its effort be chosen."""

from typing import Any

import pytest

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.api.openai.completion import begin
from agentos.api.openai.errors import BadField
from agentos.api.openai.parsing import NEW, read
from agentos.api.openai.responses.parsing import read as read_response
from agentos.api.openai.responses.schemas import ResponseIn
from agentos.api.openai.responses.serializers import items_of, response_of
from agentos.api.openai.schemas import CompletionIn
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def agent() -> DjangoAgent:
    found: DjangoAgent = AgentFactory(agent_id="thinker", model="scripted:effort", effort_choice=True, is_global=True)
    return found


def asked(effort: Any) -> Any:
    return read(CompletionIn.model_validate({"model": "thinker", "messages": HELLO, "reasoning_effort": effort}))


@pytest.mark.parametrize(("effort", "ours"), [("minimal", "quick"), ("low", "quick"), ("medium", ""), ("high", "thorough"), (None, "")])
def test_is_ours(agent: DjangoAgent, member: User, effort: Any, ours: str) -> None:
    assert begin(member, asked(effort), "").effort == ours
    run = begin(member, asked(effort).into(NEW), "")
    assert run.effort == ours
    assert response_of(run, items_of(run, []))["reasoning"]["effort"] == {"quick": "low", "thorough": "high"}.get(ours)


def test_is_ignored_where_nobody_chooses(agent: DjangoAgent, member: User) -> None:
    DjangoAgent.objects.update(effort_choice=False)
    assert begin(member, asked("high"), "").effort == begin(member, asked("high").into(NEW), "").effort == ""


@pytest.mark.parametrize("effort", ["utmost", 3, ["high"]])
def test_is_refused_when_it_is_none(effort: Any) -> None:
    with pytest.raises(BadField, match="An effort is one of") as refused:
        asked(effort)
    assert refused.value.field == "reasoning_effort"


def test_is_read_of_responses_too(agent: DjangoAgent, member: User) -> None:
    payload = ResponseIn.model_validate({"model": "thinker", "input": "Hello", "reasoning": {"effort": "high"}})
    assert read_response(payload, member).asked.effort == "thorough"
