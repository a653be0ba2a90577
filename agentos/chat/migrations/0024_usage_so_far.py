"""Counts what was answered before usage was counted at the end of each answer, and takes over what erased chats had cost."""

from django.db import migrations
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce, TruncDate, TruncMonth

AT_ONCE = 1000
NUMBERS = ('answers', 'input_tokens', 'output_tokens', 'cached_tokens', 'reasoning_tokens', 'cost_micro', 'unpriced')


def count(apps, schema_editor):
    runs, usage, monthly = (apps.get_model('chat', name) for name in ('Run', 'Usage', 'MonthlyUsage'))
    erased = apps.get_model('access', 'ErasedUsage')
    alias = schema_editor.connection.alias
    copied = Q(session__forked_at_turn__isnull=False, turn__lte=F('session__forked_at_turn'), retry_of__isnull=True)
    withdrawn = Q(is_hidden=True, status='stopped', attempt=0)
    ended = runs.objects.using(alias).filter(status__in=('completed', 'failed', 'interrupted', 'stopped')).exclude(copied).exclude(withdrawn)
    rows = (
        ended.order_by()
        .annotate(day=TruncDate('created_at'))
        .values('day', 'model', user=F('by'), agent=F('session__agent'), team=F('session__agent__team'))
        .annotate(
            answers=Count('pk'),
            **{f'sum_{name}': Sum(name) for name in NUMBERS[1:5]},
            sum_cost_micro=Coalesce(Sum('cost_micro'), 0),
            sum_unpriced=Count('pk', filter=Q(cost_micro=None) & (Q(status='completed') | Q(input_tokens__gt=0) | Q(output_tokens__gt=0))),
        )
    )
    of_runs = (
        usage(
            day=row['day'], user_id=row['user'], agent_id=row['agent'], team_id=row['team'], model=row['model'], answers=row['answers'],
            **{name: row[f'sum_{name}'] for name in NUMBERS[1:]},
        )
        for row in rows.iterator(AT_ONCE)
    )
    _store(usage, of_runs, alias)
    # Neither their agent nor what was read of it and what was written is known any more.
    of_erased = (
        usage(day=row.day, user_id=row.user_id, answers=row.runs, input_tokens=row.tokens) for row in erased.objects.using(alias).iterator(AT_ONCE)
    )
    _store(usage, of_erased, alias)
    months = (
        usage.objects.using(alias).order_by()
        .annotate(month=TruncMonth('day'))
        .values('month', 'user', 'agent', 'team', 'model')
        .annotate(**{f'sum_{name}': Sum(name) for name in NUMBERS})
    )
    of_months = (
        monthly(
            day=row['month'], user_id=row['user'], agent_id=row['agent'], team_id=row['team'], model=row['model'],
            **{name: row[f'sum_{name}'] for name in NUMBERS},
        )
        for row in months.iterator(AT_ONCE)
    )
    _store(monthly, of_months, alias)


def _store(model, rows, alias):
    """Read first, then written: what is read row by row must not see what is written beside it."""
    model.objects.using(alias).bulk_create(list(rows), batch_size=AT_ONCE)


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0011_voice'),
        ('chat', '0023_usage'),
    ]

    operations = [
        migrations.RunPython(count, migrations.RunPython.noop),
    ]
