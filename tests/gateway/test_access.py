"""The gateway goes by the rule of access that the project has chosen."""

from typing import Any

import httpx
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group

from agentos.access.adapters import rights_changed
from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from tests.gateway.conftest import bearer, token_for


async def test_a_rule_of_another_project_opens_and_closes_agents(
    http: httpx.AsyncClient, settings: Any, stranger: User, everyone_agent: DjangoAgent
) -> None:
    settings.AGENTOS_ACCESS = "tests.access.by_group.ByGroup"
    headers = bearer(await sync_to_async(token_for)(stranger))

    async def listed() -> list[str]:
        return [agent["id"] for agent in (await http.get("/agents", headers=headers)).json()]

    def let_in() -> None:
        stranger.groups.add(Group.objects.create(name=everyone_agent.agent_id))
        rights_changed()

    assert await listed() == []
    assert (await http.get(f"/agents/{everyone_agent.agent_id}", headers=headers)).status_code == 404
    await sync_to_async(let_in)()
    assert await listed() == [everyone_agent.agent_id]
