"""What `manage.py check` says of the catalogue."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError
from django.test import override_settings

from agentos.agents import checks
from agentos.agents.models import DjangoAgent
from tests.factories import AgentFactory


def found() -> list[tuple[str | None, str]]:
    return [(message.id, str(message.msg)) for message in run_checks() if str(message.id).startswith("agentos.")]


@pytest.mark.django_db
class TestModelsAreAvailable:
    def test_is_silent_when_all_is_well(self, everyone_agent: DjangoAgent) -> None:
        assert found() == []

    def test_names_the_model_the_reason_and_the_agents(self) -> None:
        AgentFactory(agent_id="a", model="openai:gpt-5.4")
        AgentFactory(agent_id="b", model="openai:gpt-5.4")
        text = "The model openai:gpt-5.4 cannot be used. OPENAI_API_KEY is not set. Agents that have it: a, b."
        assert found() == [("agentos.W001", text)]

    def test_leaves_out_agents_that_are_off(self) -> None:
        AgentFactory(model="openai:gpt-5.4", is_active=False)
        assert found() == []

    def test_knows_that_the_embedded_model_comes_up_with_the_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        AgentFactory(model="local:smollm2")
        monkeypatch.setattr(checks, "embedded_objection", lambda: "")
        assert found() == []

    def test_warns_of_an_embedded_model_that_is_switched_off(self) -> None:
        AgentFactory(model="local:smollm2")
        assert "AGENTOS_LOCAL_MODEL=0" in found()[0][1]


@pytest.mark.django_db
class TestToolsAreOffered:
    def test_names_what_is_not(self) -> None:
        AgentFactory(agent_id="a", tools=["clock", "shell"])
        assert found() == [("agentos.W002", "The agent a has tools that are not offered here: shell.")]

    def test_knows_that_scripted_tools_come_and_go(self) -> None:
        AgentFactory(agent_id="a", model="openai:x", tools=["letterbox"], is_active=True)
        with override_settings(AGENTOS_SCRIPTED_MODELS=False):
            assert "agentos.W002" in [name for name, _ in found()]


class TestWithoutADatabase:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **kwargs: Any) -> None:
            raise DatabaseError

        monkeypatch.setattr(DjangoAgent, "objects", type("Manager", (), {"filter": staticmethod(fail)}))

    def test_is_silent(self, broken: None) -> None:
        assert found() == []
