"""What teams and steps are made of, in the versions that were kept before a version could say it."""

from typing import Any

from django.db import migrations


def say_members(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    agents, versions, drafts = (apps.get_model("agents", name).objects.using(alias) for name in ("DjangoAgent", "AgentVersion", "AgentDraft"))
    for agent in agents.filter(kind__in=("team", "steps")).iterator():
        roster = agent.roster.order_by("position", "pk").select_related("agent")
        members = [{"agent": each.agent.agent_id, "task": each.task} for each in roster]
        made_of = {"kind": agent.kind, "mode": agent.mode, "members": members}
        for stored in (*versions.filter(agent=agent), *drafts.filter(agent=agent, blueprint__isnull=False)):
            stored.blueprint = {**stored.blueprint, **made_of}
            stored.save(update_fields=["blueprint"])


class Migration(migrations.Migration):
    dependencies = [("agents", "0011_skills")]

    operations = [migrations.RunPython(say_members, migrations.RunPython.noop)]
