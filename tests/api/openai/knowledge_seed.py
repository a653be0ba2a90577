"""A knowledge base of everyone's, and an agent that searches it as its message says."""

import django


def seed() -> None:
    from agentos.access.models import User
    from agentos.agents.models import DjangoAgent
    from tests.knowledge.made import HOUSE, base_of

    operator = User.objects.create_superuser("keeper@example.com", name="Keeper")
    base_of(operator, HOUSE, scope="everyone")
    DjangoAgent.objects.create(agent_id="keeper", name="Keeper", model="scripted:calls", bases=["House"], is_global=True)


if __name__ == "__main__":
    django.setup()
    seed()
