import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0002_api_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='RateCount',
            fields=[
                ('key', models.CharField(max_length=300, primary_key=True, serialize=False)),
                ('window', models.BigIntegerField(help_text='Its number since 1970, in windows of this length.')),
                ('count', models.PositiveIntegerField()),
                ('ends', models.BigIntegerField(db_index=True, help_text='When the window is over, in seconds since 1970.')),
            ],
        ),
        migrations.AddField(
            model_name='plan',
            name='concurrent_runs',
            field=models.PositiveIntegerField(blank=True, help_text='Of one subscriber, queued or running. Empty: no limit.', null=True, verbose_name='answers at once'),
        ),
        migrations.AddField(
            model_name='plan',
            name='runs_a_day',
            field=models.PositiveIntegerField(blank=True, help_text='That one subscriber may start. Empty: no limit. Of several plans the most counts.', null=True, verbose_name='answers a day'),
        ),
        migrations.AddField(
            model_name='plan',
            name='tokens_a_month',
            field=models.PositiveBigIntegerField(blank=True, help_text="Read and written by models, for one subscriber's answers. Empty: no limit.", null=True, verbose_name='tokens a month'),
        ),
        migrations.CreateModel(
            name='ErasedUsage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('runs', models.PositiveIntegerField(default=0)),
                ('tokens', models.PositiveBigIntegerField(default=0)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'day'), name='erased_usage_once')],
            },
        ),
    ]
