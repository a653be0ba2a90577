"""Tools of connections among the tools of agents: who may choose them, and that a form loses none."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Team
from agentos.agents import tools
from agentos.agents.forms import AgentForm
from agentos.agents.runtime.tools import build
from agentos.agents.specs import spec_of
from agentos.agents.tools import remote
from agentos.connections.queries import ChosenTool
from tests.factories import AgentFactory, RemoteToolFactory

pytestmark = pytest.mark.django_db


def offered(*teams: int) -> set[str]:
    return {tool.slug for tool in tools.tool_choices(teams) if tool.slug.startswith("mcp:")}


class TestChoices:
    def test_are_everybodys_and_those_of_the_team(self, support: Team) -> None:
        everybodys, ours = RemoteToolFactory(), RemoteToolFactory(server__team=support)
        assert offered() == {everybodys.slug}
        assert offered(support.pk) == {everybodys.slug, ours.slug}
        assert offered(support.pk + 1) == {everybodys.slug}
        assert {everybodys.slug, ours.slug} <= {tool.slug for tool in tools.tool_choices(None)}

    def test_cost_one_query_however_many_there_are(self) -> None:
        RemoteToolFactory()
        with CaptureQueriesContext(connection) as one:
            tools.tool_choices(None)
        for _ in range(10):
            RemoteToolFactory()
        with CaptureQueriesContext(connection) as many:
            tools.tool_choices(None)
        assert len(one) == len(many) == 1

    def test_have_the_policies_of_their_connection(self) -> None:
        asks, free = RemoteToolFactory(), RemoteToolFactory(policy="auto", hints={"read_only": True})
        found = tools.tools([asks.slug, free.slug])
        assert (found[asks.slug].policy, found[asks.slug].policies) == ("ask", ("ask",))
        assert (found[free.slug].policy, found[free.slug].policies) == ("auto", ("ask", "auto"))
        assert tools.policy_of(found[asks.slug], {asks.slug: "auto"}) == "ask"
        assert tools.policy_of(found[free.slug], {free.slug: "ask"}) == "ask"

    def test_read_what_is_not_public(self) -> None:
        assert tools.tools([RemoteToolFactory().slug]).popitem()[1].is_private


class TestSpec:
    def test_of_an_agent_without_them_asks_nothing(self) -> None:
        agent = AgentFactory(tools=["clock"])
        with CaptureQueriesContext(connection) as asked:
            spec_of(agent)
        assert len(asked) == 0

    def test_of_an_agent_with_them_asks_once(self) -> None:
        slugs = [RemoteToolFactory().slug for _ in range(10)]
        agent = AgentFactory(tools=slugs)
        with CaptureQueriesContext(connection) as asked:
            assert set(spec_of(agent).toolbox) == set(slugs)
        assert len(asked) == 1


class TestForm:
    def test_keeps_a_tool_that_waits_to_be_accepted_again(self) -> None:
        tool = RemoteToolFactory(offered={"hash": "1"})
        slugs = dict(AgentForm(instance=AgentFactory(tools=[tool.slug])).fields["tools"].choices)  # type: ignore[attr-defined]
        assert "has changed this tool" in slugs[tool.slug]
        assert tool.slug not in dict(AgentForm(instance=AgentFactory()).fields["tools"].choices)  # type: ignore[attr-defined]


def test_is_the_same_as_long_as_nothing_of_it_changes() -> None:
    """So that Agno looks into its function once, and not at every run."""
    plain: dict[str, Any] = {"label": "CRM: Find", "server": "crm", "name": "find", "called": "crm_find", "schema": {"type": "object"}}
    tool = remote.tool_of(ChosenTool("mcp:crm/find", **plain))
    assert remote.tool_of(ChosenTool("mcp:crm/find", **plain)) is tool
    assert build([tool]) == build([tool])
    assert build([tool])[0] is build([tool])[0]
    for changed in ({"description": "Evil."}, {"schema": {"type": "object", "properties": {"a": {}}}}, {"away": "Off."}, {"team": 7}):
        fields: dict[str, Any] = {**plain, **changed}
        other = remote.tool_of(ChosenTool("mcp:crm/find", **fields))
        assert other is not tool
        assert build([other])[0] is not build([tool])[0]
