"""What the examples need: an agent that everybody may use, somebody with a token, a webhook each way."""

import json
import sys
from typing import Any


def seed(receiver: str) -> dict[str, Any]:
    from django.core.management import call_command

    from agentos.access.actions import create_token
    from agentos.access.models import Team, User
    from agentos.access.tokens import SCOPES
    from agentos.agents.models import DjangoAgent
    from agentos.core.security.secrets import unseal
    from agentos.webhooks.inbound import actions as incoming
    from agentos.webhooks.outbound import actions as outgoing

    call_command("migrate", verbosity=0)
    operator = User.objects.create_superuser("operator@example.com", name="Operator")
    team = Team.objects.create(name="Support")
    everyones = {"name": "Assistant", "model": "scripted:echo"}
    agent = DjangoAgent.objects.create(agent_id="assistant", is_global=True, **everyones)
    DjangoAgent.objects.create(agent_id="support", name="Support", model="scripted:echo", team=team)
    endpoint = incoming.create_endpoint(name="Orders", agent=agent, by=operator)
    hook = outgoing.create_endpoint(team=team, name="Receiver", url=receiver, events=["run.completed"], by=operator)
    return {
        "AGENTOS_TOKEN": create_token(by=operator, name="Examples", scopes=sorted(SCOPES), days=1)[1],
        "ENDPOINT": endpoint.endpoint_id,
        "IN_SECRET": unseal(endpoint.secret),
        "OUT_SECRET": unseal(hook.secret),
        "HOOK": hook.hook_id,
    }


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(seed(sys.argv[1])))
