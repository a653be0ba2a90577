"""What `manage.py check` says of our settings where a project has set them."""

from typing import Any

from django.conf import settings
from django.core import checks

from agentos.conf import declared


@checks.register
def settings_are_good(**_kwargs: Any) -> list[checks.CheckMessage]:
    return [
        checks.Error(f"{setting.name} {wrong}", id="agentos.E002")
        for setting in declared()
        if hasattr(settings, setting.name) and (wrong := setting.objection(getattr(settings, setting.name)))
    ]


@checks.register
def settings_are_known(**_kwargs: Any) -> list[checks.CheckMessage]:
    known = {setting.name for setting in declared()}
    unknown = [name for name in dir(settings) if name.startswith("AGENTOS_") and name not in known]
    return [checks.Warning(f"There is no setting {name}.", hint="Is it misspelt?", id="agentos.W006") for name in unknown]
