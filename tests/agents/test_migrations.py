"""What a migration says of teams that were made before versions could hold them."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from agentos.access.users import User
from agentos.agents import actions, queries
from agentos.agents.blueprint import blueprint_of
from agentos.agents.models import AgentVersion, DjangoAgent
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

NEW = ("kind", "mode", "members")


def test_versions_and_drafts_of_teams_are_told_who_is_in_them(operator: User) -> None:
    ann = AgentFactory(agent_id="ann", name="Ann", model="scripted:echo")
    crew = actions.create_agent(
        agent_id="crew", name="Crew", model="scripted:lead", kind="team", mode="route", members=[(ann, "Counts.")], by=operator
    )
    draft = actions.save_draft(agent=crew, changes={"description": "New."}, stamp=None, by=operator)
    for stored in (AgentVersion.objects.get(agent=crew), draft):
        stored.blueprint = {name: value for name, value in (stored.blueprint or {}).items() if name not in NEW}
        stored.save()
    import_module("agentos.agents.migrations.0012_members_in_versions").say_members(apps, SimpleNamespace(connection=connection))
    assert AgentVersion.objects.get(agent=crew).blueprint == blueprint_of(crew)
    assert queries.worked_on(crew, queries.draft_of(crew)) == {**blueprint_of(crew), "description": "New."}
    actions.publish_agent(agent=crew, by=operator)
    actions.restore_version(agent=DjangoAgent.objects.get(pk=crew.pk), number=1, by=operator)
    assert [each.number for each in queries.versions_of(crew)] == [3, 2, 1]
    assert crew.roster.get().task == "Counts."
