"""`python -m tests.operations.populate`: at least one row in every table that there is, with what is hard to carry from one database to
another. A model that is new is filled by its columns."""

import os

if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")
    django.setup()

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models

from tests.factories import (
    AgentFactory,
    FeedbackFactory,
    PlanFactory,
    RunEventFactory,
    RunFactory,
    SubscriptionFactory,
    UserFactory,
)

ODD = "ä € 🙂 \u202e\u2028 'quoted' \\n \\\\ \t a line\nand another"
JSON: dict[str, Any] = {
    "text": ODD,
    "numbers": [0, -1, 1.5, 1e22, 12345678901234567890, 0.1],
    "nothing": None,
    "yes": True,
    "in": {"ü": []},
}
MOMENT = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)

VALUES: dict[type[Any], Any] = {
    models.JSONField: JSON,
    models.BinaryField: bytes(range(256)),
    models.BooleanField: True,
    models.DateTimeField: MOMENT,
    models.DateField: MOMENT.date(),
    models.GenericIPAddressField: "2001:db8::1",
    models.EmailField: "odd@example.com",
    models.URLField: "https://example.com/",
    models.FloatField: 0.1,
    models.DecimalField: Decimal("0.25"),
    models.PositiveSmallIntegerField: 7,
    models.IntegerField: 7,
    models.TextField: ODD,
    models.CharField: ODD,
}


def populate() -> None:
    """Make rows of everything; what stands first in a table is what others refer to."""
    user = UserFactory(name=ODD[:80])
    agent = AgentFactory(instructions=ODD, plans=[PlanFactory()])
    for _ in range(30):
        FeedbackFactory(run=RunFactory(session__user=user, session__agent=agent, input=ODD, answer=ODD, messages=[JSON]))
    RunEventFactory(data=JSON)
    SubscriptionFactory(customer__user=user)
    missing = [model for model in apps.get_models(include_auto_created=True) if not rows(model).exists()]
    while missing:
        ready = [model for model in missing if all(rows(to).exists() for to in needed(model))]
        assert ready, missing
        for model in ready:
            model(**{field.attname: value_of(field) for field in model._meta.local_concrete_fields if not skipped(field)}).save_base(
                raw=True
            )
        missing = [model for model in missing if model not in ready]


def rows(model: Any) -> Any:
    return models.QuerySet(model)


def needed(model: Any) -> list[Any]:
    """The models that a row of this one has to refer to."""
    return [field.related_model for field in model._meta.local_concrete_fields if field.is_relation and not field.null]


def skipped(field: Any) -> bool:
    return isinstance(field, models.AutoField) or (field.is_relation and field.null)


def value_of(field: Any) -> Any:
    if field.is_relation:
        return rows(field.related_model).order_by("pk").first().pk
    if field.choices:
        return field.choices[0][0]
    found = next(value for kind, value in VALUES.items() if isinstance(field, kind))
    return found[: field.max_length or None] if isinstance(found, str) else found


if __name__ == "__main__":
    populate()
