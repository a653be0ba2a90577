from typing import Any

from django.db import migrations


def copy_made(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    for done in apps.get_model("webhooks_outgoing", "DoneOnce").objects.using(alias).iterator():
        apps.get_model("chat", "IdempotencyKey").objects.using(alias).filter(pk=done.key_id).update(made=done.made)


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0008_made_of_other_apps"),
        ("webhooks_outgoing", "0003_fewer_indexes"),
    ]

    operations = [
        migrations.RunPython(copy_made, migrations.RunPython.noop),
        migrations.DeleteModel(name="DoneOnce"),
    ]
