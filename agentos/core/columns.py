"""Columns of the administration's lists that print what people have typed."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin

from agentos.core.security.invisible import visible


def column(field: str) -> Callable[[Any], str]:
    """Return a column that shows a field with what cannot be seen made visible, and sorts by it."""

    @admin.display(description=field.replace("_", " "), ordering=field)
    def show(obj: Any) -> str:
        return visible(getattr(obj, field))

    return show
