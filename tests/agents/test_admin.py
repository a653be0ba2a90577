"""The catalogue in the admin: choices instead of JSON, and a word of warning where a model cannot be used."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from agentos.agents.actions import create_agent
from agentos.agents.blueprint import CAPABILITIES
from agentos.agents.forms import AgentForm
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from tests.factories import AgentFactory, ChatSessionFactory, PlanFactory
from tests.html import page


def filled(**more: Any) -> dict[str, Any]:
    roster = {"roster-TOTAL_FORMS": "0", "roster-INITIAL_FORMS": "0"}
    return {"agent_id": "writer", "name": "Writer", "model": "scripted:5x0", "is_active": "on", **roster, **more}


class TestAgentForm:
    def errors(self, **more: Any) -> dict[str, Any]:
        return dict(AgentForm(filled(**more)).errors)

    def test_takes_a_plain_agent(self, db: None) -> None:
        assert self.errors() == {}

    @pytest.mark.parametrize("model", ["gpt-5.4", "nobody:gpt", "openai:", "openai: ", ":x"])
    def test_refuses_a_model_that_nobody_serves(self, db: None, model: str) -> None:
        assert list(self.errors(model=model)) == ["model"]

    def test_takes_a_model_whose_key_is_missing(self, db: None) -> None:
        assert self.errors(model="openai:gpt-5.4") == {}

    @pytest.mark.parametrize("slug", ["shell", "perl", "os.system"])
    def test_refuses_a_tool_that_is_not_offered(self, db: None, slug: str) -> None:
        assert list(self.errors(tools=[slug])) == ["tools"]

    def test_offers_no_scripted_tool_where_they_are_off(self, db: None) -> None:
        with override_settings(AGENTOS_SCRIPTED_MODELS=False):
            assert list(self.errors(tools=["letterbox"])) == ["tools"]

    @pytest.mark.parametrize("agent_id", ["Has Blanks", "Upper", "-x", "a/b", "x" * 65])
    def test_refuses_an_id_that_no_url_can_carry(self, db: None, agent_id: str) -> None:
        assert list(self.errors(agent_id=agent_id)) == ["agent_id"]

    @pytest.mark.parametrize(("field", "length"), [("name", 80), ("description", 300), ("instructions", 20_000), ("model", 120)])
    def test_holds_texts_to_their_length(self, db: None, field: str, length: int) -> None:
        assert field in self.errors(**{field: "openai:" + "x" * length})

    def test_reads_capabilities_by_line(self, db: None) -> None:
        form = AgentForm(filled(capabilities="Summaries\n\n  Long   letters \nSummaries\n"))
        assert form.is_valid()
        assert form.cleaned_data["capabilities"] == ["Summaries", "Long letters"]

    @pytest.mark.parametrize("lines", ["x" * 61, "\n".join(map(str, range(CAPABILITIES + 1)))])
    def test_holds_capabilities_to_a_size(self, db: None, lines: str) -> None:
        assert list(self.errors(capabilities=lines)) == ["capabilities"]

    def test_reads_starters_by_line(self, db: None) -> None:
        form = AgentForm(filled(starters="Summarise this\n\n  Write   a letter\n"))
        assert form.is_valid()
        assert form.cleaned_data["starters"] == ["Summarise this", "Write a letter"]

    @pytest.mark.parametrize("lines", ["x" * 201, "1\n2\n3\n4\n5"])
    def test_holds_starters_to_a_size(self, db: None, lines: str) -> None:
        assert list(self.errors(starters=lines)) == ["starters"]

    @pytest.mark.parametrize("starters", [["x" * 201], ["1"] * 5, [""], [7], "text", {"a": "b"}])
    def test_is_not_the_only_way_that_looks_at_starters(self, db: None, starters: Any) -> None:
        with pytest.raises(ValidationError):
            create_agent(agent_id="writer", name="Writer", model="scripted:5x0", starters=starters, by=None)


class TestAgentAdmin:
    def test_offers_models_and_tools_as_choices(self, as_operator: Client) -> None:
        html = page(as_operator.get("/admin/agents/djangoagent/add/"))
        assert html.one("#id_model")["list"] == html.one("datalist")["id"] == "id_model_choices"
        assert "scripted:tour" in [option["value"] for option in html.all("datalist option")]
        assert {box["value"] for box in html.all("[name=tools][type=checkbox]")} >= {"calculator", "clock"}

    def test_makes_an_agent(self, as_operator: Client) -> None:
        plan = PlanFactory()
        data = filled(tools=["clock"], capabilities="Letters\nMails", plans=[plan.pk], instructions="Be kind.")
        assert as_operator.post("/admin/agents/djangoagent/add/", data).status_code == 302
        agent = DjangoAgent.objects.get(agent_id="writer")
        assert (agent.tools, agent.capabilities, list(agent.plans.all())) == (["clock"], ["Letters", "Mails"], [plan])
        assert AuditRecord.objects.get(verb="agents.agent.created").object_id == "writer"

    def test_shows_what_is_stored_and_saves_it_unchanged(self, as_operator: Client) -> None:
        agent = AgentFactory(tools=["clock"], capabilities=["Letters", "Mails"])
        html = page(as_operator.get(f"/admin/agents/djangoagent/{agent.pk}/change/"))
        assert html.one("#id_capabilities").text.strip().splitlines() == ["Letters", "Mails"]
        assert [box["value"] for box in html.all("[name=tools][checked]")] == ["clock"]
        data = {"name": agent.name, "model": agent.model, "description": agent.description, "instructions": agent.instructions}
        as_operator.post(
            f"/admin/agents/djangoagent/{agent.pk}/change/",
            {**data, "tools": ["clock"], "capabilities": "Letters\nMails", "is_active": "on"},
        )
        assert not AuditRecord.objects.exists()

    def test_keeps_the_id_of_an_agent_that_exists(self, as_operator: Client) -> None:
        agent = AgentFactory(agent_id="old")
        as_operator.post(f"/admin/agents/djangoagent/{agent.pk}/change/", filled(agent_id="new", name="New name"))
        agent.refresh_from_db()
        assert (agent.agent_id, agent.name) == ("old", "New name")

    def test_warns_of_a_model_that_cannot_be_used(self, as_operator: Client) -> None:
        data = filled(model="openai:gpt-5.4")
        html = page(as_operator.post("/admin/agents/djangoagent/add/", data, follow=True))
        assert html.texts(".messagelist .warning") == ["The model openai:gpt-5.4 cannot be used now. OPENAI_API_KEY is not set."]
        assert html.texts(".field-can_answer") == ["OPENAI_API_KEY is not set."]

    def test_warns_of_tools_for_a_model_that_knows_none(self, as_operator: Client) -> None:
        with override_settings(AGENTOS_LOCAL_MODEL=True):
            html = page(as_operator.post("/admin/agents/djangoagent/add/", filled(model="local:smollm2", tools=["clock"]), follow=True))
        assert "The model local:smollm2 cannot use tools: the agent answers without them." in html.texts(".messagelist .warning")

    def test_says_to_whom_it_is_open(self, as_operator: Client, team_agent: Any, plan_agent: Any, everyone_agent: Any) -> None:
        AgentFactory(name="Z")
        html = page(as_operator.get("/admin/agents/djangoagent/"))
        assert html.texts("td.field-open_to") == ["Plan Pro", "Everyone", "Team Support", "Nobody"]

    def test_sets_how_the_model_is_asked(self, as_operator: Client) -> None:
        agent = AgentFactory(model_options={"temperature": 0.4, "max_tokens": 50})
        url = f"/admin/agents/djangoagent/{agent.pk}/change/"
        assert page(as_operator.get(url)).one("#id_temperature")["value"] == "0.4"
        as_operator.post(url, filled(temperature="0", max_tokens=""))
        agent.refresh_from_db()
        assert agent.model_options == {"temperature": 0.0}
        assert "2" in page(as_operator.post(url, filled(temperature="3"))).text(".errorlist")

    def test_switches_agents_off_and_on(self, as_operator: Client) -> None:
        agent = AgentFactory(agent_id="a")
        for action, state in (("deactivate", False), ("activate", True)):
            as_operator.post("/admin/agents/djangoagent/", {"action": action, "_selected_action": [agent.pk]})
            agent.refresh_from_db()
            assert agent.is_active is state
        verbs = AuditRecord.objects.order_by("pk").values_list("verb", "object_id")
        assert list(verbs) == [("agents.agent.deactivated", "a"), ("agents.agent.activated", "a")]

    def test_keeps_an_agent_that_has_chats(self, as_operator: Client) -> None:
        agent = ChatSessionFactory().agent
        as_operator.post(f"/admin/agents/djangoagent/{agent.pk}/delete/", {"post": "yes"})
        assert DjangoAgent.objects.filter(pk=agent.pk).exists()
