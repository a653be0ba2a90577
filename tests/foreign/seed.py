"""Makes the people of the foreign project and one agent: run over its database, as ``python -m tests.foreign.seed``."""

import django

django.setup()

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from agentos.agents.actions import create_agent

PEOPLE = get_user_model().objects

create_agent(agent_id="guide", name="Guide", model="scripted:20x50", by=None)
ada = PEOPLE.create_user("ada", "a-password-of-ada")
PEOPLE.create_user("bob", "a-password-of-bob")
ada.groups.add(Group.objects.create(name="guide"))
