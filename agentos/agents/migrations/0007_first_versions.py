"""What is published of each agent, as its version 1."""

from typing import Any

from django.db import migrations

PARTS = ("name", "description", "instructions", "model", "fallbacks", "tools", "tool_policies", "tool_options", "capabilities", "starters")


def keep_versions(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    agents, versions = (apps.get_model("agents", name).objects.using(alias) for name in ("DjangoAgent", "AgentVersion"))
    for agent in agents.filter(published_versions=None).iterator():
        versions.create(agent=agent, number=1, blueprint={part: getattr(agent, part) for part in PARTS}, at=agent.updated_at)


class Migration(migrations.Migration):
    dependencies = [("agents", "0006_drafts_and_versions")]

    operations = [migrations.RunPython(keep_versions, migrations.RunPython.noop)]
