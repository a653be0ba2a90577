"""What stands in the database before the first client comes: agents of every temper, people with tokens, empty sessions."""

import json
import sys
from datetime import timedelta
from typing import Any


def seed(models: dict[str, str]) -> dict[str, Any]:
    from django.core.management import call_command

    from agentos.access.actions import create_token
    from agentos.access.models import ApiToken, User
    from agentos.agents.models import DjangoAgent
    from agentos.chat.models import ChatSession
    from agentos.core import clock
    from tests.conftest import signed_in

    call_command("migrate", verbosity=0)
    for agent_id, model in models.items():
        tools = ["calculator"] if model.startswith("openai-like:") else []
        DjangoAgent.objects.create(
            agent_id=agent_id, name=agent_id.title(), model=model, is_global=True, instructions="SECRET-INSTRUCTIONS", tools=tools
        )
    DjangoAgent.objects.create(agent_id="closed", name="Closed", model="scripted:echo")
    both = ["agents:read", "runs:write"]
    everything = [*both, "sessions:read", "sessions:write"]
    wanted = {
        "ada": everything,
        "bob": everything,
        "scoped": both,
        "reader": ["agents:read"],
        "sender": ["runs:write"],
        "expired": both,
        "suspended": both,
        "leaving": both,
    }
    found: dict[str, str] = {}
    for name, scopes in wanted.items():
        user = User.objects.create_user(f"{name}@example.com", name=name.title())
        found[name] = create_token(by=user, name="A program", scopes=scopes)[1]
    ApiToken.objects.filter(user__email="expired@example.com").update(expires_at=clock.now() - timedelta(seconds=1))
    User.objects.filter(email="suspended@example.com").update(is_active=False)
    ada = User.objects.get(email="ada@example.com")
    agents = DjangoAgent.objects.exclude(agent_id="closed")
    sessions = {agent.agent_id: [ChatSession.objects.create(user=ada, agent=agent).session_id for _ in range(8)] for agent in agents}
    cookies = {name: morsel.value for name, morsel in signed_in(ada).cookies.items()}
    return {"tokens": found, "sessions": sessions, "cookies": cookies}


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(seed(json.loads(sys.argv[1]))))
