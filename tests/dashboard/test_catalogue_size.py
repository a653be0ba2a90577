"""A large house opens its catalogue with as many queries as a small one: 500 agents, 200 tools of connections, 1,000 versions."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.agents.models import AgentVersion, DjangoAgent
from agentos.connections.models import RemoteTool
from tests.factories import AgentFactory, RemoteServerFactory, RemoteToolFactory

PAGES = ("agents", "workshop", "home", "connections")


def asked(client: Client) -> dict[str, int]:
    found = {}
    for page in PAGES:
        client.get(reverse(f"dashboard:{page}"))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(f"dashboard:{page}")).status_code == 200
        found[page] = len(queries)
    return found


@pytest.mark.django_db
def test_queries_do_not_grow(as_operator: Client, operator: Any) -> None:
    tool = RemoteToolFactory()
    agent = AgentFactory(is_global=True, tools=["clock", tool.slug])
    AgentVersion.objects.create(agent=agent, number=1, blueprint={}, by=operator)
    small = asked(as_operator)
    server = RemoteServerFactory()
    tools = RemoteTool.objects.bulk_create(RemoteTool(server=server, name=f"tool_{number}", hash="0" * 64) for number in range(200))
    slugs = [tool.slug for tool in tools]
    many = DjangoAgent.objects.bulk_create(
        DjangoAgent(
            agent_id=f"many-{number}",
            name=f"Many {number}",
            model="scripted:echo",
            is_global=True,
            tools=["clock", *slugs[number % 190 :][:3]],
        )
        for number in range(500)
    )
    AgentVersion.objects.bulk_create(
        AgentVersion(agent=each, number=number, blueprint={}, by=operator) for each in many for number in (1, 2)
    )
    assert asked(as_operator) == small
