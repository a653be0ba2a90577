"""What `manage.py check` says about who is told from whom, and about a user model of another project."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core import checks
from django.db import models

from agentos.access.adapters import Access, access
from agentos.conf import app_settings
from agentos.core import people


@checks.register
def proxies_are_counted(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn when everybody seems to come from one address: they would share its limits, and one could lock an account for all."""
    if app_settings.BEHIND_TLS_PROXY and not app_settings.TRUSTED_PROXY_COUNT:
        text = "There is a proxy (AGENTOS_BEHIND_TLS_PROXY), but none is trusted to say whom it speaks for: all people share one address."
        hint = "Set AGENTOS_TRUSTED_PROXY_COUNT to the number of proxies that add to X-Forwarded-For."
        return [checks.Warning(text, hint=hint, id="agentos.W005")]
    return []


@checks.register(checks.Tags.models)
def users_are_what_we_need(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a user model whose rows could not be suspended, or whose key does not fit our statements."""
    model: Any = get_user_model()
    name, found = model._meta.label, []  # noqa: SLF001 - Django's public way to a model's fields
    if not people.has_column("is_active"):
        found.append(f"{name} needs a field is_active: whoever is suspended may do nothing from then on.")
    if not isinstance(model._meta.pk, models.IntegerField):  # noqa: SLF001 - and its subclasses
        found.append(f"{name} needs a whole number for its key.")
    return [checks.Error(text, id="agentos.E003") for text in found]


@checks.register
def access_is_decided(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a class that is not there, or that cannot answer what it is asked."""
    try:
        is_good = isinstance(access(), Access)
    except ImportError as error:
        return [checks.Error(f"AGENTOS_ACCESS names what is not there: {error}", id="agentos.E004")]
    text = f"AGENTOS_ACCESS must name a subclass of agentos.access.adapters.Access, not {app_settings.ACCESS}."
    return [] if is_good else [checks.Error(text, id="agentos.E004")]
