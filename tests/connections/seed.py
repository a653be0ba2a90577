"""An agent with a tool of a connection, and somebody who may use it: ``python -m tests.connections.seed URL``, over a server's data."""

import json
import sys
from typing import Any


def seed(url: str) -> dict[str, Any]:
    from agentos.access.actions import create_token
    from agentos.access.models import User
    from agentos.access.tokens import SCOPES
    from agentos.agents.models import DjangoAgent
    from agentos.connections.models import RemoteTool, Server

    operator = User.objects.create_superuser("operator@example.com", name="Operator")
    server = Server.objects.create(slug="notes", name="Notes", url=url)
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    tool = RemoteTool.objects.create(server=server, name="write_note", description="Keep a note.", schema=schema, hash="0" * 64)
    DjangoAgent.objects.create(agent_id="writer", name="Writer", model="openai-like:any", is_global=True, tools=[tool.slug])
    return {"token": create_token(by=operator, name="Test", scopes=sorted(SCOPES), days=1)[1]}


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(seed(sys.argv[1])))
