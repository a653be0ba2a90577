"""The providers as whoever runs the site sees them: on the page, and by the command."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from agentos.agents.models import DjangoAgent
from agentos.agents.provider_states import provider_states
from agentos.agents.providers import CODE, PROVIDERS
from site_config import cli
from tests.dashboard.asking import queries as counted
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
PAGE = "/agentos/settings/models/"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)


def said(*arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command("agentos_models", *arguments, stdout=out, **options)
    return out.getvalue()


def test_are_all_there_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    by_slug = {state.slug: state for state in provider_states()}
    assert set(by_slug) == set(PROVIDERS) - {CODE.slug}
    assert by_slug["openai"].missing == ("OPENAI_API_KEY is not set.",)
    assert len(by_slug["azure-openai"].missing) == 2
    assert by_slug["scripted"].is_ready
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    openai = next(state for state in provider_states() if state.slug == "openai")
    assert openai.is_ready
    assert "efforts" in openai.able


def test_come_in_the_order_of_their_use(everyone_agent: DjangoAgent) -> None:
    AgentFactory(model="scripted:echo", is_active=False)
    states = provider_states()
    assert (states[0].slug, states[0].agents) == ("scripted", 1)
    assert [state.is_ready for state in states] == sorted((state.is_ready for state in states), reverse=True)


def test_are_on_a_page_of_operators(as_operator: Client, everyone_agent: DjangoAgent) -> None:
    html = as_operator.get(PAGE).content.decode()
    assert html.index("Scripted") < html.index("OPENAI_API_KEY is not set.")
    assert "1 agent has it" in html
    found = as_operator.get(PAGE + "?q=AZURE%20open").content.decode()
    assert "Azure OpenAI" in found
    assert "Anthropic" not in found
    assert "/agentos/settings/models/" in as_operator.get("/agentos/settings/person/").content.decode()
    few = counted(as_operator, PAGE)
    for _ in range(5):
        AgentFactory(model="scripted:echo")
    assert counted(as_operator, PAGE) == few


def test_are_told_by_a_command() -> None:
    assert cli.COMMANDS["models"][0] == "agentos_models"
    everything = said()
    assert "OPENAI_API_KEY is not set." in everything
    ready = said(ready=True)
    assert "scripted" in ready
    assert "OPENAI_API_KEY" not in ready
    assert said("openai", "chat").count("missing  ") == 1
    assert said("zzz") == "There is none.\n"
