"""One verified, primary address for each user: without it a sign-in by a provider would take an account's password away."""

from django.conf import settings
from django.db import migrations

BATCH = 1000


def give_addresses(apps, schema_editor):
    app, model = settings.AUTH_USER_MODEL.split(".")
    User, EmailAddress = apps.get_model(app, model), apps.get_model("account", "EmailAddress")
    alias = schema_editor.connection.alias
    having = EmailAddress.objects.using(alias).filter(primary=True).values("user")
    rows = User.objects.using(alias).exclude(pk__in=having).exclude(email="").order_by("pk").values_list("pk", "email")
    EmailAddress.objects.using(alias).bulk_create(
        (EmailAddress(user_id=pk, email=email.lower(), verified=True, primary=True) for pk, email in rows.iterator(BATCH)), BATCH
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_first"),
        ("account", "0009_emailaddress_unique_primary_email"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [migrations.RunPython(give_addresses, migrations.RunPython.noop)]
